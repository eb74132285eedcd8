"""Fetches what streams did not bring, until the venue has said what exists."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from trader.core.errors import DataError, ExchangeError
from trader.engine.live.feed import Feed
from trader.engine.live.instants import InstantAssembler
from trader.exchange.binance.rest import BinanceRest

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0


class Repairer:
    """One repair a coin at a time; each goes on until REST has answered for all that was wanted.

    `known_ms` tells up to which time of the market REST knows everything: a candle before it that is not there does
    not exist. Of later ones only those are taken that others prove to be closed. `done` is called after each answer;
    `together` coins are asked about at a time.
    """

    def __init__(
        self,
        assembler: InstantAssembler,
        feeds: Mapping[str, Feed],
        rest: BinanceRest,
        known_ms: Callable[[], int],
        done: Callable[[], None],
        together: int,
    ) -> None:
        self._assembler = assembler
        self._feeds = feeds
        self._rest = rest
        self._known_ms = known_ms
        self._done = done
        self._until: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(together)
        #: Carries what nobody foresaw; without it a repair would be lost in silence.
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.repaired = 0

    @property
    def busy(self) -> bool:
        """Whether a repair is under way."""
        return bool(self._tasks)

    def want(self, symbol: str, until_ms: int) -> None:
        """Ask for what is unsettled of a coin before `until_ms`, candles that are known to have closed."""
        self._until[symbol] = max(until_ms, self._until.get(symbol, 0))
        if symbol not in self._tasks and self._span(symbol) is not None:
            task = asyncio.get_running_loop().create_task(self._repair(symbol))
            self._tasks[symbol] = task
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End all repairs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.failure.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failure.done():
            self.failure.set_exception(error)

    async def _repair(self, symbol: str) -> None:
        wait_s = FIRST_WAIT_S
        try:
            while (span := self._span(symbol)) is not None:
                if await self._try(symbol, *span):
                    wait_s = FIRST_WAIT_S
                elif self._span(symbol) is not None:
                    await asyncio.sleep(wait_s)
                    wait_s = min(LONGEST_WAIT_S, wait_s * 2)
        finally:
            del self._tasks[symbol]
        self._done()

    def _span(self, symbol: str) -> tuple[int, int] | None:
        """Return what is left to repair: unsettled candles, and those that instants went on without."""
        base_ms = self._feeds[symbol].base.ms
        missing = self._assembler.missing(symbol)
        start = min([self._assembler.settled(symbol), *missing])
        end = max([self._until.get(symbol, 0), *(time + base_ms for time in missing)])
        end -= end % base_ms
        return (start, end) if start < end else None

    async def _try(self, symbol: str, start: int, end: int) -> bool:
        """Ask once; tell whether the venue knew all of it."""
        known = self._known_ms() // self._feeds[symbol].base.ms * self._feeds[symbol].base.ms
        try:
            async with self._room:
                if end <= known:
                    await self._settle(symbol, start, max(end, known))
                    return True
                await self._take_proven(symbol, start, end)
        except (ExchangeError, DataError) as error:
            log.warning("a repair has to wait: %s", error, extra={"symbol": symbol})
        return False

    async def _settle(self, symbol: str, start: int, end: int) -> None:
        feed, counters = self._feeds[symbol], self._assembler.counters
        table = await feed.fetch(self._rest, start, end, end)
        before, absent = counters.candles + counters.late, counters.absent
        self._assembler.settle(symbol, start, end, table.candles())
        new, absent = counters.candles + counters.late - before, counters.absent - absent
        self._count(symbol, new, f", {absent} do not exist at the venue" if absent else "")

    async def _take_proven(self, symbol: str, start: int, end: int) -> None:
        table = await self._feeds[symbol].fetch(self._rest, start, end, None)
        before = self._assembler.counters.candles + self._assembler.counters.late
        for candle in table.candles():
            self._assembler.push(candle)
        new = self._assembler.counters.candles + self._assembler.counters.late - before
        if new:
            self._count(symbol, new, "")

    def _count(self, symbol: str, new: int, more: str) -> None:
        self.repaired += new
        level = logging.INFO if new else logging.DEBUG
        timeframe = str(self._feeds[symbol].base)
        log.log(level, "repaired %d candles by REST%s", new, more, extra={"symbol": symbol, "timeframe": timeframe})
        self._done()
