"""Limits of the portfolio: one small class per rule, without side effects."""
