"""Orders of ours that the journal has lost, known again by their client ids."""

from __future__ import annotations

from decimal import Decimal

from trader.core.account import AlgoUpdate, OrderUpdate
from trader.core.errors import InvariantError
from trader.execution.client_ids import ClientId, Purpose, parse
from trader.execution.desk.holding import Holding, Sent
from trader.execution.states import Order, advance


def adopted(holding: Holding, update: OrderUpdate | AlgoUpdate) -> Sent:
    """Return an order of `holding` that the exchange has and nobody here knew, with its meaning as far as it is known.

    A stop or target of another price than is wanted now is replaced by the desk, as always.
    """
    parts = parse(update.client_id)
    if parts is None or parts.trade != holding.position_id:
        raise InvariantError(f"order {update.client_id} is none of position {holding.position_id}")
    conditional = isinstance(update, AlgoUpdate)
    order = advance(Order(update.client_id, update.symbol, update.side, update.quantity, conditional), update)
    level = update.trigger if isinstance(update, AlgoUpdate) else update.trigger or update.price
    price = float(level) if level else float("nan")
    order_id, reason = _meaning(holding, parts.purpose, level)
    in_list = isinstance(update, OrderUpdate) and update.list_id >= 0
    name = ClientId(parts.run, parts.trade, Purpose.LIST, 0, parts.attempt).text if in_list else ""
    return Sent(order, parts.purpose, order_id, reason, price, name, parts.attempt)


def _meaning(holding: Holding, purpose: Purpose, level: Decimal) -> tuple[int, str]:
    """Return the core's id of an order, and what a fill of it is called."""
    if purpose is Purpose.STOP and holding.stop is not None:
        return holding.stop.order_id, holding.stop.reason
    if purpose is Purpose.TARGET:
        for target in holding.targets.values():
            if Decimal(repr(target.price)) == level:
                return target.order_id, target.reason
    if purpose is Purpose.CLOSE and holding.close is not None:
        return holding.close.order_id, holding.close.reason
    return 0, _NAMES.get(purpose, str(purpose))


_NAMES = {Purpose.STOP: "stop_loss", Purpose.TARGET: "take_profit", Purpose.CLOSE: "unprotected"}
