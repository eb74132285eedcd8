"""The spot desk and the simulated broker fill one trade at the same prices and times, whatever the candles."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from tests.exchange.embedded.room import Bar, Room
from tests.exchange.embedded.sources import PLAY_MS
from trader.core.commands import SubmitOrder
from trader.core.events import Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderRequest, Role
from trader.core.signal import Direction
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.exchange.embedded.options import Touch
from trader.simulation.broker import SimulatedBroker

#: Quantity sold by time and price.
Sold = dict[tuple[int, float], float]
QUANTITY = 6.0
FILTERS = {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}
cents = st.integers(9_500, 10_500)
bars = st.lists(
    st.tuples(cents, cents, cents, cents).map(
        lambda four: (four[0] / 100, max(four) / 100, min(four) / 100, four[1] / 100)
    ),
    min_size=8,
    max_size=8,
)


class Rich:
    """Funds that cover everything."""

    def covers(self, request: OrderRequest, price: float, fee: float) -> bool:
        return True


def request(number: int, role: Role, quantity: float, price: float) -> OrderRequest:
    return OrderRequest(number, 1, "BTCUSDT", role, Direction.LONG, quantity, price, 1.0, role.value, PLAY_MS)


def simulated(rows: list[Bar], stop: float, targets: list[float]) -> Sold:
    """Return what the simulated broker sells: a third at each target, all that is left at the stop."""
    broker = SimulatedBroker(
        builders.settings(MARKET="spot"),
        {"BTCUSDT": Timeframe.MIN_1},
        {"BTCUSDT": Instrument.from_filters("BTCUSDT", FILTERS)},
        Rich(),
    )
    broker.send(SubmitOrder(request(1, Role.ENTRY, QUANTITY, float("nan"))))
    sold: Sold = defaultdict(float)
    for number, (open, high, low, close) in enumerate(rows):
        opened = PLAY_MS + number * MINUTE_MS
        candle = builders.candle(open_time=opened, open=open, high=high, low=low, close=close, symbol="BTCUSDT")
        for fill in broker.match(Instant(opened + MINUTE_MS, (candle,))):
            assert isinstance(fill, Fill)
            if fill.role is Role.ENTRY:
                _protect(broker, stop, targets)
            else:
                sold[fill.time, round(fill.price, 8)] += fill.quantity
    return dict(sold)


def _protect(broker: SimulatedBroker, stop: float, targets: list[float]) -> None:
    broker.send(SubmitOrder(request(2, Role.STOP, QUANTITY, stop)))
    for number, target in enumerate(targets):
        broker.send(SubmitOrder(request(3 + number, Role.TARGET, QUANTITY / len(targets), target)))


def traded(rows: list[Bar], stop: float, targets: list[float]) -> Sold:
    """Return what the desk sells: one OCO for each target, placed at the instant of the entry."""
    room = Room(rows, Touch.STOP_FIRST, ())
    room.answer("order.place", side="BUY", type="MARKET", quantity=str(QUANTITY))
    for target in targets:
        room.answer(
            "orderList.place.oco",
            side="SELL",
            quantity=f"{QUANTITY / len(targets):.3f}",
            aboveType="LIMIT_MAKER",
            abovePrice=f"{target:.2f}",
            belowType="STOP_LOSS",
            belowStopPrice=f"{stop:.2f}",
        )
    room.wait(len(rows) * MINUTE_MS)
    sold: Sold = defaultdict(float)
    for _, trade in room.books.shelf.all_trades(room.account.uid):
        if not room.books.shelf.orders[trade.order_id].wish.buying:
            sold[trade.time, float(trade.price)] += float(trade.quantity)
    return dict(sold)


@settings(max_examples=150, deadline=None)
@given(rows=bars, below=st.integers(5, 300), above=st.lists(st.integers(5, 400), min_size=1, max_size=3, unique=True))
def test_the_desk_and_the_simulation_sell_the_same(rows: list[Bar], below: int, above: list[int]) -> None:
    entry = rows[0][0]
    targets = sorted(round(entry + distance / 100, 2) for distance in above)
    stop = round(entry - below / 100, 2)
    ours, theirs = traded(rows, stop, targets), simulated(rows, stop, targets)
    assert ours.keys() == theirs.keys()
    for key, quantity in ours.items():
        assert quantity == pytest.approx(theirs[key])
