"""Answers of spot's trading endpoints as Binance words them."""

from __future__ import annotations

from typing import Any

from trader.exchange.embedded.accounts.account import Account, Right
from trader.exchange.embedded.accounts.decimals import ZERO, plain
from trader.exchange.embedded.accounts.ledger import Ledger
from trader.exchange.embedded.spot.orders import Order, OrderList, Side, Trade

Json = dict[str, Any]
#: What a commission is multiplied with when it is paid in BNB, as Binance's answer says it.
BNB_DISCOUNT = "0.75000000"
ZERO_TEXT = "0.00000000"


def order_ack(order: Order) -> Json:
    """Return the shortest answer to a new order."""
    return {
        "symbol": order.wish.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "transactTime": order.updated,
    }


def order_result(order: Order) -> Json:
    """Return the answer that tells the order's state."""
    return order_ack(order) | _state(order) | {"workingTime": order.working_since} | _tail(order)


def order_full(order: Order) -> Json:
    """Return the answer that tells the executions too."""
    return order_result(order) | {"fills": [_fill_row(trade) for trade in order.trades]}


def order_answer(order: Order, kind: str) -> Json:
    """Return the answer of a kind: ACK, RESULT or FULL."""
    return {"ACK": order_ack, "RESULT": order_result, "FULL": order_full}[kind](order)


def cancel_answer(order: Order, cancel_id: str) -> Json:
    """Return the answer to a cancel; `cancel_id` is the client id of that request."""
    ack = order_ack(order) | {"clientOrderId": cancel_id}
    head = {"symbol": order.wish.symbol, "origClientOrderId": order.client_id}
    return head | ack | _state(order) | _tail(order)


def order_row(order: Order) -> Json:
    """Return an order as queries show it."""
    head = {
        "symbol": order.wish.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
    }
    times = {
        "stopPrice": plain(order.wish.stop_price or ZERO),
        "icebergQty": plain(order.wish.iceberg or ZERO),
        "time": order.placed,
        "updateTime": order.updated,
        "isWorking": order.working_since >= 0,
        "workingTime": order.working_since,
    }
    return head | _state(order) | _tail(order) | times


def trade_row(symbol: str, trade: Trade, order: Order) -> Json:
    """Return an execution as `myTrades` shows it."""
    return {
        "symbol": symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": order.list_id,
        "price": plain(trade.price),
        "qty": plain(trade.quantity),
        "quoteQty": plain(trade.quote),
        "commission": plain(trade.commission),
        "commissionAsset": trade.asset,
        "time": trade.time,
        "isBuyer": order.wish.side is Side.BUY,
        "isMaker": trade.maker,
        "isBestMatch": True,
    }


def list_row(listed: OrderList) -> Json:
    """Return a list as queries show it."""
    kind, state = ("ALL_DONE", "ALL_DONE") if listed.done else ("EXEC_STARTED", "EXECUTING")
    orders = [
        {"symbol": listed.symbol, "orderId": order.id, "clientOrderId": order.client_id} for order in listed.orders
    ]
    return {
        "orderListId": listed.id,
        "contingencyType": listed.contingency,
        "listStatusType": kind,
        "listOrderStatus": state,
        "listClientOrderId": listed.client_id,
        "transactionTime": listed.time,
        "symbol": listed.symbol,
        "orders": orders,
    }


def list_answer(listed: OrderList, reports: list[Json]) -> Json:
    """Return the answer to a new or cancelled list."""
    return list_row(listed) | {"orderReports": reports}


def account_row(account: Account, ledger: Ledger, rights: frozenset[Right], now: int, omit_zero: bool) -> Json:
    """Return `account`."""
    rates = account.rates["spot"]
    maker, taker = (int(rate * 10_000) for rate in (rates.maker, rates.taker))
    balances = [
        {"asset": asset, "free": plain(ledger.free[asset]), "locked": plain(ledger.locked[asset])}
        for asset in ledger.assets()
        if ledger.total(asset) or not omit_zero
    ]
    return {
        "makerCommission": maker,
        "takerCommission": taker,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(account),
        "canTrade": Right.SPOT in rights,
        "canWithdraw": Right.WITHDRAW in rights,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": account.uid,
    }


def commission_row(account: Account, symbol: str) -> Json:
    """Return `account/commission`."""
    none = {"maker": ZERO_TEXT, "taker": ZERO_TEXT, "buyer": ZERO_TEXT, "seller": ZERO_TEXT}
    return {
        "symbol": symbol,
        "standardCommission": _rates(account),
        "specialCommission": none,
        "taxCommission": none,
        "discount": _discount(account),
    }


def test_commission(account: Account) -> Json:
    """Return what `order/test` tells of commissions."""
    rates = account.rates["spot"]
    none = {"maker": ZERO_TEXT, "taker": ZERO_TEXT}
    return {
        "standardCommissionForOrder": {"maker": plain(rates.maker), "taker": plain(rates.taker)},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _discount(account),
    }


def restrictions_row(rights: frozenset[Right]) -> Json:
    """Return `/sapi/v1/account/apiRestrictions`: what the key may do."""
    return {
        "ipRestrict": False,
        "createTime": 0,
        "enableReading": Right.READ in rights,
        "enableWithdrawals": Right.WITHDRAW in rights,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": Right.FUTURES in rights,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": Right.SPOT in rights,
        "enablePortfolioMarginTrading": False,
    }


def _state(order: Order) -> Json:
    wish = order.wish
    return {
        "price": plain(wish.price or ZERO),
        "origQty": plain(order.quantity),
        "executedQty": plain(order.executed),
        "origQuoteOrderQty": plain(wish.quote_quantity or ZERO),
        "cummulativeQuoteQty": plain(order.quote_executed),
        "status": order.status,
        "timeInForce": wish.time_in_force,
        "type": wish.type,
        "side": wish.side,
    }


def _tail(order: Order) -> Json:
    wish = order.wish
    some: Json = {
        "stopPrice": plain(wish.stop_price) if wish.stop_price else None,
        "icebergQty": plain(wish.iceberg) if wish.iceberg else None,
        "strategyId": wish.strategy_id,
        "strategyType": wish.strategy_type,
        "expiryReason": order.reason or None,
    }
    present = {name: value for name, value in some.items() if value is not None}
    return present | {"selfTradePreventionMode": wish.self_trade}


def _fill_row(trade: Trade) -> Json:
    return {
        "price": plain(trade.price),
        "qty": plain(trade.quantity),
        "commission": plain(trade.commission),
        "commissionAsset": trade.asset,
        "tradeId": trade.id,
    }


def _rates(account: Account) -> Json:
    rates = account.rates["spot"]
    return {"maker": plain(rates.maker), "taker": plain(rates.taker), "buyer": ZERO_TEXT, "seller": ZERO_TEXT}


def _discount(account: Account) -> Json:
    return {
        "enabledForAccount": account.pays_in_bnb,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": BNB_DISCOUNT,
    }
