"""The trading side of spot: orders and their lists, matching against the play, answers and events."""
