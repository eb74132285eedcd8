"""Models: what they are given, when they are asked, how they are made."""
