"""How times and prices are said."""

from __future__ import annotations

from datetime import UTC, datetime


def at(time_ms: int) -> str:
    """Return a time of the day.

    >>> at(3_723_004)
    '01:02:03.004'
    """
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]


def moment(time_ms: int) -> str:
    """Return a time with its day, to the second; "" for none."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if time_ms else ""


def seconds(span_ms: int) -> str:
    """Return a span.

    >>> seconds(3_250), seconds(90_000), seconds(40)
    ('3.25 s', '90 s', '40 ms')
    """
    return f"{span_ms / 1000:.4g} s" if abs(span_ms) >= 1000 else f"{span_ms} ms"


def price_text(price: float) -> str:
    """Return a price with as many digits as say anything.

    >>> price_text(81450.53685), price_text(0.000012345678)
    ('81,450.54', '1.2346e-05')
    """
    return f"{price:,.2f}" if abs(price) >= 1000 else f"{price:.5g}"
