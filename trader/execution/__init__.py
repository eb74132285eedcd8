"""Requests within the venue's limits."""
