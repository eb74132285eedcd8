"""Funding as it falls due: asked for by REST at each full hour that passes while trades are open or ordered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

import msgspec

from trader.core.errors import DataError, ExchangeError
from trader.core.events import FundingRate
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.exchange.binance.rest import BinanceRest

log = logging.getLogger(__name__)

#: The exchange stamps a payment some milliseconds behind its full minute; stored rates carry the minute.
STAMP_MS = 5_000
#: Every contract pays at multiples of this; many only then.
USUAL_MS = 8 * HOUR_MS
#: Waits, in seconds, between looks for a payment that should be there and is not published yet.
LOOKS_S = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
#: Payments further back than this are not looked for, ms.
OLDEST_MS = 30 * 24 * HOUR_MS


class FundingWatch:
    """Tells each payment once. `asked_ms` is the time of the market through which all is known.

    An answer that does not come within `wait_s` belongs to a later instant, as does a rate that is published late;
    `publishes_late` says whether the venue does that: then it is asked again where a payment is usual.
    """

    def __init__(self, rest: BinanceRest, asked_ms: int, wait_s: float, publishes_late: bool) -> None:
        self._rest = rest
        self._asked_ms = asked_ms
        self._wait_s = wait_s
        self._publishes_late = publishes_late
        self._found: list[FundingRate] = []
        self._told: dict[tuple[str, int], None] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def due(self, time_ms: int, symbols: Iterable[str]) -> tuple[FundingRate, ...]:
        """Return the rates of `symbols`, coins with trades open or ordered, that fell due by T and were not told."""
        start, self._asked_ms = self._asked_ms + 1, max(self._asked_ms, time_ms)
        wanted = sorted(set(symbols))
        if wanted and time_ms - time_ms % HOUR_MS >= start:
            task = asyncio.create_task(self._look(wanted, max(start, time_ms - OLDEST_MS), time_ms))
            self._asking.add(task)
            await asyncio.wait([task], timeout=self._wait_s)
        self._raise_failures()
        return self._tell(time_ms)

    async def between(self, start_ms: int, end_ms: int, symbols: Iterable[str]) -> list[FundingRate]:
        """Return the rates with `start_ms < time <= end_ms`, ascending; raise `ExchangeError` without an answer."""
        found = [rate for symbol in sorted(set(symbols)) for rate in await self._rates(symbol, start_ms + 1, end_ms)]
        return sorted(found, key=lambda rate: rate.time)

    def owe(self, rates: Sequence[FundingRate]) -> None:
        """Tell `rates` with the next instant."""
        self._found += rates

    async def stop(self) -> None:
        """End all questions."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _tell(self, time_ms: int) -> tuple[FundingRate, ...]:
        due = [rate for rate in self._found if rate.time <= time_ms and (rate.symbol, rate.time) not in self._told]
        self._found = [rate for rate in self._found if rate.time > time_ms]
        self._told |= dict.fromkeys((rate.symbol, rate.time) for rate in due)
        self._told = {told: None for told in self._told if told[1] > time_ms - OLDEST_MS}
        return tuple(due)

    def _raise_failures(self) -> None:
        over = {task for task in self._asking if task.done()}
        self._asking -= over
        for task in over:
            task.result()

    async def _look(self, symbols: Sequence[str], start_ms: int, end_ms: int) -> None:
        """Ask about each coin until its payment is there, or it is clear that none is due."""
        patient = self._publishes_late and _is_usual(start_ms, end_ms)
        lacking = await self._find(symbols, start_ms, end_ms, patient)
        for wait_s in LOOKS_S:
            if not lacking:
                return
            await asyncio.sleep(wait_s)
            lacking = await self._find(lacking, start_ms, end_ms, patient)

    async def _find(self, symbols: Sequence[str], start_ms: int, end_ms: int, patient: bool) -> list[str]:
        """Put what is published into `_found`; return the coins to ask about again."""
        again = []
        for symbol in symbols:
            try:
                rates = await self._rates(symbol, start_ms, end_ms)
            except (ExchangeError, DataError) as error:
                log.warning("funding cannot be read yet: %s", error, extra={"symbol": symbol})
                again.append(symbol)
                continue
            self._found += rates
            if patient and not rates:
                again.append(symbol)
        return again

    async def _rates(self, symbol: str, start_ms: int, end_ms: int) -> list[FundingRate]:
        rates = await self._rest.funding_rates(symbol, start_ms, end_ms + STAMP_MS + 1)
        stamped = (msgspec.structs.replace(rate, time=_due_time(rate.time)) for rate in rates)
        return [rate for rate in stamped if start_ms <= rate.time <= end_ms]


def _due_time(stamp_ms: int) -> int:
    """Return when a payment fell due, given when the exchange says it was made."""
    behind = stamp_ms % MINUTE_MS
    return stamp_ms - behind if behind <= STAMP_MS else stamp_ms


def _is_usual(start_ms: int, end_ms: int) -> bool:
    return end_ms - end_ms % USUAL_MS >= start_ms
