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
    """One repair a coin at a time; each goes on until REST has answered. `done` is called after each."""

    def __init__(
        self, assembler: InstantAssembler, feeds: Mapping[str, Feed], rest: BinanceRest, done: Callable[[], None]
    ) -> None:
        self._assembler = assembler
        self._feeds = feeds
        self._rest = rest
        self._done = done
        self._until: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.repaired = 0

    @property
    def busy(self) -> bool:
        """Whether a repair is under way."""
        return bool(self._tasks)

    def want(self, symbol: str, until_ms: int) -> None:
        """Ask for what is unsettled of a coin before `until_ms`, candles that are known to have closed."""
        self._until[symbol] = max(until_ms, self._until.get(symbol, 0))
        if symbol not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._repair(symbol))
            self._tasks[symbol] = task

    async def stop(self) -> None:
        """End all repairs."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _repair(self, symbol: str) -> None:
        wait_s = FIRST_WAIT_S
        try:
            while (span := self._span(symbol)) is not None:
                try:
                    await self._fetch(symbol, *span)
                    wait_s = FIRST_WAIT_S
                except (ExchangeError, DataError) as error:
                    log.warning("repair waits %.1f s: %s", wait_s, error, extra={"symbol": symbol})
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

    async def _fetch(self, symbol: str, start: int, end: int) -> None:
        table = await self._feeds[symbol].fetch(self._rest, start, end, end)
        before = self._assembler.counters.absent
        self._assembler.settle(symbol, start, end, table.candles())
        self.repaired += len(table)
        absent = self._assembler.counters.absent - before
        text = f"repaired {len(table)} candles by REST" + (f", {absent} do not exist at the venue" if absent else "")
        log.info("%s", text, extra={"symbol": symbol, "timeframe": str(self._feeds[symbol].base)})
        self._done()
