"""The last look: whether the trader's journal says what the exchange knows, and leads through the core to its end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tests.chaos.executions import ZERO, Execution
from tests.chaos.judge import Verdict
from tests.chaos.weather import CAPITAL
from trader.core.errors import JournalError
from trader.engine.live.recall import recall
from trader.engine.replay import replay
from trader.execution.client_ids import Purpose, parse
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import FillRecord
from trader.journal.verify import verify

#: Float noise of a pool of ten thousand, over some thousand bookings.
NOISE = 1e-5
#: What is lost where a fee is shared by quantity.
DIGIT = Decimal("1e-20")


def differences(home: Path, verdict: Verdict, bases: dict[str, str], discount: Decimal) -> Iterator[str]:
    """Yield what is wrong when all has been closed, and the daemon has stopped in order."""
    place = Place(home, "")
    try:
        yield from (f"the journal: {words}" for words in verify(place).faults)
    except JournalError as error:
        yield f"the journal: {error}"
        return
    with Reader(place) as reader:
        fills, trades = reader.fills(), reader.open_trades()
        parted = replay(reader).parted
    yield from (f"the journal does not lead to its end: entry {each.seq}: {each.words}" for each in parted)
    yield from _fills(verdict, fills)
    yield from _taken(verdict, fills)
    yield from (f"{name} still rests" for name in verdict.resting.values())
    yield from (f"trade {trade.id} of {trade.symbol} is open in the books" for trade in trades)
    recalled = recall(place)
    if not trades and recalled is not None:
        yield from _money(verdict, fills, recalled.snapshot.book.pool.free, discount)


def _fills(verdict: Verdict, fills: list[FillRecord]) -> Iterator[str]:
    """Compare executions; what an order of ours closed beyond its position is booked on others, in parts."""
    told: dict[tuple[str, int], list[FillRecord]] = {}
    for fill in fills:
        told.setdefault((fill.symbol, fill.trade_id), []).append(fill)
    for one in verdict.bookings:
        parts = told.pop((one.symbol, one.execution.trade_id), [])
        name = f"execution {one.execution.trade_id} of {one.name} ({one.symbol}, {one.purpose})"
        if all(each.client_id != one.name for each in parts):
            yield f"{name} was lost" + (f", and is booked as {parts}" if parts else "")
        elif sum((each.quantity for each in parts), ZERO) != one.execution.quantity or _odd(parts, one.execution.price):
            yield f"{name} was {one.execution.quantity} at {one.execution.price}, and is booked as {parts}"
        elif abs(sum((each.fee for each in parts), ZERO) - one.execution.fee) > DIGIT:
            yield f"{name}: fees of {[each.fee for each in parts]} are booked for {one.execution.fee}"
    for fill in (each for parts in told.values() for each in parts):
        if not _of_others(fill):
            yield f"execution {fill.trade_id} of {fill.client_id} is booked and never was"


def _odd(parts: list[FillRecord], price: Decimal) -> bool:
    return any(each.price != price for each in parts)


def _of_others(fill: FillRecord) -> bool:
    name = parse(fill.client_id)
    return name is not None and name.purpose is Purpose.TAKEN


def _taken(verdict: Verdict, fills: list[FillRecord]) -> Iterator[str]:
    """Compare what others took with what was booked of it."""
    ours = {(each.symbol, each.execution.trade_id) for each in verdict.bookings}
    others = [each for each in fills if _of_others(each) and (each.symbol, each.trade_id) not in ours]
    for symbol in sorted({each.symbol for each in fills}):
        booked = sum((each.quantity for each in others if each.symbol == symbol), ZERO)
        dust = sum((each.in_coin for each in verdict.positions.values() if each.symbol == symbol), ZERO)
        if abs(booked - verdict.taken[symbol]) > dust:
            yield f"{symbol}: others took {verdict.taken[symbol]}, {booked} of it is booked"


def _money(verdict: Verdict, fills: list[FillRecord], free: float, discount: Decimal) -> Iterator[str]:
    """Compare the pool with what executions moved; fees in quote are taken from it, those in coins are gone."""
    money = Decimal(CAPITAL)
    for one in verdict.bookings:
        money += _moved(one.buying, one.execution, discount)
    ours = {(each.symbol, each.execution.trade_id) for each in verdict.bookings}
    for fill in fills:
        if not _of_others(fill) or (fill.symbol, fill.trade_id) in ours:
            continue
        taken = Execution(fill.trade_id, fill.quantity, fill.price, fill.fee, fill.fee_asset)
        money += _moved(fill.side == "BUY", taken, discount)
    if abs(float(money) - free) > NOISE:
        yield f"the pool has {free!r}, its executions make {money}: {free - float(money):+.6f}"


def _moved(buying: bool, one: Execution, discount: Decimal) -> Decimal:
    value = one.quantity * one.price
    fee = one.fee if one.fee_asset == "USDT" else ZERO
    if one.fee_asset == "BNB":
        fee = value * discount
    return (-value if buying else value) - fee
