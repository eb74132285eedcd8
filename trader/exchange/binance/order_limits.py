"""The venue's limits on how many orders an account may send, as exchangeInfo and the answers' headers name them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trader.core.errors import DataError
from trader.core.settings import Market

#: Letters of the headers by exchangeInfo's words, and seconds of each.
LETTERS = {"SECOND": ("S", 1), "MINUTE": ("M", 60), "HOUR": ("H", 3_600), "DAY": ("D", 86_400)}
HEADER = "X-MBX-ORDER-COUNT-"
#: Until exchangeInfo says otherwise. Longer windows than a minute are watched by the venue alone: we never get there.
DEFAULTS: dict[Market, dict[str, int]] = {"spot": {"10S": 50}, "futures": {"10S": 300, "1M": 1_200}}
LONGEST_S = 60
#: What counts as an order where it is posted, and how many orders it is.
ORDER_PATHS = {"order": 1, "algoOrder": 1, "orderList/oco": 2}


class _Limit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int


class _Info(msgspec.Struct):
    rateLimits: list[_Limit] = []


def order_limits(answer: object, longest_s: int = LONGEST_S) -> dict[str, int]:
    """Return the limits of exchangeInfo by window, e.g. `{"10S": 100}`; those of up to `longest_s` seconds."""
    try:
        info = msgspec.convert(answer, _Info)
    except msgspec.MsgspecError as error:
        raise DataError(f"malformed rateLimits: {error}") from error
    known = [each for each in info.rateLimits if each.rateLimitType == "ORDERS" and each.interval in LETTERS]
    limits = {f"{each.intervalNum}{LETTERS[each.interval][0]}": each.limit for each in known}
    return {name: limit for name, limit in limits.items() if window_s(name) <= longest_s}


def window_s(name: str) -> int:
    """Return the seconds of a window.

    >>> window_s("10S"), window_s("1M")
    (10, 60)
    """
    seconds = {letter: length for letter, length in LETTERS.values()}
    return int(name[:-1]) * seconds[name[-1]]


def orders_counted(headers: Mapping[str, str], window: str) -> int | None:
    """Return the venue's own count of the account's orders in `window`; None where it does not say."""
    text = headers.get(HEADER + window, "")
    return int(text) if text.isdecimal() else None
