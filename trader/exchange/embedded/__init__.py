"""A Binance-compatible exchange on this machine: it plays stored candles, or a generated market that says so."""
