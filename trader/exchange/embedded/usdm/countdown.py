"""A dead man's switch: who does not renew it in time has the orders of a symbol cancelled. On wall time."""

from __future__ import annotations

import asyncio

from trader.exchange.embedded.usdm import endings
from trader.exchange.embedded.usdm.books import Books


class Countdown:
    """One switch for each account and symbol. Conditional orders are left alone (binance.md, section 5)."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._running: dict[tuple[int, str], asyncio.TimerHandle] = {}

    def begin(self, uid: int, symbol: str, seconds: float) -> None:
        """Begin anew; 0 seconds end it."""
        running = self._running.pop((uid, symbol), None)
        if running is not None:
            running.cancel()
        if seconds > 0:
            loop = asyncio.get_running_loop()
            self._running[uid, symbol] = loop.call_later(seconds, self._strike, uid, symbol)

    def _strike(self, uid: int, symbol: str) -> None:
        self._running.pop((uid, symbol), None)
        endings.cancel_all(self._books, uid, symbol)
