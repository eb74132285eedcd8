"""A trading daemon for Binance, and the backtester that is the same program over history."""

__version__ = "0.1.0"
