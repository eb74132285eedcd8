"""Builders of orders and of what a venue tells of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trader.core.account import Execution, OrderStatus, OrderUpdate
from trader.core.order import Side
from trader.execution.states import Order


def order(quantity: str = "1", **rest: Any) -> Order:
    """Return an order that is intended."""
    return Order("td-1", "BTCUSDT", Side.BUY, Decimal(quantity), **rest)


def update(status: OrderStatus, cumulative: str = "0", *, quantity: str = "1", **rest: Any) -> OrderUpdate:
    """Return an update of that order."""
    told = {"exchange_id": 7, "side": Side.BUY, "kind": "LIMIT", "time": 1_000} | rest
    return OrderUpdate(
        "BTCUSDT", "td-1", status=status, quantity=Decimal(quantity), cumulative=Decimal(cumulative), **told
    )


def execution(trade_id: int, quantity: str, price: str = "100", **rest: Any) -> Execution:
    """Return an execution."""
    return Execution(trade_id, Decimal(quantity), Decimal(price), 1_000 + trade_id, **rest)
