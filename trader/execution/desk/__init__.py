"""The desk: turns what the core wants of a position into orders at an exchange, one request of a position at a time."""
