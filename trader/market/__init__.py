"""Candles kept, joined, stored and made: frames, resampling, the store, the generated market."""
