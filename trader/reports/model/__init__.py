"""The report of a trained model: one page that opens offline, and the same figures for machines."""
