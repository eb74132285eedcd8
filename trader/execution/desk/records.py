"""Orders and executions as the journal keeps them."""

from __future__ import annotations

from trader.core.account import Execution
from trader.execution.desk.booking import ROLES
from trader.execution.desk.holding import Holding, Sent
from trader.execution.states import OrderState
from trader.journal.records import FillRecord, OrderRecord


def order_record(holding: Holding, sent: Sent, now_ms: int) -> OrderRecord:
    """Return an order as it is."""
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
        str(ROLES[sent.purpose]),
        sent.attempt,
        str(order.state),
        now_ms,
        order.ended or order.state is OrderState.ABSENT,
        str(order.exchange_id or ""),
        request,
        wire,
        order.cumulative,
        order.reason,
    )


def fill_record(holding: Holding, sent: Sent, execution: Execution) -> FillRecord:
    """Return an execution of an order."""
    order = sent.order
    return FillRecord(
        order.symbol,
        execution.trade_id,
        order.client_id,
        holding.position_id,
        str(ROLES[sent.purpose]),
        str(order.side),
        execution.quantity,
        execution.price,
        execution.fee,
        execution.fee_asset,
        execution.time,
        execution.maker,
        str(order.exchange_id or ""),
    )
