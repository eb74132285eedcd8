"""Events of the user stream as Binance words them (binance.md, section 3)."""

from __future__ import annotations

from typing import Any

from trader.exchange.embedded.accounts.decimals import ZERO, plain
from trader.exchange.embedded.accounts.ledger import Ledger
from trader.exchange.embedded.spot.orders import Order, OrderList, Trade

Json = dict[str, Any]


def execution_report(
    order: Order, kind: str, now: int, number: int, trade: Trade | None = None, cancelled_by: str = ""
) -> Json:
    """Return `executionReport`: `kind` is NEW, TRADE, CANCELED, EXPIRED or REJECTED; `number` the execution's id.

    `cancelled_by` is the client id of the request that cancels; the order's own moves to `C` then.
    """
    wish = order.wish
    event: Json = {
        "e": "executionReport",
        "E": now,
        "s": wish.symbol,
        "c": cancelled_by or order.client_id,
        "S": wish.side,
        "o": wish.type,
        "f": wish.time_in_force,
        "q": plain(order.quantity),
        "p": plain(wish.price or ZERO),
        "P": plain(wish.stop_price or ZERO),
        "F": plain(wish.iceberg or ZERO),
        "g": order.list_id,
        "C": order.client_id if cancelled_by else "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": plain(trade.quantity if trade else ZERO),
        "z": plain(order.executed),
        "L": plain(trade.price if trade else ZERO),
        "n": plain(trade.commission) if trade else "0",
        "N": trade.asset if trade else None,
        "T": trade.time if trade else order.updated,
        "t": trade.id if trade else -1,
        "I": number,
        "w": order.open and order.working_since >= 0,
        "m": trade.maker if trade else False,
        "M": trade is not None,
        "O": order.placed,
        "Z": plain(order.quote_executed),
        "Y": plain(trade.quote if trade else ZERO),
        "Q": plain(wish.quote_quantity or ZERO),
    }
    return event | _seldom(order)


def _seldom(order: Order) -> Json:
    """Return the fields that only some orders have."""
    wish = order.wish
    some = {"j": wish.strategy_id, "J": wish.strategy_type, "eR": order.reason or None}
    some["W"] = order.working_since if order.working_since >= 0 else None
    return {name: value for name, value in some.items() if value is not None} | {"V": wish.self_trade}


def account_position(ledger: Ledger, assets: list[str], now: int) -> Json:
    """Return `outboundAccountPosition` of the assets that may have changed."""
    balances = [
        {"a": asset, "f": plain(ledger.free.get(asset, ZERO)), "l": plain(ledger.locked.get(asset, ZERO))}
        for asset in assets
    ]
    return {"e": "outboundAccountPosition", "E": now, "u": now, "B": balances}


def balance_update(asset: str, delta: str, now: int) -> Json:
    """Return `balanceUpdate`: a deposit or withdrawal."""
    return {"e": "balanceUpdate", "E": now, "a": asset, "d": delta, "T": now}


def list_status(listed: OrderList, now: int) -> Json:
    """Return `listStatus`."""
    kind, state = ("ALL_DONE", "ALL_DONE") if listed.done else ("EXEC_STARTED", "EXECUTING")
    return {
        "e": "listStatus",
        "E": now,
        "s": listed.symbol,
        "g": listed.id,
        "c": listed.contingency,
        "l": kind,
        "L": state,
        "r": "NONE",
        "C": listed.client_id,
        "T": now,
        "O": [{"s": listed.symbol, "i": order.id, "c": order.client_id} for order in listed.orders],
    }
