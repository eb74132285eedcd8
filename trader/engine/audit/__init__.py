"""Audits of the program itself: does anything look ahead, and does it matter where a stream begins."""
