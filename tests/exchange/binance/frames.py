"""Builders of stream frames as Binance writes them."""

from __future__ import annotations

import json
from typing import Any

from tests.builders import START_MS
from trader.core.timeframe import Timeframe


def kline(
    *,
    symbol: str = "BTCUSDT",
    interval: str = "1m",
    at: int = 0,
    closed: bool = True,
    event_ms: int | None = None,
    wrapped: bool = True,
    **fields: Any,
) -> bytes:
    """Return the frame of the `at`-th candle after `START_MS`, sent at its close unless told."""
    step = Timeframe.parse(interval).ms if interval != "3m" else 180_000
    time = START_MS + at * step
    body = {
        **{"t": time, "T": time + step - 1, "s": symbol, "i": interval, "f": 100, "L": 200},
        **{"o": "100.10", "c": "100.40", "h": "100.50", "l": "100.00", "v": "12.5", "n": 101, "x": closed},
        **{"q": "1253.75", "V": "6.25", "Q": "626.875", "B": "0"},
        **fields,
    }
    event = {"e": "kline", "E": time + step if event_ms is None else event_ms, "s": symbol, "k": body}
    return wrap(f"{symbol.lower()}@kline_{interval}", event) if wrapped else encode(event)


def wrap(stream: str, data: object) -> bytes:
    """Return a combined frame."""
    return encode({"stream": stream, "data": data})


def encode(value: object) -> bytes:
    """Return `value` as JSON without spaces, as the venue writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
