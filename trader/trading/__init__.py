"""The decision: money, risk, trades."""
