"""What a desk goes on with after a restart: the core's books say what is wanted, the journal what was sent and told.

An order that may have left is in doubt, and so looked up before anything else is sent for its position; what rested is
looked up too, since it may have been filled meanwhile. The desk's own wishes (a rescue) are found in what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from trader.core.account import ZERO
from trader.core.errors import InvariantError
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest, Role
from trader.core.trade import Trade
from trader.execution.client_ids import Purpose, parse
from trader.execution.desk.holding import Holding, Sent, Stop
from trader.execution.desk.records import dust_of, sent_of
from trader.execution.wire_numbers import cut
from trader.journal.reader import Reader
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.trading.book import Book

NAN = float("nan")


class Remembered(msgspec.Struct, frozen=True):
    """What the journal knows of the positions that are not over."""

    orders: list[OrderRecord]
    fills: list[FillRecord]
    dust: list[DustRecord]


class Place(msgspec.Struct, frozen=True):
    """Where a pool trades: `run` names it in client ids, `bases` has the coin of each symbol on spot, else ""."""

    run: str
    instruments: Mapping[str, Instrument]
    bases: Mapping[str, str]


def remembered(reader: Reader, pool: int, run: str, book: Book) -> Remembered:
    """Read what `restored` needs: positions of the books, and those of which an order may still be executed.

    Raise `JournalError` as the reader does.
    """
    ours = [each for each in reader.open_orders() if _is_of(each, run)]
    positions = sorted({*book.trades, *book.pending, *book.withdrawn, *(each.position_id for each in ours)})
    orders = [order for each in positions for order in reader.orders_of(pool, each)]
    fills = [fill for each in positions for fill in reader.fills_of_trade(pool, each)]
    return Remembered(orders, fills, reader.dust_ledger())


def restored(
    book: Book,
    orders: Iterable[OrderRecord],
    fills: Iterable[FillRecord],
    dust: Iterable[DustRecord],
    place: Place,
) -> list[Holding]:
    """Return the positions as the desk had them, oldest first; of several records of an order the last one counts.

    Raise `InvariantError` when books and journal contradict each other: an entry must never be sent twice.
    """
    by_order: dict[str, list[FillRecord]] = {}
    for fill in fills:
        by_order.setdefault(fill.client_id, []).append(fill)
    sent: dict[int, dict[str, Sent]] = {}
    entries: dict[int, OrderRequest] = {}
    for record in orders:
        if not _is_of(record, place.run):
            continue
        sent.setdefault(record.position_id, {})[record.client_id] = sent_of(record, by_order.get(record.client_id, ()))
        if record.request is not None:
            entries[record.position_id] = record.request
    wanted = {*book.trades, *book.pending, *book.withdrawn, *_unsettled(sent)}
    changes = list(dust)
    return [
        _holding(book, position_id, entries, sent.get(position_id, {}), changes, place)
        for position_id in sorted(wanted)
    ]


def _is_of(record: OrderRecord, run: str) -> bool:
    parts = parse(record.client_id)
    return parts is not None and parts.run == run


def _unsettled(sent: Mapping[int, Mapping[str, Sent]]) -> set[int]:
    """Return the positions of which something rests, is in doubt, or was executed without anybody knowing how."""
    return {
        position_id
        for position_id, orders in sent.items()
        if any(each.rests or each.in_doubt or each.order.untold > 0 for each in orders.values())
    }


def _holding(
    book: Book,
    position_id: int,
    entries: Mapping[int, OrderRequest],
    sent: dict[str, Sent],
    dust: list[DustRecord],
    place: Place,
) -> Holding:
    entry = _entry(book, position_id, entries)
    orders = dict(sorted(sent.items(), key=lambda item: item[1].attempt))
    base = place.bases.get(entry.symbol, "")
    holding = Holding(position_id, entry.symbol, entry.direction, base, entry, sent=orders)
    holding.dust = dust_of(dust, place.run, position_id)
    trade = book.trades.get(position_id)
    if trade is not None:
        _want(holding, trade, place.instruments[trade.symbol])
    elif position_id not in book.pending:
        holding.dropped = "withdrawn"
        holding.entered = _told(holding, place.instruments[entry.symbol])
    holding.rescue = _rescue(holding)
    return holding


def _entry(book: Book, position_id: int, entries: Mapping[int, OrderRequest]) -> OrderRequest:
    """Return the request of an entry: the journal's, or the core's where nothing has been sent for it."""
    withdrawn = book.withdrawn.get(position_id)
    pending = book.pending.get(position_id) or (withdrawn.pending if withdrawn else None)
    if position_id in entries:
        return entries[position_id]
    if pending is None:
        raise InvariantError(f"position {position_id} is in the books, and the journal has no order that opened it")
    return pending.request


def _want(holding: Holding, trade: Trade, instrument: Instrument) -> None:
    """Let the position want what the core wants of its trade."""
    if not any(holding.of(Purpose.ENTRY)):
        raise InvariantError(f"trade {trade.id} of {trade.symbol} is open, and the journal has no order that opened it")
    holding.entered, holding.left = _exact(trade.quantity, instrument), _exact(trade.quantity_left, instrument)
    if not trade.hedge:
        holding.stop = Stop(trade.stop_order_id, trade.stop, trade.stop_reason)
    for target in trade.targets:
        # The core counts down what is executed, the desk remembers what was asked for.
        whole = _exact(target.quantity, instrument) + _told_of(holding, target.order_id)
        request = _request(holding, Role.TARGET, target.order_id, float(whole), target.price, target.reason)
        holding.targets[target.order_id] = request
    if trade.closing:
        sold = [each.order_id for each in holding.of(Purpose.CLOSE) if each.order_id]
        order_id = sold[-1] if sold else 0
        holding.close = _request(holding, Role.CLOSE, order_id, trade.quantity_left, NAN, trade.closing)


def _request(holding: Holding, role: Role, order_id: int, quantity: float, price: float, reason: str) -> OrderRequest:
    entry = holding.entry
    return msgspec.structs.replace(
        entry, order_id=order_id, role=role, quantity=quantity, price=price, reason=reason, expires=0
    )


def _exact(quantity: float, instrument: Instrument) -> Decimal:
    return Decimal(instrument.step.text(quantity))


def _told_of(holding: Holding, order_id: int) -> Decimal:
    """Return what the core has been told of one of its orders."""
    told = (
        execution.quantity
        for sent in holding.sent.values()
        if sent.order_id == order_id
        for execution in sent.order.executions
        if execution.trade_id in sent.told
    )
    return sum(told, ZERO)


def _told(holding: Holding, instrument: Instrument) -> Decimal:
    """Return what the core was told of the entry of a position that it has forgotten."""
    told = any(sent.told for sent in holding.of(Purpose.ENTRY))
    return cut(instrument, holding.brought + max(ZERO, holding.dust)) if told else ZERO


def _rescue(holding: Holding) -> str:
    """Return why the desk itself was closing: what it sent under another reason than the core's."""
    reasons = [each.reason for each in holding.of(Purpose.CLOSE)]
    return reasons[-1] if reasons and (holding.close is None or reasons[-1] != holding.close.reason) else ""
