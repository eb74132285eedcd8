"""What went is shared among positions to the last digit, the oldest first."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader.core.account import Execution, Forced, OrderStatus, OrderUpdate
from trader.core.order import OrderRequest, Role, Side
from trader.core.signal import Direction
from trader.execution.audit.losses import reason_of, shared, split
from trader.execution.client_ids import ClientId, Purpose
from trader.execution.desk.holding import Holding, Sent
from trader.execution.states import Order, OrderState

steps = st.integers(1, 10_000).map(lambda count: Decimal(count) / 1000)
executions = st.lists(
    st.builds(
        lambda number, quantity, fee: Execution(number, quantity, Decimal(100), number, fee, "USDT"),
        st.integers(1, 10**6),
        steps,
        steps,
    ),
    max_size=6,
    unique_by=lambda each: each.trade_id,
)


def held(position_id: int, quantity: Decimal) -> Holding:
    """Return a position of futures that holds `quantity`."""
    request = OrderRequest(
        position_id, position_id, "BTCUSDT", Role.ENTRY, Direction.LONG, float(quantity), float("nan"), 1.0, "entry", 0
    )
    name = ClientId("t1", position_id, Purpose.ENTRY).text
    order = Order(name, "BTCUSDT", Side.BUY, quantity, state=OrderState.FILLED, cumulative=quantity)
    sent = Sent(order, Purpose.ENTRY, position_id, "entry", float("nan"))
    return Holding(position_id, "BTCUSDT", Direction.LONG, "", request, sent={name: sent})


def total(found: list[Execution]) -> tuple[Decimal, Decimal]:
    return sum((each.quantity for each in found), Decimal(0)), sum((each.fee for each in found), Decimal(0))


@given(executions, steps)
def test_a_split_loses_nothing(every: list[Execution], quantity: Decimal) -> None:
    taken, rest = split(every, quantity)
    whole, fees = total(every)
    assert total(taken)[0] == min(whole, quantity)
    assert total(taken)[0] + total(rest)[0] == whole
    assert total(taken)[1] + total(rest)[1] == pytest.approx(fees, rel=Decimal("1e-20"))


@given(executions, st.lists(steps, min_size=1, max_size=4))
def test_the_oldest_position_loses_first_and_none_more_than_it_holds(
    every: list[Execution], quantities: list[Decimal]
) -> None:
    holdings = [held(number, quantity) for number, quantity in enumerate(quantities, start=1)]
    losses = shared(every, reversed(holdings), "liquidation", 7)
    lost = {each.position_id: each.quantity for each in losses}
    assert list(lost) == sorted(lost)
    left = total(every)[0]
    for number, quantity in enumerate(quantities, start=1):
        assert lost.get(number, Decimal(0)) == min(left, quantity)
        left -= lost.get(number, Decimal(0))


@pytest.mark.parametrize(
    ("forced", "reason"),
    [
        (Forced.NONE, "manual"),
        (Forced.LIQUIDATION, "liquidation"),
        (Forced.DELEVERAGING, "deleveraged"),
        (Forced.SETTLEMENT, "settlement"),
    ],
)
def test_the_venue_says_why(forced: Forced, reason: str) -> None:
    filled = OrderStatus.FILLED
    order = OrderUpdate("BTCUSDT", "x", 1, Side.SELL, "LIMIT", filled, Decimal(1), Decimal(1), 0, forced=forced)
    assert reason_of(order) == reason
