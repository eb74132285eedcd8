"""Funding as it falls due: told by the mark-price stream at once, confirmed by REST; asked for where it was silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

import msgspec

from trader.core.errors import DataError, ExchangeError
from trader.core.events import FundingRate
from trader.core.timeframe import HOUR_MS
from trader.engine.live.announced import STAMP_MS, Announcements, due_time
from trader.exchange.binance.rest import BinanceRest

log = logging.getLogger(__name__)

#: Every contract pays at multiples of this; many only then.
USUAL_MS = 8 * HOUR_MS
#: Waits, in seconds, between looks for a payment that should be there and is not published yet.
LOOKS_S = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
#: Payments further back than this are not looked for, ms.
OLDEST_MS = 30 * 24 * HOUR_MS


class FundingWatch:
    """Tells each payment once. `asked_ms` is the time of the market through which all is known.

    What `announced` knows is told at once; REST is asked about it afterwards and has the last word: a rate that
    differs is corrected by its difference, for the trades that are still open. What `announced` does not know is asked
    for: an answer that does not come within `wait_s` belongs to a later instant, as does a rate that is published
    late; `publishes_late` says whether the venue does that: then it is asked again where a payment is usual.
    """

    def __init__(
        self,
        rest: BinanceRest,
        announced: Announcements,
        asked_ms: int,
        wait_s: float,
        publishes_late: bool,
        looks_s: Sequence[float] = LOOKS_S,
    ) -> None:
        self._rest = rest
        self._announced = announced
        self._asked_ms = asked_ms
        self._wait_s = wait_s
        self._publishes_late = publishes_late
        self._looks_s = looks_s
        self._found: list[FundingRate] = []
        self._told: dict[tuple[str, int], float] = {}
        self._asking: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a question is under way."""
        return any(not task.done() for task in self._asking)

    async def due(self, time_ms: int, symbols: Iterable[str]) -> tuple[FundingRate, ...]:
        """Return the rates of `symbols`, coins with trades open or ordered, that fell due by T and were not told.

        A rate that was told wrongly comes once more, as the difference.
        """
        start, self._asked_ms = self._asked_ms + 1, max(self._asked_ms, time_ms)
        wanted = sorted(set(symbols))
        if wanted and time_ms - time_ms % HOUR_MS >= start:
            await self._learn(wanted, max(start, time_ms - OLDEST_MS), time_ms)
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

    async def _learn(self, symbols: Sequence[str], start_ms: int, end_ms: int) -> None:
        """Find what fell due: from the stream, or where that was silent from REST, which is waited for a moment."""
        told = {symbol: self._announced.told(symbol, start_ms, end_ms) for symbol in symbols}
        announced = [rate for rates in told.values() for rate in rates or ()]
        self._found += announced
        if announced:
            self._ask(list(dict.fromkeys(rate.symbol for rate in announced)), start_ms, end_ms, self._publishes_late)
        unknown = [symbol for symbol, rates in told.items() if rates is None]
        if unknown:
            patient = self._publishes_late and _is_usual(start_ms, end_ms)
            await asyncio.wait([self._ask(unknown, start_ms, end_ms, patient)], timeout=self._wait_s)

    def _ask(self, symbols: Sequence[str], start_ms: int, end_ms: int, patient: bool) -> asyncio.Task[None]:
        task = asyncio.create_task(self._look(symbols, start_ms, end_ms, patient))
        self._asking.add(task)
        return task

    def _tell(self, time_ms: int) -> tuple[FundingRate, ...]:
        due = [rate for rate in self._found if rate.time <= time_ms]
        self._found = [rate for rate in self._found if rate.time > time_ms]
        new = [each for each in map(self._unless_told, due) if each is not None]
        self._told = {told: rate for told, rate in self._told.items() if told[1] > time_ms - OLDEST_MS}
        return tuple(new)

    def _unless_told(self, rate: FundingRate) -> FundingRate | None:
        """Return what is still to be told of a payment."""
        key = (rate.symbol, rate.time)
        told = self._told.get(key)
        self._told[key] = rate.rate
        if told is None or told == rate.rate:
            return rate if told is None else None
        log.warning(
            "the stream announced a funding rate of %.8f, the exchange paid %.8f: open trades get the difference",
            told,
            rate.rate,
            extra={"symbol": rate.symbol},
        )
        return msgspec.structs.replace(rate, rate=rate.rate - told)

    def _raise_failures(self) -> None:
        over = {task for task in self._asking if task.done()}
        self._asking -= over
        for task in over:
            task.result()

    async def _look(self, symbols: Sequence[str], start_ms: int, end_ms: int, patient: bool) -> None:
        """Ask about each coin until its payment is there, or it is clear that none is due."""
        lacking = await self._find(symbols, start_ms, end_ms, patient)
        for wait_s in self._looks_s:
            if not lacking:
                return
            await asyncio.sleep(wait_s)
            lacking = await self._find(lacking, start_ms, end_ms, patient)
        if lacking:
            log.warning("the exchange still shows no funding payment of %s for this time", ", ".join(lacking))

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
        stamped = (msgspec.structs.replace(rate, time=due_time(rate.time)) for rate in rates)
        return [rate for rate in stamped if start_ms <= rate.time <= end_ms]


def _is_usual(start_ms: int, end_ms: int) -> bool:
    return end_ms - end_ms % USUAL_MS >= start_ms
