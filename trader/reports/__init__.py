"""Workbooks, logs and charts of a run."""
