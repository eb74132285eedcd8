"""Trained models on the disk, below `models/`: written whole or not at all, checked when read, never unpickled."""
