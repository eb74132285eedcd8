"""Answers about orders and executions as Binance words them."""

from __future__ import annotations

from typing import Any

from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.events import actual_type
from trader.exchange.embedded.usdm.orders import Algo, Order, Side, Status, Trade
from trader.exchange.embedded.usdm.words import amount_text, price_text, quantity_text

Json = dict[str, Any]


def placed(books: Books, order: Order, kind: str = "RESULT") -> Json:
    """Return the answer to a placing, or a cancel: neither mean price nor quote (binance.md, section 5). ACK is what
    was known before anything was filled."""
    contract = books.contracts[order.wish.symbol]
    executed = order.executed if kind == "RESULT" else ZERO
    row = _order(books, order) | {
        "executedQty": quantity_text(contract, executed),
        "cumQty": quantity_text(contract, executed),
    }
    return row if kind == "RESULT" else row | {"status": Status.NEW}


def modified(books: Books, order: Order, number: int) -> Json:
    """Return the answer to a modification."""
    return placed(books, order) | {"pair": order.wish.symbol, "modifyId": number}


def order_row(books: Books, order: Order) -> Json:
    """Return an order as queries show it."""
    contract = books.contracts[order.wish.symbol]
    return _order(books, order) | {
        "executedQty": quantity_text(contract, order.executed),
        "avgPrice": price_text(contract, order.average),
        "cumQuote": amount_text(order.quote),
        "time": order.placed,
    }


def algo_row(books: Books, algo: Algo) -> Json:
    """Return a conditional order as its placing is answered."""
    contract, wish = books.contracts[algo.wish.symbol], algo.wish
    return {
        "algoId": algo.id,
        "clientAlgoId": algo.client_id,
        "algoType": "CONDITIONAL",
        "orderType": wish.type,
        "symbol": wish.symbol,
        "side": wish.side,
        "positionSide": wish.position_side,
        "timeInForce": wish.time_in_force,
        "quantity": quantity_text(contract, wish.quantity or ZERO),
        "algoStatus": algo.status,
        "triggerPrice": price_text(contract, wish.trigger),
        "price": price_text(contract, wish.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": wish.self_trade,
        "workingType": wish.working_type,
        "priceMatch": "NONE",
        "closePosition": wish.close_position,
        "priceProtect": wish.price_protect,
        "reduceOnly": wish.reduce_only,
        "createTime": algo.placed,
        "updateTime": algo.updated,
        "triggerTime": algo.triggered,
        "goodTillDate": 0,
    }


def algo_full(books: Books, algo: Algo) -> Json:
    """Return a conditional order as queries show it, with the order that it became."""
    order = books.shelf.orders.get(algo.order_id)
    contract = books.contracts[algo.wish.symbol]
    return algo_row(books, algo) | {
        "actualOrderId": str(algo.order_id) if algo.order_id else "",
        "actualPrice": price_text(contract, order.average if order else None),
        "actualQty": quantity_text(contract, order.executed if order else ZERO),
        "actualType": actual_type(algo) if order else "",
        "tpOrderType": "",
    }


def algo_listed(books: Books, algo: Algo) -> Json:
    """Return a conditional order as lists show it."""
    full = algo_full(books, algo)
    absent = ("actualQty", "actualType")
    levels = dict.fromkeys(("tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"), "0.000")
    return {name: value for name, value in full.items() if name not in absent} | levels


def trade_row(books: Books, symbol: str, trade: Trade, order: Order) -> Json:
    """Return an execution as `userTrades` shows it."""
    contract = books.contracts[symbol]
    return {
        "symbol": symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "side": order.wish.side,
        "positionSide": order.wish.position_side,
        "price": price_text(contract, trade.price),
        "qty": quantity_text(contract, trade.quantity),
        "quoteQty": amount_text(trade.quote),
        "realizedPnl": amount_text(trade.realised),
        "marginAsset": trade.asset,
        "commission": amount_text(trade.commission),
        "commissionAsset": trade.asset,
        "time": trade.time,
        "buyer": order.wish.side is Side.BUY,
        "maker": trade.maker,
    }


def _order(books: Books, order: Order) -> Json:
    contract, wish = books.contracts[order.wish.symbol], order.wish
    return {
        "orderId": order.id,
        "symbol": wish.symbol,
        "status": order.status,
        "clientOrderId": order.client_id,
        "price": price_text(contract, order.price),
        "origQty": quantity_text(contract, order.quantity),
        "timeInForce": wish.time_in_force,
        "type": wish.type,
        "reduceOnly": wish.reduce_only,
        "closePosition": wish.close_position,
        "side": wish.side,
        "positionSide": wish.position_side,
        "stopPrice": "0",
        "workingType": wish.working_type,
        "priceProtect": wish.price_protect,
        "origType": wish.type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": wish.self_trade,
        "goodTillDate": 0,
        "updateTime": order.updated,
    }
