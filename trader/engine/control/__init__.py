"""A person's commands to a running daemon: a socket in its home, a protocol, and what becomes of what is said there."""
