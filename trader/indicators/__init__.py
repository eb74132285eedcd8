"""Indicators: one compiled kernel; the batch form is a loop over the live step."""
