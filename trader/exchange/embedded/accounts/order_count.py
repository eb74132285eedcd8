"""How many orders an account has sent: fixed windows on the wall clock, given back at a first fill where the market
does so (spot does: "unfilled orders only")."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from trader.exchange.embedded.api_error import Limited

SECONDS = {"SECOND": 1, "MINUTE": 60, "DAY": 86_400}


class Window(msgspec.Struct, frozen=True):
    """At most `limit` orders in `number` times `interval`, as exchangeInfo words it."""

    interval: str
    number: int
    limit: int

    @property
    def seconds(self) -> int:
        """The length of the window."""
        return SECONDS[self.interval] * self.number

    @property
    def header(self) -> str:
        """The header that tells the count."""
        return f"X-MBX-ORDER-COUNT-{self.number}{self.interval[0]}"


class OrderCount:
    """The counters of one account on one market; `wall` in seconds since the epoch."""

    def __init__(self, windows: tuple[Window, ...], wall: Callable[[], float] = time.time) -> None:
        self._windows = windows
        self._wall = wall
        self._counts: dict[Window, tuple[int, int]] = {window: (-1, 0) for window in windows}

    def charge(self, orders: int) -> None:
        """Count orders that are to be placed; raise `Limited` (-1015) when a window is full."""
        for window in self._windows:
            if self.used(window) + orders > window.limit:
                raise self._refused(window)
        for window in self._windows:
            self._set(window, self.used(window) + orders)

    def give_back(self) -> None:
        """Take one order out of the counts: it has filled, at least in part."""
        for window in self._windows:
            self._set(window, max(0, self.used(window) - 1))

    def used(self, window: Window) -> int:
        """Return what counts in the present window."""
        number, count = self._counts[window]
        return count if number == self._present(window) else 0

    def headers(self) -> dict[str, str]:
        """Return the headers of an answer."""
        return {window.header: str(self.used(window)) for window in self._windows}

    def rows(self) -> list[dict[str, Any]]:
        """Return the answer of `rateLimit/order`."""
        return [
            {
                "rateLimitType": "ORDERS",
                "interval": window.interval,
                "intervalNum": window.number,
                "limit": window.limit,
                "count": self.used(window),
            }
            for window in self._windows
        ]

    def _present(self, window: Window) -> int:
        return int(self._wall() // window.seconds)

    def _set(self, window: Window, count: int) -> None:
        self._counts[window] = (self._present(window), count)

    def _refused(self, window: Window) -> Limited:
        text = f"Too many new orders; current limit is {window.limit} orders per {window.number} {window.interval}."
        ends = (self._present(window) + 1) * window.seconds
        return Limited(-1015, text, 429, ends - self._wall())
