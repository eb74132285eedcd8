"""Funding that an exchange has taken: booked once, however it is told, on the trades that paid it."""

from __future__ import annotations

import pytest

from tests.builders import M1, START_MS
from tests.trading.test_hedges import hedged, hedger
from tests.trading.worlds import World, wish
from trader.core.events import FundingFee, FundingRate
from trader.core.signal import Direction
from trader.core.timeframe import DAY_MS, HOUR_MS
from trader.trading.notes import FundingPaid

LONG, SHORT = Direction.LONG, Direction.SHORT
#: Later than every entry of these stories.
DUE = START_MS + HOUR_MS


def opened() -> World:
    """Return a futures world with one LONG trade."""
    world = World(MARKET="futures", LEVERAGE=5)
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    return world


def take(world: World, *fees: FundingFee) -> float:
    """Let the exchange tell of payments; return by how much the pool has become poorer."""
    before = world.book.pool.free
    for fee in fees:
        assert world.logic.handle(fee) == []
    return before - world.book.pool.free


def fee(amount: float, direction: Direction | None = LONG, time: int = DUE) -> FundingFee:
    return FundingFee("BTCUSDT", time, amount, direction)


def test_what_was_taken_belongs_to_the_net_of_the_trade() -> None:
    world = opened()
    assert take(world, fee(0.25)) == pytest.approx(0.25)
    (paid,) = [note for note in world.notes if isinstance(note, FundingPaid)]
    assert (paid.amount, paid.trade.funding, paid.time) == (0.25, 0.25, DUE)
    world.tick(100.0, 100.0, 99.0, 99.0)
    assert paid.trade.parts[-1].funding == 0.25


@pytest.mark.parametrize("told", [[LONG, LONG], [LONG, None], [None, LONG], [None, None], [LONG, None, LONG]])
def test_a_payment_that_is_told_again_counts_once(told: list[Direction | None]) -> None:
    world = opened()
    assert take(world, *(fee(0.25, each) for each in told)) == pytest.approx(0.25)
    world.save_and_load()
    assert take(world, fee(0.25), fee(0.25, None)) == 0.0
    assert take(world, fee(0.25, time=DUE + 8 * HOUR_MS)) == pytest.approx(0.25)


@pytest.mark.parametrize("told", [[(0.3, LONG), (-0.1, SHORT)], [(0.2, None)], [(0.3, LONG), (0.2, None)]])
def test_both_sides_of_a_coin_get_their_own_however_it_is_told(told: list[tuple[float, Direction | None]]) -> None:
    """The history names no sides: both pay the same rate, so the sum is shared by signed quantity."""
    world = hedged(hedger())
    own, hedge = world.book.trades.values()
    share = hedge.quantity / own.quantity
    amounts = {0.3: 0.2 / (1 - share), -0.1: -0.2 * share / (1 - share), 0.2: 0.2}
    assert take(world, *(fee(amounts[amount], side) for amount, side in told)) == pytest.approx(0.2)
    assert own.funding == pytest.approx(amounts[0.3])
    assert hedge.funding == pytest.approx(amounts[-0.1])


def test_an_entry_at_the_funding_time_does_not_bear_what_older_trades_paid() -> None:
    world = hedged(hedger(("BTCUSDT",)))
    own, hedge = world.book.trades.values()
    hedge.direction = LONG  # two trades on a side; the second was filled at the funding time
    take(world, fee(0.5, time=hedge.entry_time))
    assert (own.funding, hedge.funding) == (0.5, 0.0)


def test_the_pool_bears_what_is_told_of_a_trade_that_has_ended() -> None:
    world = opened()
    trade = world.trade
    world.tick(100.0, 100.0, 99.0, 99.0)
    assert take(world, fee(0.25)) == pytest.approx(0.25)
    assert trade.funding == 0.0
    world.book.check()


def test_what_is_told_a_week_late_is_not_booked_again() -> None:
    world = opened()
    take(world, fee(0.25), fee(0.25, time=DUE + 8 * DAY_MS))
    assert take(world, fee(0.25, None)) == 0.0


def test_a_rate_and_a_fee_of_the_same_payment_are_the_same_money() -> None:
    by_rate, by_fee = opened(), opened()
    quantity = by_rate.trade.quantity
    by_rate.tick(100.0, funding=[FundingRate("BTCUSDT", START_MS + 2 * M1.ms + 1, 0.001)])
    take(by_fee, fee(quantity * 100.0 * 0.001))
    by_fee.tick(100.0)
    assert by_fee.book.pool.equity == pytest.approx(by_rate.book.pool.equity)
