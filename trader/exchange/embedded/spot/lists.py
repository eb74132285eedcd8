"""Lists of orders: one cancels the other (OCO), one triggers another (OTO), or triggers two such (OTOCO)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.api_error import ApiError, missing
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.spot import checks
from trader.exchange.embedded.spot.answers import list_answer, order_answer
from trader.exchange.embedded.spot.books import MARKET
from trader.exchange.embedded.spot.desk import SpotDesk
from trader.exchange.embedded.spot.orders import (
    STOPS,
    TAKES,
    TRIGGERED,
    Contingency,
    OrderList,
    Side,
    Status,
    Type,
    Wish,
)
from trader.exchange.embedded.spot.parse import parse_client_id, parse_response, parse_side, parse_wish, positive

RELATIONSHIP = "The relationship of the prices for the orders is not correct."
OCO_TYPES = STOPS | TAKES | {Type.LIMIT_MAKER}
#: Where the legs of an OCO belong, by kind and whether it buys, and the code of a leg that is not there.
SIDES = {
    ("limit", True): (-1165, "below"),
    ("limit", False): (-1166, "above"),
    ("stop loss", True): (-1196, "above"),
    ("stop loss", False): (-1197, "below"),
    ("take profit", True): (-1198, "below"),
    ("take profit", False): (-1199, "above"),
}
WORKING_TYPES = frozenset({Type.LIMIT, Type.LIMIT_MAKER})


def place_oco(desk: SpotDesk, account: Account, params: Params) -> dict[str, Any]:
    """Place two orders of which one cancels the other."""
    side, quantity = parse_side(params), _quantity(params, "quantity")
    above, below = _legs(params, ("above", "below"), side, quantity)
    price = desk.price(above.symbol)
    if not level_of(above) > price > level_of(below):
        raise checks.rejected(RELATIONSHIP)
    return _place(desk, account, params, Contingency.OCO, [above, below])


def place_oto(desk: SpotDesk, account: Account, params: Params) -> dict[str, Any]:
    """Place an order that places another when it has filled."""
    pending = parse_wish(params, "pending", parse_side(params, "pendingSide"), _quantity(params, "pendingQuantity"))
    return _place(desk, account, params, Contingency.OTO, [_working(params), pending])


def place_otoco(desk: SpotDesk, account: Account, params: Params) -> dict[str, Any]:
    """Place an order that places an OCO when it has filled."""
    side, quantity = parse_side(params, "pendingSide"), _quantity(params, "pendingQuantity")
    above, below = _legs(params, ("pendingAbove", "pendingBelow"), side, quantity)
    if level_of(above) <= level_of(below):
        raise checks.rejected(RELATIONSHIP)
    return _place(desk, account, params, Contingency.OTO, [_working(params), above, below])


def level_of(wish: Wish) -> Decimal:
    """Return the price that an order of an OCO waits for."""
    return (wish.stop_price if wish.type in TRIGGERED else wish.price) or Decimal(0)


def _place(
    desk: SpotDesk, account: Account, params: Params, contingency: Contingency, wishes: list[Wish]
) -> dict[str, Any]:
    response = parse_response(params, "RESULT")
    client_id = parse_client_id(params, "listClientOrderId")
    listed = _checked(desk, account, contingency, wishes, client_id)
    account.counts[MARKET].charge(len(wishes))
    desk.lock(listed.orders if contingency is Contingency.OCO else listed.orders[:1])
    reports = _enter(desk, listed, response)
    desk.books.report_balances(account.uid)
    return list_answer(listed, reports)


def _checked(
    desk: SpotDesk, account: Account, contingency: Contingency, wishes: list[Wish], client_id: str
) -> OrderList:
    """Return the list that wishes become; nothing is placed yet."""
    books = desk.books
    if any(not each.done and each.client_id == client_id for each in books.shelf.lists_of(account.uid) if client_id):
        raise checks.rejected("Duplicate order sent.")
    stops = any(wish.type in TRIGGERED for wish in wishes)
    if stops and books.plan.strikes(Fault.STOP_REJECTED, wishes[0].symbol) is not None:
        raise checks.rejected(checks.TRIGGERS)
    orders = desk.examined(account, wishes, lists=1)
    if contingency is Contingency.OTO:
        checks.check_against_price(books, wishes[0], desk.price(wishes[0].symbol))
    return OrderList(
        id=next(books.list_ids),
        uid=account.uid,
        symbol=wishes[0].symbol,
        client_id=client_id or books.new_client_id(),
        contingency=contingency,
        orders=orders,
        time=books.now(),
    )


def _enter(desk: SpotDesk, listed: OrderList, response: str) -> list[dict[str, Any]]:
    """Put a list on the book, all of it before the working orders can fill; return the reports in the order of the
    list, pending ones as they were before that."""
    books = desk.books
    books.shelf.add_list(listed)
    books.report_list(listed)
    for order in listed.orders:
        order.list_id = listed.id
        order.status = Status.PENDING_NEW if order in listed.pending else Status.NEW
        books.shelf.add(order)
    waiting = [order_answer(order, response) for order in listed.pending]
    for order in listed.pending:
        books.report(order, "NEW")
    working = [order for order in listed.orders if order not in listed.pending]
    for order in working:
        desk.enter(order)
    return [order_answer(order, response) for order in working] + waiting


def _legs(params: Params, prefixes: tuple[str, str], side: Side, quantity: Decimal) -> tuple[Wish, Wish]:
    """Return the legs above and below; each code says which may not be where."""
    above, below = (parse_wish(params, prefix, side, quantity) for prefix in prefixes)
    buying = side is Side.BUY
    if not {above.type, below.type} <= OCO_TYPES:
        raise ApiError(-1158, "Order type not supported in OCO.")
    if above.type is below.type is Type.LIMIT_MAKER:
        raise ApiError(-1168, "At least one OCO order must be contingent.")
    favourable, adverse = (below, above) if buying else (above, below)
    wrong = (
        "limit" if adverse.type is Type.LIMIT_MAKER else "",
        "stop loss" if favourable.type in STOPS else "",
        "take profit" if adverse.type in TAKES else "",
    )
    for what in filter(None, wrong):
        code, place = SIDES[what, buying]
        raise ApiError(code, f"A {what} order in a {side.lower()} OCO must be {place}.")
    return above, below


def _working(params: Params) -> Wish:
    wish = parse_wish(params, "working", parse_side(params, "workingSide"), _quantity(params, "workingQuantity"))
    if wish.type not in WORKING_TYPES:
        raise ApiError(-1116, "Invalid orderType.")
    return wish


def _quantity(params: Params, name: str) -> Decimal:
    quantity = positive(params, name)
    if quantity is None:
        raise missing(name)
    return quantity
