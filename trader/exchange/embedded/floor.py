"""One market of the play: its symbols, its exchangeInfo, its funding, all as far as they have happened."""

from __future__ import annotations

from typing import Any

import msgspec

from trader.core.timeframe import DAY_MS, HOUR_MS
from trader.exchange.embedded.book import Book, book_around
from trader.exchange.embedded.clock import PlayClock
from trader.exchange.embedded.history import BlockCache, History
from trader.exchange.embedded.info import played_symbols
from trader.exchange.embedded.source import Funding, Source
from trader.exchange.embedded.tape import Tape

#: Funding falls due every eight hours where the data does not say otherwise.
FUNDING_EVERY_MS = 8 * HOUR_MS
#: How far from now payments are looked for.
RECENT_FUNDING_MS = 2 * DAY_MS


class Upcoming(msgspec.Struct, frozen=True):
    """A payment that is announced: when it falls due (ms), and its rate."""

    time: int
    rate: float


class Floor:
    """The tapes of one market by symbol, in the order in which they are played."""

    def __init__(
        self,
        market: str,
        source: Source,
        clock: PlayClock,
        cache: BlockCache,
        anchor_ms: int,
        defaults: dict[str, str],
    ) -> None:
        self.market = market
        self.clock = clock
        symbols = source.symbols(market)
        entries = played_symbols(market, symbols, source.exchange_info(market), defaults)
        self.tapes = {
            symbol: Tape(
                History(source, market, symbol, cache),
                source.trades(market, symbol),
                entries[symbol],
                clock.now,
                anchor_ms,
            )
            for symbol in symbols
        }
        self.columns = {symbol: source.columns(market, symbol) for symbol in symbols}
        self._source = source

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The exchangeInfo entries of all symbols."""
        return [tape.entry for tape in self.tapes.values()]

    @property
    def finest(self) -> dict[str, str]:
        """The finest candles behind each symbol."""
        return {symbol: tape.finest.value for symbol, tape in self.tapes.items()}

    @property
    def listed(self) -> list[Tape]:
        """The tapes of which anything has happened."""
        return [tape for tape in self.tapes.values() if tape.listed]

    def book(self, tape: Tape, depth: int) -> Book:
        """Return the order book of now."""
        return book_around(tape.last_price(), tape.tick, tape.step, depth, self.clock.now())

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> Funding:
        """Return the payments with `start_ms <= time < end_ms` that have fallen due."""
        return self._source.funding(self.market, symbol, start_ms, min(end_ms, self.clock.now() + 1))

    def funding_interval_ms(self, symbol: str) -> int:
        """Return the time between the last two payments."""
        now = self.clock.now()
        times, _ = self.funding(symbol, now - RECENT_FUNDING_MS, now + 1)
        return int(times[-1] - times[-2]) if len(times) > 1 else FUNDING_EVERY_MS

    def upcoming_funding(self, symbol: str) -> Upcoming | None:
        """Return the next payment; None where the data has none. An estimate is not played: it is the rate itself."""
        now = self.clock.now()
        times, rates = self._source.funding(self.market, symbol, now + 1, now + RECENT_FUNDING_MS)
        return Upcoming(int(times[0]), float(rates[0])) if len(times) else None
