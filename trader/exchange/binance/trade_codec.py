"""Answers about orders -> words of ours. Fields that an answer may lack have a plain default; amounts are decimals."""

from __future__ import annotations

import msgspec

from trader.core.account import AlgoUpdate, Execution, ListUpdate, OrderUpdate
from trader.core.order import Side
from trader.core.venue import AccountTrade
from trader.exchange.binance.decimals import Number, amount, converted, guarded
from trader.exchange.binance.order_words import (
    algo_status_of,
    forced_of,
    position_side_of,
    reason_of,
    status_of,
    working_status,
)


class _Fill(msgspec.Struct):
    price: Number
    qty: Number
    tradeId: int
    commission: Number = None
    commissionAsset: str | None = None


class _Order(msgspec.Struct):
    """An order of either market. Spot says `cummulativeQuoteQty`; futures `cumQuote`, but not when it was placed."""

    symbol: str
    orderId: int
    clientOrderId: str
    side: Side
    type: str
    status: str
    origQty: Number = None
    executedQty: Number = None
    cummulativeQuoteQty: Number = None
    cumQuote: Number = None
    avgPrice: Number = None
    price: Number = None
    stopPrice: Number = None
    positionSide: str = ""
    origType: str = ""
    origClientOrderId: str = ""
    orderListId: int = -1
    expiryReason: str | None = None
    transactTime: int = 0
    updateTime: int = 0
    time: int = 0
    fills: list[_Fill] = []
    isWorking: bool | None = None
    workingTime: int | None = None


class _Algo(msgspec.Struct):
    """A conditional order. `orderType` where it is asked for, `type` in lists; both have been seen."""

    algoId: int
    clientAlgoId: str
    symbol: str = ""
    side: str = ""
    algoStatus: str = "NEW"
    orderType: str = ""
    type: str = ""
    positionSide: str = ""
    quantity: Number = None
    actualQty: Number = None
    triggerPrice: Number = None
    actualOrderId: int | str | None = None
    closePosition: bool = False
    rejectReason: str | None = None
    createTime: int = 0
    updateTime: int = 0


class _Leg(msgspec.Struct):
    orderId: int
    clientOrderId: str


class _List(msgspec.Struct):
    orderListId: int
    listClientOrderId: str
    symbol: str
    listOrderStatus: str
    transactionTime: int = 0
    orders: list[_Leg] = []
    orderReports: list[_Order] = []


class _Trade(msgspec.Struct):
    symbol: str
    id: int
    orderId: int
    price: Number
    qty: Number
    time: int
    commission: Number = None
    commissionAsset: str = ""
    isBuyer: bool | None = None
    isMaker: bool = False
    side: str = ""
    maker: bool = False
    positionSide: str = ""
    realizedPnl: Number = None


class PlacedList(msgspec.Struct, frozen=True):
    """A list with what became of each of its orders."""

    list: ListUpdate
    orders: tuple[OrderUpdate, ...]


def order_update(answer: object, what: str = "order") -> OrderUpdate:
    """Return the order of an answer to a placing, a cancelling or a query."""
    return guarded(what, lambda: _order(converted(answer, _Order, what)))


def order_updates(answer: object, what: str = "openOrders") -> list[OrderUpdate]:
    """Return the orders of an answer."""
    return guarded(what, lambda: [_order(each) for each in converted(answer, list[_Order], what)])


def algo_update(answer: object, what: str = "algoOrder") -> AlgoUpdate:
    """Return the conditional order of an answer."""
    return guarded(what, lambda: _algo(converted(answer, _Algo, what)))


def algo_updates(answer: object, what: str = "openAlgoOrders") -> list[AlgoUpdate]:
    """Return the conditional orders of an answer."""
    return guarded(what, lambda: [_algo(each) for each in converted(answer, list[_Algo], what)])


def placed_list(answer: object, what: str = "orderList") -> PlacedList:
    """Return a list and its orders, as far as the answer reports them."""
    return guarded(what, lambda: _list(converted(answer, _List, what)))


def list_updates(answer: object, what: str = "openOrderList") -> list[ListUpdate]:
    """Return the lists of an answer."""
    return guarded(what, lambda: [_list(each).list for each in converted(answer, list[_List], what)])


def account_trades(answer: object, what: str = "trades") -> list[AccountTrade]:
    """Return the executions of an answer, as it orders them."""
    return guarded(what, lambda: [_trade(each) for each in converted(answer, list[_Trade], what)])


def _order(order: _Order) -> OrderUpdate:
    quantity, cumulative = amount(order.origQty), amount(order.executedQty)
    quote = amount(order.cummulativeQuoteQty) or amount(order.cumQuote) or amount(order.avgPrice) * cumulative
    time = order.transactTime or order.updateTime or order.time
    client_id = order.origClientOrderId or order.clientOrderId  # a cancelled order is named by the cancel's own id
    return OrderUpdate(
        order.symbol,
        client_id,
        order.orderId,
        order.side,
        order.origType or order.type,
        working_status(status_of(order.status, quantity, cumulative), order.type, _works(order)),
        quantity,
        cumulative,
        time,
        position_side_of(order.positionSide),
        quote,
        amount(order.price),
        amount(order.stopPrice),
        tuple(_execution(each, time) for each in order.fills),
        reason_of(order.expiryReason),
        order.orderListId,
        forced_of(client_id),
    )


def _works(order: _Order) -> bool:
    """Tell whether an order of spot is on the book; futures do not say."""
    return (order.workingTime or -1) > 0 if order.isWorking is None else order.isWorking


def _execution(fill: _Fill, time: int) -> Execution:
    # A placing is answered in full only for what it takes at once.
    fee, asset = amount(fill.commission), fill.commissionAsset or ""
    return Execution(fill.tradeId, amount(fill.qty), amount(fill.price), time, fee, asset)


def _algo(order: _Algo) -> AlgoUpdate:
    quantity = amount(order.quantity)
    executed = None if order.actualQty in (None, "") else amount(order.actualQty)
    return AlgoUpdate(
        order.symbol,
        order.clientAlgoId,
        order.algoId,
        Side(order.side),
        order.orderType or order.type,
        algo_status_of(order.algoStatus, quantity, executed),
        quantity,
        amount(executed),
        order.updateTime or order.createTime,
        position_side_of(order.positionSide),
        amount(order.triggerPrice),
        int(order.actualOrderId or 0),
        order.closePosition,
        reason_of(order.rejectReason),
    )


def _list(answer: _List) -> PlacedList:
    status = answer.listOrderStatus
    legs = tuple((leg.clientOrderId, leg.orderId) for leg in answer.orders)
    ended, rejected = status in ("ALL_DONE", "REJECT"), status == "REJECT"
    told = ListUpdate(
        answer.symbol,
        answer.listClientOrderId,
        answer.orderListId,
        legs,
        ended,
        rejected,
        answer.transactionTime,
    )
    return PlacedList(told, tuple(_order(each) for each in answer.orderReports))


def _trade(trade: _Trade) -> AccountTrade:
    side = Side(trade.side) if trade.side else (Side.BUY if trade.isBuyer else Side.SELL)
    return AccountTrade(
        trade.symbol,
        trade.orderId,
        trade.id,
        side,
        amount(trade.qty),
        amount(trade.price),
        amount(trade.commission),
        trade.commissionAsset,
        trade.isMaker or trade.maker,
        trade.time,
        position_side_of(trade.positionSide),
        amount(trade.realizedPnl),
    )
