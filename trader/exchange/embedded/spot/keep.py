"""What is kept of spot's trading side over the exchange's own end, and how it goes on from that."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trader.exchange.embedded.matching.matcher import Matcher
from trader.exchange.embedded.spot.books import Books
from trader.exchange.embedded.spot.orders import Order, OrderList

#: Orders that have ended, and are kept for who asks for them late.
ENDED = 200


class SpotState(msgspec.Struct, frozen=True):
    """Wallets by account; open orders and the last that ended; lists, each with its orders by id; the next numbers of
    orders, lists, trades and reports; up to when prices were judged, ms by symbol."""

    free: dict[int, dict[str, Decimal]]
    locked: dict[int, dict[str, Decimal]]
    orders: list[Order]
    lists: list[tuple[OrderList, list[int]]]
    numbers: tuple[int, int, int, int]
    until: dict[str, int]


class SpotKeep:
    """Reads the state of `books`, or puts it in place of what they begin with."""

    def __init__(self, books: Books, matcher: Matcher) -> None:
        self._books = books
        self._matcher = matcher

    def state(self) -> bytes:
        """Return all that is to be kept."""
        books = self._books
        shelf = books.shelf
        lists = {each.id: each for each in shelf.lists.values() if not each.done}
        ended = [order for order in list(shelf.orders.values())[-ENDED:] if not order.open]
        lists |= {order.list_id: shelf.lists[order.list_id] for order in ended if order.list_id in shelf.lists}
        orders = {order.id: order for order in [*ended, *shelf.every_open_order()]}
        orders |= {order.id: order for each in lists.values() for order in each.orders}
        state = SpotState(
            {uid: ledger.free for uid, ledger in books.ledgers.items()},
            {uid: ledger.locked for uid, ledger in books.ledgers.items()},
            [orders[number] for number in sorted(orders)],
            [_bare(lists[number]) for number in sorted(lists)],
            (books.order_ids.coming, books.list_ids.coming, books.trade_ids.coming, books.report_ids.coming),
            self._matcher.until,
        )
        return msgspec.msgpack.encode(state)

    def take_up(self, encoded: bytes) -> None:
        """Go on with what was kept; raise `MsgspecError` where it is none."""
        state = msgspec.msgpack.decode(encoded, type=SpotState)
        books = self._books
        for uid in books.ledgers.keys() & state.free.keys():
            books.ledgers[uid].free, books.ledgers[uid].locked = state.free[uid], state.locked[uid]
        orders = {order.id: order for order in state.orders}
        books.shelf.add_again(orders.values())
        for listed, ids in state.lists:
            listed.orders = [orders[number] for number in ids]
            _share_hold(listed.rivals)
            books.shelf.add_list(listed)
        every = (books.order_ids, books.list_ids, books.trade_ids, books.report_ids)
        for numbers, coming in zip(every, state.numbers, strict=True):
            numbers.coming = coming
        self._matcher.until.update(state.until)


def _bare(listed: OrderList) -> tuple[OrderList, list[int]]:
    return msgspec.structs.replace(listed, orders=[]), [order.id for order in listed.orders]


def _share_hold(rivals: list[Order]) -> None:
    """Let orders of which only one can fill share again what is locked for them: once for all."""
    held = [order for order in rivals if order.hold is not None]
    for order in held[1:]:
        order.hold = held[0].hold
