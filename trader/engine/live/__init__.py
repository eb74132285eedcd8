"""The daemon: candles as they come, the same engine as over history."""
