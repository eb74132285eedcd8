"""Funding as the exchange takes it: heard at once, and asked for now and then, so that all of it is booked once.

With real orders no rate is booked: what was taken is at the exchange's own price (mark) and of what it held, to its
own digits. The core knows a payment that it is told again (`trader.trading.funding`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from trader.core.account import ZERO, BalanceUpdate, FundingUpdate, PositionSide
from trader.core.errors import TraderError
from trader.core.events import FundingFee
from trader.core.signal import Direction
from trader.core.timeframe import HOUR_MS
from trader.core.venue import Income
from trader.execution.audit.compare import side_of
from trader.execution.desk.holding import Holding

log = logging.getLogger(__name__)

FUNDING = "FUNDING_FEE"
#: How often it is asked what was taken, how soon when something was heard or missed, and after a failure.
EVERY_S, SOON_S, AGAIN_S = 600.0, 10.0, 60.0
#: How far back it is asked again, ms: the history of incomes may lag.
BACK_MS = 2 * HOUR_MS
#: Rows of one answer, at most.
ROWS = 1_000


class Incomes(Protocol):
    """An account's history (`exchange.binance.account_rest.AccountRest`)."""

    async def income(self, start_ms: int, end_ms: int, kind: str = "") -> list[Income]: ...


class Means(msgspec.Struct, frozen=True):
    """What is worked with. `now` is the market's time (ms), `holdings` are the desk's positions, `tell` is the core.

    `foreign` tells whether somebody else holds a symbol too: of that only what is heard can be shared out. `began` is
    when the pool did, ms: what was taken before is none of its matter.
    """

    account: Incomes
    symbols: Collection[str]
    began: int
    now: Callable[[], int]
    holdings: Callable[[], Collection[Holding]]
    foreign: Callable[[str], bool]
    tell: Callable[[FundingFee], None]


class FundingFees:
    """Tells the core what was taken. `hear` what the account's stream says, `wake` after something may be missed."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._known_ms = max(means.began, means.now() - BACK_MS)
        self._shared: set[tuple[str, int]] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Ask soon."""
        self._wake.set()

    def hear(self, event: BalanceUpdate | FundingUpdate) -> None:
        """Take what was told of a payment; a balance alone says that there was one."""
        if isinstance(event, FundingUpdate):
            self._take(event)
        elif event.reason == FUNDING:
            self.wake()

    async def run(self) -> None:
        """Ask for ever; nothing raises: what is not answered is asked again."""
        wait_s = EVERY_S
        while True:
            if await self._woken(wait_s):
                await asyncio.sleep(SOON_S)
            wait_s = EVERY_S if await self._asked() else AGAIN_S

    async def ask(self) -> None:
        """Book what was taken and not heard; raise `ExchangeError` without an answer."""
        now = self._means.now()
        for (symbol, time), amount in sorted((await self._taken(now)).items(), key=lambda item: item[0][1]):
            if symbol in self._means.symbols and time > self._means.began and not self._is_shared(symbol, time):
                self._means.tell(FundingFee(symbol, time, -amount))
        self._known_ms = max(self._known_ms, now - BACK_MS)
        self._shared = {each for each in self._shared if each[1] > self._known_ms - BACK_MS}

    # --- what was heard -----------------------------------------------------------------------------------------------

    def _take(self, event: FundingUpdate) -> None:
        if event.symbol not in self._means.symbols:
            return
        side, hour = _side_of(event), event.time - event.time % HOUR_MS
        own = sum((each.owned for each in self._means.holdings() if _is_of(each, event.symbol, side)), ZERO)
        held = abs(event.quantity)
        if own < held:
            self._shared.add((event.symbol, hour))
            log.warning("funding of %s %s is for %s, of which %s are ours", event.symbol, side, held, max(own, ZERO))
        if own <= 0:
            return
        amount = event.amount if own >= held else event.amount * own / held
        direction = Direction.LONG if side is PositionSide.LONG else Direction.SHORT
        self._means.tell(FundingFee(event.symbol, hour, -float(amount), direction))

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def _woken(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    async def _asked(self) -> bool:
        self._wake.clear()
        try:
            await self.ask()
        except (TraderError, OSError, TimeoutError) as error:
            log.warning("it cannot be asked what funding took: %s", str(error) or type(error).__name__)
            return False
        return True

    async def _taken(self, now: int) -> dict[tuple[str, int], float]:
        """Return what came since it was known, by symbol and funding time: the history does not name sides."""
        start, end, rows = self._known_ms, now + HOUR_MS, list[Income]()
        while True:
            page = await self._means.account.income(start, end, FUNDING)
            rows += page
            if len(page) < ROWS or page[-1].time <= start:
                break
            start = page[-1].time
        found: dict[tuple[str, int], float] = {}
        for row in {(each.id, each.symbol): each for each in rows}.values():
            key = (row.symbol, row.time - row.time % HOUR_MS)
            found[key] = found.get(key, 0.0) + float(row.amount)
        return found

    def _is_shared(self, symbol: str, time: int) -> bool:
        return (symbol, time) in self._shared or self._means.foreign(symbol)


def _side_of(event: FundingUpdate) -> PositionSide:
    if event.position_side is not PositionSide.BOTH:
        return event.position_side
    return PositionSide.LONG if event.quantity > 0 else PositionSide.SHORT


def _is_of(holding: Holding, symbol: str, side: PositionSide) -> bool:
    return holding.symbol == symbol and side_of(holding) is side
