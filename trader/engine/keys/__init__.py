"""API keys by name: where they are kept, how they are sealed, which one a daemon uses."""
