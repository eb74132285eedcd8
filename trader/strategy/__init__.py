"""Opinions on candles; they know nothing of money."""
