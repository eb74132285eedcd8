"""Goes on where a daemon stopped: what closed meanwhile is judged for exits, and decides nothing."""

from __future__ import annotations

import asyncio
import logging

from trader.core.candle import Candle
from trader.core.events import FundingRate, Instant
from trader.engine.live.careful import CarefulEngine
from trader.engine.live.funding import FundingWatch
from trader.engine.live.history import History
from trader.engine.live.snapshot import Snapshot
from trader.engine.streams import StreamPlan

log = logging.getLogger(__name__)

#: Instants between two turns of the loop for others.
TURN = 256


async def take_up(
    careful: CarefulEngine,
    snapshot: Snapshot,
    plan: StreamPlan,
    history: History,
    funding: FundingWatch | None,
    end: int,
) -> int:
    """Judge the candles up to `end` (ms) that the snapshot's books have not seen; return how many instants that were.

    The kernels must have been fed up to `end`: then these candles are old to them, so nothing is decided. Accounts,
    guards and funding go on as they would have. What closed before the snapshot and came too late for it is `late`.
    """
    book = careful.engine.logic.book
    missed = await _missed(snapshot, plan, history, end)
    rates: list[FundingRate] = []
    if funding is not None:
        rates = await funding.between(snapshot.at, end, _exposed(careful))
    for turn, time in enumerate(sorted(missed), 1):
        late = time <= snapshot.at
        due = () if late else tuple(rate for rate in rates if rate.time <= time)
        rates = [rate for rate in rates if rate not in due]
        careful.step(Instant(time, tuple(missed[time]), due, late))
        if turn % TURN == 0:
            await asyncio.sleep(0)
    if funding is not None:
        funding.owe(rates)
    text = f"judged {len(missed)} missed instants without decisions" if missed else "nothing was missed"
    log.info("taken up at equity %.2f, %d trades open; %s", book.worth(), len(book.trades), text)
    return len(missed)


async def _missed(snapshot: Snapshot, plan: StreamPlan, history: History, end: int) -> dict[int, list[Candle]]:
    """Return the exit candles that the books have not seen, by close time, in the order of `COINS`."""
    missed: dict[int, list[Candle]] = {}
    for symbol in plan.exits:
        seen = snapshot.book.last_close_time.get(symbol, snapshot.at)
        gaps = set(snapshot.missing.get(symbol, ()))
        for candle in (await history.base(symbol, min([seen, *gaps]), end)).candles():
            if candle.close_time > seen or candle.open_time in gaps:
                missed.setdefault(candle.close_time, []).append(candle)
    return missed


def _exposed(careful: CarefulEngine) -> set[str]:
    """Return the coins with trades open or ordered."""
    book = careful.engine.logic.book
    return {trade.symbol for trade in book.trades.values()} | {each.request.symbol for each in book.pending.values()}
