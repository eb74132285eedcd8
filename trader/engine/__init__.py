"""The runs: one engine, live or over history."""
