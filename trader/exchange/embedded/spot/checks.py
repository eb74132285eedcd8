"""What a new order must pass: filters, the price of now, names in use, faults that reject stops."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trader.exchange.embedded import filters
from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.spot.books import Books
from trader.exchange.embedded.spot.orders import LIMITED, TRIGGERED, Type, Wish

TRIGGERS = "Stop price would trigger immediately."
TYPE_WORDS = {
    Type.MARKET: "Market",
    Type.STOP_LOSS: "Stop loss",
    Type.STOP_LOSS_LIMIT: "Stop loss limit",
    Type.TAKE_PROFIT: "Take profit",
    Type.TAKE_PROFIT_LIMIT: "Take profit limit",
}


def rejected(message: str) -> ApiError:
    """Return -2010: the matching engine refuses."""
    return ApiError(-2010, message)


def check_wish(books: Books, wish: Wish, price: Decimal) -> None:
    """Refuse an order that no filter of its symbol lets pass; `price` is the one of now."""
    pair = books.pairs[wish.symbol]
    if wish.type in TYPE_WORDS and pair.types and wish.type not in pair.types:
        raise rejected(f"{TYPE_WORDS[wish.type]} orders are not supported for this symbol.")
    _fail(_price_fault(books, wish, price))
    if wish.quantity is not None:
        _fail(filters.lot_fault(pair.filters, wish.quantity, wish.type is Type.MARKET))
    _fail(_notional_fault(books, wish, price))
    if wish.iceberg is not None:
        _check_iceberg(pair.filters, wish, wish.iceberg)


def check_counts(books: Books, uid: int, wishes: Sequence[Wish], lists: int = 0) -> None:
    """Refuse orders that make too many on their symbol, or too large a position; `lists` new lists come with them."""
    symbol = wishes[0].symbol
    pair = books.pairs[symbol]
    open_orders = books.shelf.open_orders(uid, symbol)
    everything = [order.wish for order in open_orders] + list(wishes)
    listed = sum(not each.done and each.symbol == symbol for each in books.shelf.lists_of(uid)) + lists
    counts = {
        "MAX_NUM_ORDERS": ("maxNumOrders", len(everything)),
        "MAX_NUM_ALGO_ORDERS": ("maxNumAlgoOrders", sum(wish.type in TRIGGERED for wish in everything)),
        "MAX_NUM_ICEBERG_ORDERS": ("maxNumIcebergOrders", sum(wish.iceberg is not None for wish in everything)),
        "MAX_NUM_ORDER_LISTS": ("maxNumOrderLists", listed),
    }
    _fail(filters.count_fault(pair.filters, counts))
    buying = [wish for wish in wishes if wish.buying]
    if buying:
        bought = sum((order.left for order in open_orders if order.wish.buying), ZERO)
        wanted = sum((wish.quantity or ZERO for wish in buying), ZERO)
        _fail(filters.position_fault(pair.filters, books.ledgers[uid].total(pair.base) + bought + wanted))


def check_names(books: Books, uid: int, wishes: Sequence[Wish]) -> None:
    """Refuse a client id that an open order has, or that two of the new ones share."""
    taken = {order.client_id for order in books.shelf.open_orders(uid, wishes[0].symbol)}
    for wish in wishes:
        if wish.client_id and wish.client_id in taken:
            raise rejected("Duplicate order sent.")
        taken.add(wish.client_id)


def check_against_price(books: Books, wish: Wish, price: Decimal) -> None:
    """Refuse a maker that would take, and a stop that would trigger at once; faults may say so of any stop."""
    if wish.type is Type.LIMIT_MAKER and crosses(books, wish, price):
        raise rejected("Order would immediately match and take.")
    if wish.type not in TRIGGERED or wish.stop_price is None:
        return
    if books.plan.strikes(Fault.STOP_REJECTED, wish.symbol) is not None or passed(wish, price):
        raise rejected(TRIGGERS)


def crosses(books: Books, wish: Wish, price: Decimal) -> bool:
    """Tell whether a limit can be taken at `price`."""
    if wish.price is None:
        return False
    taken = books.quotes.taken(price, wish.buying)
    return taken <= wish.price if wish.buying else taken >= wish.price


def passed(wish: Wish, price: Decimal) -> bool:
    """Tell whether `price` has reached the stop price."""
    stop = wish.stop_price or ZERO
    return price >= stop if wish.rising else price <= stop


def _price_fault(books: Books, wish: Wish, price: Decimal) -> str | None:
    rules = books.pairs[wish.symbol].filters
    for each in (wish.price, wish.stop_price):
        if each is not None and (fault := filters.price_fault(rules, each)):
            return fault
    if wish.price is None:
        return None
    return filters.percent_fault(rules, wish.price, books.quotes.average(wish.symbol) or price, wish.buying)


def _notional_fault(books: Books, wish: Wish, price: Decimal) -> str | None:
    """Judge by the order's own price, by its stop price where it goes to market then, else by the average."""
    own = wish.price if wish.type in LIMITED else wish.stop_price
    reference = own or books.quotes.average(wish.symbol) or price
    quantity = wish.quantity if wish.quantity is not None else ZERO
    notional = wish.quote_quantity or CONTEXT.multiply(quantity, reference)
    return filters.notional_fault(books.pairs[wish.symbol].filters, notional, wish.type is Type.MARKET)


def _check_iceberg(rules: filters.Filters, wish: Wish, shown: Decimal) -> None:
    quantity = wish.quantity or ZERO
    if shown > quantity:
        raise rejected("IcebergQty exceeds QTY.")
    _fail(filters.lot_fault(rules, shown, False))
    _fail(filters.iceberg_fault(rules, quantity, shown))


def _fail(fault: str | None) -> None:
    if fault is not None:
        raise ApiError(-1013, f"Filter failure: {fault}")
