"""What fills do to the books: an entry becomes a trade, a part of a trade is booked, a result is counted."""

from __future__ import annotations

from trader.core.errors import InvariantError
from trader.core.instrument import Instrument
from trader.core.order import Fill
from trader.core.settings import Settings
from trader.core.trade import Part, Target, Trade
from trader.trading.book import Book, Pending
from trader.trading.pyramiding import stop_key
from trader.trading.targets import distances_of, levels_at, plan_targets


def new_trade(book: Book, settings: Settings, pending: Pending, fill: Fill, instrument: Instrument) -> Trade:
    """Return the trade that an entry opens: its levels count from the fill."""
    reading, signal = pending.reading, pending.reading.signal
    if signal is None:
        raise InvariantError(f"entry {fill.order_id} of {fill.symbol} has no signal")
    distances = distances_of(settings, signal.pattern, reading.atr14)
    levels = levels_at(fill.price, fill.direction, distances, instrument)
    planned = plan_targets(settings, fill.price, fill.quantity, fill.direction, distances, instrument)
    book.trade_count += 1
    return Trade(
        id=book.trade_count,
        position_id=fill.position_id,
        symbol=fill.symbol,
        timeframe=reading.timeframe,
        strategy=settings.STRATEGY,
        pattern=signal.pattern,
        direction=fill.direction,
        probability=signal.probability,
        strength=signal.strength,
        signal_time=pending.request.decided,
        entry_time=fill.time,
        entry_price=fill.price,
        quantity=fill.quantity,
        leverage=pending.request.leverage,
        atr14=reading.atr14,
        stop=levels.stop,
        stop_reason="stop_loss",
        stop_order_id=book.next_order_id(),
        first_stop=levels.stop,
        take_profit=levels.take_profit,
        targets=[Target(book.next_order_id(), t.price, t.quantity, t.reason) for t in planned],
        peak=fill.price,
        quantity_left=fill.quantity,
        reserved=fill.quantity * fill.price / pending.request.leverage,
        entry_fee=fill.fee,
        fees=fill.fee,
        linked_to=pending.linked_to,
        factors=pending.factors,
    )


def new_hedge(book: Book, settings: Settings, pending: Pending, fill: Fill, instrument: Instrument) -> Trade:
    """Return the trade that a hedge is: without signal, stop or targets."""
    nan = float("nan")
    book.trade_count += 1
    return Trade(
        id=book.trade_count,
        position_id=fill.position_id,
        symbol=fill.symbol,
        timeframe=pending.reading.timeframe,
        strategy="hedge",
        pattern="",
        direction=fill.direction,
        probability=nan,
        strength=nan,
        signal_time=pending.request.decided,
        entry_time=fill.time,
        entry_price=fill.price,
        quantity=fill.quantity,
        leverage=pending.request.leverage,
        atr14=nan,
        stop=nan,
        stop_reason="",
        stop_order_id=0,
        first_stop=nan,
        take_profit=nan,
        targets=[],
        peak=fill.price,
        quantity_left=fill.quantity,
        reserved=fill.quantity * fill.price / pending.request.leverage,
        entry_fee=fill.fee,
        fees=fill.fee,
        hedge=True,
    )


def book_entry(book: Book, pending: Pending, fill: Fill, trade: Trade) -> None:
    """Give the estimated reserve back and take the real one and the fee."""
    del book.pending[fill.position_id]
    book.pool.free += pending.reserve - trade.reserved
    book.pool.gain(-fill.fee)
    book.trades[trade.position_id] = trade
    if trade.linked_to is not None:
        book.adds[trade.linked_to] = book.adds.get(trade.linked_to, 0) + 1


def grow(book: Book, settings: Settings, trade: Trade, fill: Fill, instrument: Instrument) -> list[Target]:
    """Add a further part of the entry's fill to its trade; return the targets that it had before.

    The entry price is the average of what is left and what came; levels count from it, but a raised stop stays. Once
    a part has closed, what came goes to the last target.
    """
    left = trade.quantity_left + fill.quantity
    trade.entry_price = (trade.entry_price * trade.quantity_left + fill.price * fill.quantity) / left
    trade.quantity = instrument.cut_quantity(trade.quantity + fill.quantity)
    trade.quantity_left = instrument.cut_quantity(left)
    reserve = fill.quantity * fill.price / trade.leverage
    trade.reserved += reserve
    book.pool.free -= reserve
    book.pool.gain(-fill.fee)
    trade.entry_fee += fill.fee
    trade.fees += fill.fee
    before = trade.targets
    if not trade.hedge:
        _plan_anew(book, settings, trade, fill.quantity, instrument)
    return before


def _plan_anew(book: Book, settings: Settings, trade: Trade, grown: float, instrument: Instrument) -> None:
    """Set stop and targets for what the trade is now; `grown` is the quantity that came."""
    distances = distances_of(settings, trade.pattern, trade.atr14)
    levels = levels_at(trade.entry_price, trade.direction, distances, instrument)
    if trade.stop_reason == "stop_loss":
        trade.stop = trade.first_stop = levels.stop
    if trade.parts:
        *nearer, last = trade.targets
        enlarged = Target(book.next_order_id(), last.price, instrument.cut_quantity(last.quantity + grown), last.reason)
        trade.targets = [*nearer, enlarged]
        return
    trade.take_profit = levels.take_profit
    planned = plan_targets(settings, trade.entry_price, trade.quantity, trade.direction, distances, instrument)
    trade.targets = [Target(book.next_order_id(), each.price, each.quantity, each.reason) for each in planned]


def book_part(book: Book, trade: Trade, fill: Fill, instrument: Instrument) -> Part:
    """Give back the reserve of the closed part with its result; the trade leaves the books when nothing is left."""
    left = instrument.cut_quantity(trade.quantity_left - fill.quantity)
    gross = (fill.price - trade.entry_price) * fill.quantity * trade.direction
    released = trade.reserved * (fill.quantity / trade.quantity_left) if left > 0 else trade.reserved
    entry_fee, funding = _shares(trade, fill.quantity, left)
    trade.quantity_left = left
    trade.reserved -= released
    trade.fees += fill.fee
    trade.targets = [target for target in trade.targets if not _is_filled(target, fill, instrument)]
    book.pool.free += released
    book.pool.gain(gross - fill.fee)
    if left <= 0:
        del book.trades[trade.position_id]
    book.part_count += 1
    part = Part(
        sequence=book.part_count,
        time=fill.time,
        quantity=fill.quantity,
        price=fill.price,
        reason=fill.reason,
        fees=entry_fee + fill.fee,
        funding=funding,
        net=gross - fill.fee - entry_fee - funding,
        equity_after=book.worth(),
    )
    trade.parts = [*trade.parts, part]
    return part


def _is_filled(target: Target, fill: Fill, instrument: Instrument) -> bool:
    """Take the fill from the target it is of; tell whether nothing of that is left."""
    if target.order_id != fill.order_id:
        return False
    target.quantity = instrument.cut_quantity(target.quantity - fill.quantity)
    return target.quantity <= 0


def count_result(book: Book, trade: Trade, window: int) -> None:
    """Count a trade that has ended, and keep what later decisions look back on; hedges are not counted.

    `window` is how many results on reserved capital are kept.
    """
    if trade.hedge:
        return
    if trade.net > 0:
        book.won += 1
        book.guards.streak = 0
    else:
        book.lost += 1
        book.guards.streak += 1
    invested = trade.quantity * trade.entry_price / trade.leverage
    book.returns = [*book.returns, trade.net / invested][-window:]
    if trade.linked_to is None:
        book.adds.pop(trade.id, None)
    if trade.parts[-1].reason == "stop_loss":
        book.stopped[stop_key(trade.symbol, trade.timeframe, trade.direction)] = None


def _shares(trade: Trade, quantity: float, left: float) -> tuple[float, float]:
    """Return the part's shares of entry fee and funding; the last part takes what is not yet given out."""
    given_fee = sum(_entry_fee_share(trade, part.quantity) for part in trade.parts)
    given_funding = sum(part.funding for part in trade.parts)
    if left <= 0:
        return trade.entry_fee - given_fee, trade.funding - given_funding
    share = quantity / trade.quantity_left
    return _entry_fee_share(trade, quantity), (trade.funding - given_funding) * share


def _entry_fee_share(trade: Trade, quantity: float) -> float:
    return trade.entry_fee * (quantity / trade.quantity)
