"""The trading side of USD-M: orders, conditional orders, positions and their margin, answers and events."""
