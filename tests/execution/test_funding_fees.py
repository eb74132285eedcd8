"""Funding on a real USD-M exchange of this machine: what it takes is booked once, heard or not."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import pytest

from tests.exchange.embedded.usdm_traders import LONG, Desk, market, ours
from trader.core.account import BalanceUpdate, FundingUpdate, PositionSide
from trader.core.events import FundingFee
from trader.core.order import OrderRequest, Role, Side
from trader.core.signal import Direction
from trader.core.timeframe import HOUR_MS
from trader.execution.client_ids import Purpose
from trader.execution.desk.holding import Holding, Sent
from trader.execution.funding_fees import FundingFees, Means
from trader.execution.states import Order, OrderState

NAN = float("nan")
#: The rate, at the full hour in twenty minutes: one coin at 100 pays 0.1.
RATES = ((20, 0.001),)


def holding(quantity: str, direction: Direction = Direction.LONG) -> Holding:
    """Return a position of the desk's."""
    request = OrderRequest(1, 1, "BTCUSDT", Role.ENTRY, direction, float(quantity), NAN, 5.0, "entry", 0)
    order = Order("e", "BTCUSDT", Side.BUY, Decimal(quantity), state=OrderState.FILLED, cumulative=Decimal(quantity))
    return Holding(1, "BTCUSDT", direction, "", request, sent={"e": Sent(order, Purpose.ENTRY, 1, "entry", NAN)})


def watch(desk: Desk, holdings: Collection[Holding], foreign: bool = False) -> tuple[FundingFees, list[FundingFee]]:
    """Return what watches the account of `desk`, and what it tells the core."""
    told: list[FundingFee] = []
    began = desk.exchange.play.clock.now()

    def now() -> int:
        return desk.exchange.play.clock.now()

    means = Means(desk.account, ["BTCUSDT"], began, now, lambda: holdings, lambda _: foreign, told.append)
    return FundingFees(means), told


def listen(desk: Desk, fees: FundingFees) -> None:
    for event in desk.events:
        if isinstance(event, FundingUpdate | BalanceUpdate):
            fees.hear(event)


async def test_what_is_heard_names_the_side_and_what_is_asked_is_all_of_the_coin() -> None:
    async with ours(funding=RATES) as desk:
        await desk.prepared()
        fees, told = watch(desk, [holding("2")])
        await desk.rest.place(market(Side.BUY, "2"))
        desk.pass_minutes(21)
        assert desk.stream is not None
        assert await desk.stream.fence(5.0)
        listen(desk, fees)
        await fees.ask()
        due = desk.exchange.play.clock.now() // HOUR_MS * HOUR_MS
        assert told == [FundingFee("BTCUSDT", due, 0.2, Direction.LONG), FundingFee("BTCUSDT", due, 0.2)]


async def test_what_nobody_heard_is_asked_for_and_both_sides_are_summed() -> None:
    async with ours(funding=RATES, listening=False) as desk:
        await desk.prepared()
        fees, told = watch(desk, [holding("2")])
        await desk.rest.place(market(Side.BUY, "2"))
        await desk.rest.place(market(Side.SELL, "0.5", PositionSide.SHORT, "m-2"))
        desk.pass_minutes(21)
        await fees.ask()
        assert [each.amount for each in told] == [pytest.approx(0.15)]
        assert told[0].direction is None


async def test_what_was_taken_before_the_pool_began_is_none_of_its_matter() -> None:
    async with ours(funding=RATES, listening=False) as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "2"))
        desk.pass_minutes(61)
        fees, told = watch(desk, [holding("2")])
        await fees.ask()
        assert told == []


@pytest.mark.parametrize("foreign", [True, False])
async def test_a_strangers_part_of_a_position_is_not_ours_to_pay(foreign: bool) -> None:
    """Heard with its quantity it is shared; of what is only asked nobody knows whose it was."""
    async with ours(funding=RATES) as desk:
        await desk.prepared()
        fees, told = watch(desk, [holding("0.5")], foreign)
        await desk.rest.place(market(Side.BUY, "2"))
        desk.pass_minutes(21)
        assert desk.stream is not None
        assert await desk.stream.fence(5.0)
        listen(desk, fees)
        await fees.ask()
        assert [(each.amount, each.direction) for each in told] == [(0.05, Direction.LONG)]


def test_a_position_of_a_stranger_alone_is_nobodys_here() -> None:
    told: list[FundingFee] = []
    means = Means(None, ["BTCUSDT"], 0, lambda: 0, list, lambda _: False, told.append)  # type: ignore[arg-type]
    fees = FundingFees(means)
    fees.hear(FundingUpdate("BTCUSDT", LONG, Decimal(1), Decimal("-0.1"), "USDT", HOUR_MS))
    fees.hear(FundingUpdate("ETHUSDT", LONG, Decimal(1), Decimal("-0.1"), "USDT", HOUR_MS))
    assert told == []
