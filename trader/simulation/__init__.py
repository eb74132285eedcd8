"""The simulated exchange: matching, fees, slippage."""
