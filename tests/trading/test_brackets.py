"""Stories of leverage brackets: no position has more leverage than the exchange allows for its worth."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.builders import table
from tests.trading.worlds import World, wish
from trader.core.brackets import Brackets, LeverageBracket, maintenance_rate, notional_cap
from trader.core.signal import Direction, Pattern
from trader.simulation.shadow import Shadows
from trader.trading.margin import liquidation_price

#: Up to 5,000: 20x; up to 20,000: 10x; up to 60,000: 2x.
TERMS: Brackets = (
    LeverageBracket(0.0, 5_000.0, 20.0, 0.01, 0.0),
    LeverageBracket(5_000.0, 20_000.0, 10.0, 0.02, 50.0),
    LeverageBracket(20_000.0, 60_000.0, 2.0, 0.1, 1_650.0),
)
#: One wide trade may take what it wants: 60 % of equity as margin.
BOLD: dict[str, Any] = {
    "MARKET": "futures",
    "LEVERAGE": 20,
    "RISK_PER_TRADE": 0.9,
    "MAX_POSITION_SIZE_PCT": 0.6,
    "MAX_PORTFOLIO_RISK": 9.0,
    "MAX_SYMBOL_EXPOSURE": 3.0,
    "MAX_DIRECTION_EXPOSURE": 3.0,
    "MAX_CONCURRENT_TRADES": 9,
    "MIN_SIZE_RATIO": 0.0,
    "DAILY_LOSS_LIMIT": 0,
    "DRAWDOWN_PROTECTION": {"enable": False},
}


def bracketed(brackets: Brackets = TERMS, **overrides: Any) -> World:
    """Return a world whose coins have brackets."""
    world = World(**BOLD | overrides)
    for symbol, instrument in world.instruments.items():
        world.instruments[symbol] = msgspec.structs.replace(instrument, brackets=brackets)
    return world


def ordered(world: World, **reading: Any) -> tuple[float, float, str, float | None]:
    """Let a signal come; return leverage, worth, what bound the size, and the leverage that was lowered."""
    world.tick(100.0, readings=[wish(**reading)])
    request, factors = world.pending.request, world.pending.factors
    assert factors is not None
    return request.leverage, request.quantity * 100.0, factors.bound, factors.lowered_from


@pytest.mark.parametrize(
    ("capital", "leverage", "worth", "lowered"),
    [
        (400.0, 20, 4_800.0, None),  # 60 % of 400 at 20x
        (1_000.0, 10, 6_000.0, 20),  # 12,000 at 20x are too many: 60 % at 10x
        (10_000.0, 2, 12_000.0, 20),  # 60,000 at 10x are too many still
    ],
)
def test_the_first_size_that_the_brackets_allow_at_its_leverage_counts(
    capital: float, leverage: float, worth: float, lowered: float | None
) -> None:
    world = bracketed(BACKTEST_INITIAL_CAPITAL=capital)
    assert ordered(world) == (leverage, pytest.approx(worth), "position", lowered)


def test_what_is_wanted_for_its_risk_alone_keeps_its_size_at_less_leverage() -> None:
    world = bracketed(RISK_PER_TRADE=0.006, MAX_POSITION_SIZE_PCT=1.0)
    leverage, worth, bound, lowered = ordered(world)
    assert (leverage, bound, lowered) == (10, "risk", 20)
    assert worth == pytest.approx(10_000 * 0.006 / 0.005, rel=1e-3)
    assert worth > TERMS[0].notional_cap


def test_at_the_last_leverage_the_size_is_cut_to_its_bracket_and_says_so() -> None:
    world = bracketed(BACKTEST_INITIAL_CAPITAL=100_000.0)
    assert ordered(world) == (2, pytest.approx(60_000.0), "bracket", 20)
    factors = world.pending.factors
    assert factors is not None
    assert factors.caps["bracket"] == pytest.approx(600.0)


def test_a_leverage_that_no_bracket_has_is_lowered_to_the_first() -> None:
    assert ordered(bracketed(LEVERAGE=50, BACKTEST_INITIAL_CAPITAL=400.0)) == (20, pytest.approx(4_800), "position", 50)


def test_without_brackets_nothing_is_lowered() -> None:
    assert ordered(bracketed(())) == (20, pytest.approx(120_000.0), "position", None)


def test_confidence_asks_for_leverage_up_to_what_the_first_bracket_has() -> None:
    tiers = {"CONFIDENCE_TIERS": {"enable": True}, "LEVERAGE": 100, "BACKTEST_INITIAL_CAPITAL": 300.0}
    assert ordered(bracketed(**tiers), probability=0.95)[0] == 20
    assert ordered(bracketed(**tiers), probability=0.775)[0] == 10  # half way from 1 to 20, whole


def test_a_trade_on_a_coin_that_is_open_takes_its_leverage_and_what_its_brackets_leave() -> None:
    world = bracketed(PYRAMIDING={"enable": True, "min_profit_pct": 0.0}, PARTIAL_TP={"enable": False})
    leverage, first, _, _ = ordered(world)
    world.tick(100.0)
    world.tick(101.0, readings=[wish(101.0)])
    (pending,) = world.book.pending.values()
    assert (leverage, pending.request.leverage) == (2, 2)
    held = world.trade.quantity * world.trade.entry_price
    assert held == pytest.approx(first, rel=1e-3)
    assert pending.request.quantity * pending.price + held <= TERMS[-1].notional_cap
    adds = {"PYRAMIDING": {"enable": True, "min_profit_pct": 0.0}}
    cramped = bracketed((LeverageBracket(0.0, 12_100.0, 2.0, 0.1, 0.0),), **adds)
    ordered(cramped)
    cramped.tick(100.0)
    cramped.tick(101.0, readings=[wish(101.0)])
    (pending,) = cramped.book.pending.values()
    assert pending.factors is not None
    assert (pending.factors.bound, pending.factors.lowered_from) == ("bracket", None)
    assert pending.request.quantity * 101.0 < 100.0


def test_where_the_brackets_leave_nothing_the_refusal_says_so() -> None:
    world = bracketed((LeverageBracket(0.0, 4.0, 2.0, 0.1, 0.0),))
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"below_min_size": 1}
    assert world.refusal().values["bracket"] == pytest.approx(0.04)


def test_the_liquidation_price_is_that_of_the_positions_bracket() -> None:
    world = bracketed(BACKTEST_INITIAL_CAPITAL=1_000.0, SLIPPAGE_PCT=0.0)
    ordered(world)
    world.tick(100.0)
    (position,) = world.broker.state.positions.values()
    rate = 0.02 - 50.0 / (position.quantity * 100.0)
    assert position.liquidation == pytest.approx(100 * (1 - (0.1 - rate)))
    assert maintenance_rate(TERMS, position.quantity * 100.0) == rate


def test_a_stop_past_the_liquidation_price_of_its_bracket_is_refused() -> None:
    """At 2x and 10 % the liquidation price is 42.75 % away: less than a rate of 0.5 % would leave."""
    far = {pattern.value: {"sl_pct": 0.45, "tp_pct": 0.9} for pattern in Pattern}
    world = bracketed(BACKTEST_INITIAL_CAPITAL=100_000.0, PATTERN_TARGETS=far)
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"beyond_liquidation": 1}
    rate = maintenance_rate(TERMS, 60_000.0)
    assert world.refusal().values["liquidation"] == liquidation_price(100.0, Direction.LONG, 2, rate or 0)


def test_a_hedge_is_within_the_brackets_too() -> None:
    hedging = {"enable": True, "dynamic_hedge": False, "hedge_ratio": 1.0, "hedge_threshold": 0.1}
    wide = {pattern.value: {"sl_pct": 0.3, "tp_pct": 0.9} for pattern in Pattern}
    short = {"pattern": Pattern.DESCENDING_TRIANGLE, "trend": 1.01}
    rich = {"BACKTEST_INITIAL_CAPITAL": 75_000.0, "MAX_POSITION_SIZE_PCT": 0.4}
    world = bracketed(HEDGING=hedging, PATTERN_TARGETS=wide, **rich)
    ordered(world, **short)
    world.tick(100.0)
    world.tick(122.0)
    hedge = world.pending
    assert hedge.hedge
    assert hedge.request.quantity < world.trade.quantity
    assert hedge.request.quantity * 122.0 == pytest.approx(60_000.0, rel=1e-4)


# --- whatever comes -------------------------------------------------------------------------------------------

RATES = some.floats(0.0005, 0.02)


@some.composite
def brackets(draw: some.DrawFn) -> Brackets:
    """Return brackets of any number, as an exchange has them."""
    found: list[LeverageBracket] = []
    floor, leverage, rate, kept = 0.0, float(draw(some.integers(1, 125))), 0.0, 0.0
    for _ in range(draw(some.integers(1, 5))):
        own = min(rate + draw(RATES), 0.99 / leverage)
        kept += floor * (own - rate)
        cap = floor + draw(some.floats(10.0, 100_000.0))
        found.append(LeverageBracket(floor, cap, leverage, own, kept))
        floor, rate, leverage = cap, own, float(draw(some.integers(1, int(leverage))))
    return tuple(found)


STEP = some.tuples(some.floats(0.9, 1.1), some.booleans(), some.sampled_from([0.66, 0.8, 0.95]))
STEPS = some.lists(STEP, min_size=10, max_size=40)


@given(
    terms=brackets(),
    leverage=some.integers(1, 125),
    share=some.floats(0.01, 1.0),
    tiers=some.booleans(),
    capital=some.sampled_from([100.0, 10_000.0, 1_000_000.0]),
    steps=STEPS,
)
def test_no_position_has_more_leverage_than_its_bracket(
    terms: Brackets, leverage: int, share: float, tiers: bool, capital: float, steps: list[tuple[float, bool, float]]
) -> None:
    """All that a coin holds on one side, at the prices at which it was decided, fits the leverage that it has."""
    world = bracketed(
        terms,
        LEVERAGE=leverage,
        MAX_POSITION_SIZE_PCT=share,
        BACKTEST_INITIAL_CAPITAL=capital,
        CONFIDENCE_TIERS={"enable": tiers, "lowest_leverage": 1},
        MAINTENANCE_MARGIN_RATE=0.004,
        HEDGING={"enable": True, "hedge_threshold": 0.05, "hedge_recovery_threshold": 0.02, "coin_overrides": {}},
        PYRAMIDING={"enable": True, "min_profit_pct": 0.0},
        PATTERN_TARGETS={pattern.value: {"sl_pct": 0.007, "tp_pct": 0.9} for pattern in Pattern},
    )
    price = 100.0
    for move, falls, probability in steps:
        price = min(1_000.0, max(10.0, price * move))
        side = {"pattern": Pattern.DESCENDING_TRIANGLE, "trend": 1.01} if falls else {}
        known = set(world.book.pending)
        world.tick(price, readings=[wish(price, probability=probability, atr14=price / 100, **side)])
        for number, pending in world.book.pending.items():
            if number in known:
                continue
            request = pending.request
            held = world.book.notional_of("BTCUSDT", request.direction)
            assert request.leverage <= terms[0].initial_leverage
            assert held <= notional_cap(terms, request.leverage) * (1 + 1e-9) + 1e-6 * price
            assert len({trade.leverage for trade in world.book.trades.values()} | {request.leverage}) == 1


def test_a_shadow_has_the_terms_of_the_first_bracket() -> None:
    world = bracketed(LEVERAGE=50)
    rows = table([100.0] * 5)
    bare = Shadows(world.settings, rows, msgspec.structs.replace(world.instruments["BTCUSDT"], brackets=()))
    within = Shadows(world.settings, rows, world.instruments["BTCUSDT"])
    exits, _ = within._levels(wish(), 100.0)
    entry = exits.entry
    assert exits.liquidation == liquidation_price(entry, Direction.LONG, 20, 0.01)
    assert bare._levels(wish(), 100.0)[0].liquidation == liquidation_price(entry, Direction.LONG, 50, 0.005)
