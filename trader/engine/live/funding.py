"""Funding as it falls due, asked for by REST when an instant passes a full hour with trades open."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from trader.core.errors import ExchangeError
from trader.core.events import FundingRate
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.exchange.binance.rest import BinanceRest

log = logging.getLogger(__name__)

#: A venue may publish a rate a little after its time; so long it is asked again, ms of the market.
LATEST_MS = 3 * MINUTE_MS


class FundingWatch:
    """Tells which rates fell due; each payment is told once."""

    def __init__(self, rest: BinanceRest) -> None:
        self._rest = rest
        self._told: set[tuple[str, int]] = set()
        self._asked_until = 0

    async def due(self, time_ms: int, symbols: Iterable[str]) -> tuple[FundingRate, ...]:
        """Return the rates of `symbols`, coins with open trades, that fell due by T and were not told before."""
        hour = time_ms - time_ms % HOUR_MS
        if time_ms - hour > LATEST_MS and self._asked_until >= hour:
            return ()
        found = [rate for symbol in symbols for rate in await self._rates(symbol, hour, time_ms)]
        self._asked_until = time_ms
        self._told = {told for told in self._told if told[1] > hour - HOUR_MS} | {(r.symbol, r.time) for r in found}
        return tuple(found)

    async def _rates(self, symbol: str, hour: int, time_ms: int) -> list[FundingRate]:
        start = max(hour - HOUR_MS + 1, min(self._asked_until + 1, hour)) if self._asked_until else hour
        try:
            rates = await self._rest.funding_rates(symbol, start, time_ms + 1)
        except ExchangeError as error:
            log.warning("funding cannot be read: %s", error, extra={"symbol": symbol})
            return []
        return [rate for rate in rates if (rate.symbol, rate.time) not in self._told]
