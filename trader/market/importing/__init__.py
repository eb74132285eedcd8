"""Reading market data that others wrote, into the store."""
