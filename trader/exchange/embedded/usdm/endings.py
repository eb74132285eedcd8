"""How orders and conditional orders end, and what ends with a position."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.usdm import events
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.orders import Algo, AlgoStatus, Order, Status
from trader.exchange.embedded.usdm.positions import Position

ONE = Decimal(1)


def end(books: Books, order: Order, status: Status, reason: str = "0") -> None:
    """End an order, tell its owner, and finish the conditional one that it was."""
    order.status, order.reason, order.updated = status, reason, books.now()
    books.shelf.settle(order)
    books.tell(order.uid, events.order_event(books, order, status.value))
    finish(books, order)


def finish(books: Books, order: Order) -> None:
    """Say of a conditional order that what it became has ended."""
    algo = books.shelf.algos.get(order.algo_id)
    if algo is not None and not order.open and algo.status is AlgoStatus.TRIGGERED:
        change(books, algo, AlgoStatus.FINISHED)


def change(books: Books, algo: Algo, status: AlgoStatus, reason: str = "") -> None:
    """Move a conditional order on in its life, and tell its owner."""
    algo.status, algo.reason, algo.updated = status, reason, books.now()
    books.shelf.settle_algo(algo)
    books.tell(algo.uid, events.algo_event(books, algo))


def leave(books: Books, position: Position) -> None:
    """End what a position that was closed, or turned, gave a sense: orders that reduce it, algos that close it."""
    for order in books.shelf.open_orders(position.uid, position.symbol):
        if order.wish.reduces and _orphan(order, position):
            end(books, order, Status.EXPIRED)
    for algo in books.shelf.open_algos(position.uid, position.symbol):
        if algo.wish.close_position and _orphan(algo, position):
            change(books, algo, AlgoStatus.EXPIRED)


def _orphan(each: Order | Algo, position: Position) -> bool:
    """Tell whether nothing of a position is left that an order could close."""
    return each.wish.position_side is position.side and not position.closable(each.wish.sign, ONE)


def cancel_all(books: Books, uid: int, symbol: str) -> int:
    """Cancel the open orders of an account on a symbol, conditional ones not; return how many they were."""
    found = books.shelf.open_orders(uid, symbol)
    for order in found:
        end(books, order, Status.CANCELED)
    return len(found)


def cancel_all_algos(books: Books, uid: int, symbol: str) -> int:
    """Cancel the conditional orders of an account that wait on a symbol; return how many they were."""
    found = books.shelf.open_algos(uid, symbol)
    for algo in found:
        change(books, algo, AlgoStatus.CANCELED)
    return len(found)
