"""Laws of the spot desk, whatever is ordered: nothing is made or lost, nothing is owed, locked is what orders need."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.embedded.room import SYMBOL, Bar, Room
from tests.exchange.embedded.sources import PLAY_MS
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.options import Touch
from trader.exchange.embedded.spot.execution import need
from trader.exchange.embedded.spot.orders import OPEN, Order

prices = st.integers(9_000, 11_000).map(lambda cents: f"{cents / 100:.2f}")
quantities = st.integers(60, 30_000).map(lambda mils: f"{mils / 1000:.3f}")
sides = st.sampled_from(["BUY", "SELL"])
bars = st.lists(
    st.tuples(*[st.integers(9_000, 11_000)] * 4).map(
        lambda four: (four[0] / 100, max(four) / 100, min(four) / 100, four[1] / 100)
    ),
    min_size=12,
    max_size=12,
)


@st.composite
def single(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """An order of any type."""
    kind = draw(st.sampled_from(["MARKET", "LIMIT", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"]))
    wish = SYMBOL | {"side": draw(sides), "type": kind, "quantity": draw(quantities)}
    if "LIMIT" in kind:
        wish["price"] = draw(prices)
    if kind in ("LIMIT", "STOP_LOSS_LIMIT"):
        wish["timeInForce"] = draw(st.sampled_from(["GTC", "GTC", "IOC", "FOK"]))
    if "STOP" in kind or "TAKE" in kind:
        wish["stopPrice"] = draw(prices)
    return "order.place", wish


@st.composite
def oco(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A list of two."""
    side = draw(sides)
    legs = ("above", "below") if side == "SELL" else ("below", "above")
    wish = SYMBOL | {"side": side, "quantity": draw(quantities)}
    wish |= {f"{legs[0]}Type": "LIMIT_MAKER", f"{legs[0]}Price": draw(prices)}
    return "orderList.place.oco", wish | {f"{legs[1]}Type": "STOP_LOSS", f"{legs[1]}StopPrice": draw(prices)}


@st.composite
def oto(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """An order that places another."""
    working = {"workingType": "LIMIT", "workingSide": draw(sides), "workingTimeInForce": "GTC"}
    pending = {"pendingType": "STOP_LOSS", "pendingSide": draw(sides), "pendingStopPrice": draw(prices)}
    sizes = {"workingQuantity": draw(quantities), "pendingQuantity": draw(quantities), "workingPrice": draw(prices)}
    return "orderList.place.oto", SYMBOL | working | pending | sizes


@st.composite
def otoco(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """An order that places a list of two."""
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC", "workingPrice": draw(prices)}
    above = {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": draw(prices)}
    below = {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": draw(prices)}
    sizes = {"workingQuantity": draw(quantities), "pendingQuantity": draw(quantities), "pendingSide": "SELL"}
    return "orderList.place.otoco", SYMBOL | working | above | below | sizes


cancels = st.integers(1, 30).map(lambda id: ("order.cancel", SYMBOL | {"orderId": str(id)}))
everything = st.just(("openOrders.cancelAll", dict(SYMBOL)))
wishes = st.lists(st.one_of(single(), single(), oco(), oto(), otoco(), cancels, everything), max_size=4)


def check(room: Room) -> None:
    """Hold the books to the laws."""
    ledger, orders = room.books.ledgers[room.account.uid], list(room.books.shelf.orders.values())
    moved = flows(orders)
    for asset in ledger.assets():
        began = room.account.balances.get(asset, ZERO)
        assert ledger.free[asset] >= 0
        assert ledger.locked[asset] >= 0
        assert ledger.total(asset) == began + moved[asset]
        assert ledger.locked[asset] == needed(room, asset, orders)


def flows(orders: list[Order]) -> dict[str, Decimal]:
    """Return what executions have moved, by asset."""
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        sign = 1 if order.wish.buying else -1
        for trade in order.trades:
            moved["BTC"] += sign * trade.quantity
            moved["USDT"] -= sign * trade.quote
            moved[trade.asset] -= trade.commission
    return moved


def needed(room: Room, asset: str, orders: list[Order]) -> Decimal:
    """Return what open orders may take, each hold once: the dearest order of it."""
    needs: dict[int, Decimal] = defaultdict(Decimal)
    for order in orders:
        if order.status in OPEN and not order.pending and order.hold is not None:
            of, amount = need(room.books, order.wish, order.left)
            if of == asset:
                needs[id(order.hold)] = max(needs[id(order.hold)], amount)
    return sum(needs.values(), ZERO)


@settings(max_examples=60, deadline=None)
@given(rows=bars, steps=st.lists(wishes, min_size=3, max_size=8), touch=st.sampled_from(Touch), parts=st.booleans())
def test_nothing_is_made_or_lost_and_locked_is_what_orders_need(
    rows: list[Bar],
    steps: list[list[tuple[str, dict[str, str]]]],
    touch: Touch,
    parts: bool,
) -> None:
    room = Room(rows, touch, ("partial=0.5:0.4",) if parts else ())
    for some in steps:
        for method, params in some:
            room.ask(method, params)
            check(room)
        room.wait(40_000)
        check(room)
    room.ask("openOrders.cancelAll", dict(SYMBOL))
    check(room)
    assert all(amount == 0 for amount in room.books.ledgers[room.account.uid].locked.values())


@settings(max_examples=30, deadline=None)
@given(rows=bars, steps=st.lists(wishes, min_size=2, max_size=6))
def test_of_two_rivals_at_most_one_fills_and_lists_end_with_their_orders(
    rows: list[Bar], steps: list[list[tuple[str, dict[str, str]]]]
) -> None:
    room = Room(rows, Touch.STOP_FIRST, ())
    for some in steps:
        for method, params in some:
            room.ask(method, params)
        room.wait(MINUTE_MS)
    for listed in room.books.shelf.lists.values():
        assert sum(order.executed > 0 for order in listed.rivals) <= 1
        assert listed.done is not any(order.open for order in listed.orders)


@settings(max_examples=30, deadline=None)
@given(rows=bars, wish=st.one_of(single(), oco()), touch=st.sampled_from(Touch))
def test_what_an_order_becomes_does_not_depend_on_how_often_somebody_looks(
    rows: list[Bar], wish: tuple[str, dict[str, str]], touch: Touch
) -> None:
    fates = []
    for step_ms in (MINUTE_MS, 17_000):
        room = Room(rows, touch, ())
        room.ask(*wish)
        while (left := PLAY_MS + 10 * MINUTE_MS - room.exchange.play.clock.now()) > 0:
            room.wait(min(step_ms, left))
        fates.append([(order.status, order.trades) for order in room.books.shelf.orders.values()])
    assert fates[0] == fates[1]
