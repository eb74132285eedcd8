"""Geometry of the 11 chart patterns."""
