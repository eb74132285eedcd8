"""Lets the resting orders of one market meet the play's prices as time passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from trader.exchange.embedded.matching.touch import Bar, Resting, Touch, touches
from trader.exchange.embedded.matching.walk import Walk


class Desk(Protocol):
    """Where the orders of a market rest."""

    def symbols(self) -> list[str]:
        """Return the symbols with resting orders."""
        ...

    def waiting(self, symbol: str) -> list[Resting]:
        """Return the orders of a symbol that wait for a price."""
        ...

    def meet(self, symbol: str, touch: Touch, settled_ms: int) -> None:
        """Do what a touch does to its order, if that still waits. What it places is judged from `settled_ms` on."""
        ...


class Matcher:
    """One market. `advance` before anything is asked of the desk, so that all of it is of one moment.

    `until` is up to when prices were judged, ms by symbol: nothing is judged twice.
    """

    def __init__(self, walks: Mapping[str, Walk], desk: Desk) -> None:
        self._walks = walks
        self._desk = desk
        self.until: dict[str, int] = {}

    def advance(self, now: int) -> None:
        """Fill what prices have reached up to `now`, in order of time, symbol by symbol."""
        waiting = set(self._desk.symbols())
        for symbol, walk in self._walks.items():
            end = walk.settled(now)
            start = self.until.get(symbol, end)
            self.until[symbol] = max(start, end)
            if start < end and symbol in waiting:
                self._walk(symbol, walk, start, end)

    def take_openings(self, now: int) -> None:
        """Fill the limits that the open at `now` has passed: an order that comes now meets that price, so they have
        been taken. What stops and liquidations do at it is told with their candle."""
        for symbol in self._desk.symbols():
            bar = self._walks[symbol].opening(now)
            if bar is None:
                continue
            for touch in touches(bar, [each for each in self._desk.waiting(symbol) if each.passive]):
                self._desk.meet(symbol, touch, now)

    def _walk(self, symbol: str, walk: Walk, start: int, end: int) -> None:
        """Take bar by bar; after one that did something the rest is looked at anew, for the orders have changed."""
        while start < end:
            resting = self._desk.waiting(symbol)
            if not resting:
                return
            start = next(
                (bar.close_time for bar in walk.bars(start, end, resting) if self._take(symbol, walk, bar)), end
            )

    def _take(self, symbol: str, walk: Walk, bar: Bar) -> bool:
        """Let one bar do what it does; tell whether it did anything."""
        found = self._found(walk, bar, self._desk.waiting(symbol))
        for touch in found:
            self._desk.meet(symbol, touch, bar.close_time)
        return bool(found)

    def _found(self, walk: Walk, bar: Bar, waiting: list[Resting]) -> list[Touch]:
        """Return the touches of a bar; orders placed inside it see only what of it came later."""
        found = touches(bar, [each for each in waiting if each.since <= bar.open_time])
        late = sorted({each.since for each in waiting if bar.open_time < each.since < bar.close_time})
        for since in late:
            rest = walk.rest(bar, since)
            if rest is not None:
                found += touches(rest, [each for each in waiting if each.since == since])
        return found
