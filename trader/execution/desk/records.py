"""Orders and executions as the journal keeps them, and back."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from trader.core.account import Execution
from trader.core.errors import JournalError
from trader.execution.client_ids import Purpose, parse
from trader.execution.desk.booking import role_of
from trader.execution.desk.holding import Holding, Sent
from trader.execution.dust import DustEntry
from trader.execution.states import Order, OrderState, mark
from trader.journal.records import DustRecord, FillRecord, OrderRecord

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode


def order_record(holding: Holding, sent: Sent, now_ms: int) -> OrderRecord:
    """Return an order as it is. Executions that have records of their own are not kept twice.

    It is final once nothing more can be executed, and all that was is known.
    """
    order = sent.order
    request = holding.entry if sent.order_id == holding.entry.order_id else None
    wire = {"side": str(order.side), "quantity": str(order.quantity), "reason": sent.reason, "list": sent.list_id}
    if sent.price == sent.price:
        wire["price"] = repr(sent.price)
    return OrderRecord(
        order.client_id,
        order.symbol,
        holding.position_id,
        sent.order_id,
        str(role_of(sent)),
        sent.attempt,
        str(order.state),
        now_ms,
        (order.ended or order.state is OrderState.ABSENT) and not order.untold,
        str(order.exchange_id or ""),
        request,
        wire,
        order.cumulative,
        order.reason,
        _encode(_without_told(sent)),
    )


def _without_told(sent: Sent) -> Order:
    if sent.purpose is Purpose.TAKEN or not sent.told:
        return sent.order
    untold = tuple(each for each in sent.order.executions if each.trade_id not in sent.told)
    return msgspec.structs.replace(sent.order, executions=untold)


def sent_of(record: OrderRecord, fills: Iterable[FillRecord]) -> Sent:
    """Return the order that a record tells, with its `fills`: those are what the core has been told.

    What may have left is in doubt. Raise `JournalError` for a record that nobody can go on from.
    """
    parts = parse(record.client_id)
    try:
        order = _decode(record.state_data)
    except msgspec.MsgspecError as error:
        raise JournalError(f"order {record.client_id} of the journal cannot be gone on from: {error}") from None
    if parts is None:
        raise JournalError(f"order {record.client_id} of the journal is none of ours; allowed: ids that say what for")
    told = [_execution(each) for each in fills]
    known = {each.trade_id: each for each in (*told, *order.executions)}
    executions = tuple(known[number] for number in sorted(known))
    order = msgspec.structs.replace(order, executions=executions)
    ids = set(known) if parts.purpose is Purpose.TAKEN else {each.trade_id for each in told}
    wire = record.wire
    price = float(wire.get("price", "nan"))
    doubted = mark(order, OrderState.UNKNOWN)
    return Sent(
        doubted if order.state in (OrderState.INTENDED, OrderState.SENT) else order,
        parts.purpose,
        record.order_id,
        wire.get("reason", ""),
        price,
        wire.get("list", ""),
        record.attempt,
        ids,
    )


def _execution(record: FillRecord) -> Execution:
    return Execution(
        record.trade_id, record.quantity, record.price, record.time, record.fee, record.fee_asset, record.maker
    )


def fill_record(holding: Holding, sent: Sent, execution: Execution) -> FillRecord:
    """Return an execution of an order."""
    order = sent.order
    return FillRecord(
        order.symbol,
        execution.trade_id,
        order.client_id,
        holding.position_id,
        str(role_of(sent)),
        str(order.side),
        execution.quantity,
        execution.price,
        execution.fee,
        execution.fee_asset,
        execution.time,
        execution.maker,
        str(order.exchange_id or ""),
    )


def dust_record(holding: Holding, client_id: str, entry: DustEntry, now_ms: int) -> DustRecord:
    """Return a change of the ledger of dust that a position made."""
    return DustRecord(now_ms, entry.coin, entry.change, holding.symbol, holding.position_id, entry.reason, client_id)


def dust_of(records: Iterable[DustRecord], run: str, position_id: int) -> Decimal:
    """Return what a position of `run` has taken from the ledger of dust, less what it gave."""
    ours = (each for each in records if each.position_id == position_id)
    mine = (each for each in ours if (parts := parse(each.client_id)) is not None and parts.run == run)
    return -sum((each.quantity for each in mine), Decimal(0))
