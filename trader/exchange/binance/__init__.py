"""Binance spot and USD-M futures: the only place that knows the venue's addresses, field names, codes and weights."""
