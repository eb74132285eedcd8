"""How orders and lists end, and what ends with them."""

from __future__ import annotations

from trader.exchange.embedded.spot.books import Books
from trader.exchange.embedded.spot.execution import release
from trader.exchange.embedded.spot.orders import Order, OrderList, Status


def list_of(books: Books, order: Order) -> OrderList | None:
    """Return the list that an order belongs to."""
    return books.shelf.lists.get(order.list_id)


def holders(books: Books, order: Order) -> list[Order]:
    """Return the orders that share what is locked for one: its rivals in a list, or it alone."""
    listed = list_of(books, order)
    return listed.rivals if listed is not None and order in listed.rivals else [order]


def end(books: Books, order: Order, status: Status, cancel_id: str = "") -> None:
    """End one order, give back what was locked for it alone, and tell its owner."""
    order.status = status
    order.updated = books.now()
    release(books, order, holders(books, order))
    books.report(order, status.value, None, cancel_id)


def end_rivals(books: Books, order: Order) -> None:
    """Expire the other of two orders: this one was reached."""
    for rival in holders(books, order):
        if rival is not order and rival.open:
            end(books, rival, Status.EXPIRED)


def cancel(books: Books, order: Order, cancel_id: str) -> None:
    """Cancel an open order, and the whole of its list."""
    listed = list_of(books, order)
    for each in listed.orders if listed is not None else [order]:
        if each.open:
            end(books, each, Status.CANCELED, cancel_id)
    if listed is not None:
        finish(books, listed)


def expire(books: Books, order: Order, reason: str) -> None:
    """End an order by the exchange's own rules, and what waits for it."""
    order.reason = reason
    end(books, order, Status.EXPIRED)
    listed = list_of(books, order)
    if listed is None:
        return
    for each in listed.orders if order not in listed.pending else ():
        if each.open:
            end(books, each, Status.EXPIRED)
    finish(books, listed)


def finish(books: Books, listed: OrderList) -> None:
    """Close a list of which nothing is open any more, and say so once."""
    if listed.done or any(order.open for order in listed.orders):
        return
    listed.done = True
    listed.time = books.now()
    books.report_list(listed)
