"""A shadow trade lives as the real core and the real simulated broker let a trade live that is alone."""

from __future__ import annotations

from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import M1, START_MS, table
from tests.simulation.alone import Alone, Lived, instrument, unguarded
from trader.core.errors import InvariantError
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Direction, Pattern, Reading, Signal
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.simulation.scan import REASONS
from trader.simulation.shadow import Shadow, Shadows
from trader.trading.reversal import turns_against
from trader.trading.targets import direction_of

LADDER_SHARES = {1: (1.0,), 2: (0.6, 0.4), 3: (0.3, 0.4, 0.3)}
LEVEL = st.floats(0.001, 0.03)
WORLDS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "rows": st.integers(3, 120),
        "sigma": st.sampled_from([0.0005, 0.002, 0.006, 0.02]),
        "drift": st.sampled_from([-0.003, 0.0, 0.0, 0.003]),
        "price": st.sampled_from([0.0123, 100.0, 98_500.0]),
        "tick": st.sampled_from(["0", "1e-8", "0.000001", "0.001", "0.01", "0.05"]),
        "coarse": st.booleans(),
        "gaps": st.lists(st.integers(0, 119), max_size=4),
        "decided": st.integers(0, 40),
        "exits": st.sampled_from([Timeframe.SEC_15, Timeframe.MIN_1, Timeframe.MIN_5]),
        "pattern": st.sampled_from(list(Pattern)),
        "probability": st.floats(0.65, 0.99),
        "atr": st.floats(0.0005, 0.01),
        "signals": st.lists(st.tuples(st.integers(0, 20), st.sampled_from(list(Pattern))), max_size=8),
    }
)
RULES = st.fixed_dictionaries(
    {
        "MARKET": st.sampled_from(["spot", "futures", "futures"]),
        "LEVERAGE": st.sampled_from([1, 3, 20, 50, 100, 125]),
        "STOP_MODE": st.sampled_from(["pattern", "atr"]),
        "PARTIAL_TP": st.tuples(st.booleans(), st.lists(st.tuples(LEVEL, st.floats(0.05, 0.5)), max_size=3)),
        "TARGET_LADDER": st.sampled_from([(), (), (0.5, 0.75, 1.0), (0.25, 1.0), (1.0,)]),
        "BREAKEVEN_STOP": st.tuples(st.booleans(), st.floats(0.0065, 0.02), st.booleans()),
        "TRAILING_STOP": st.tuples(st.booleans(), st.floats(0.0, 0.02), st.floats(0.0005, 0.02)),
        "REVERSAL": st.booleans(),
        "CONFIDENCE_TIERS": st.booleans(),
        "SLIPPAGE_PCT": st.sampled_from([0.0, 0.0002, 0.003]),
    }
)


def rules_of(drawn: dict[str, Any]) -> Settings:
    """Return settings without contradictions from what was drawn."""
    futures = drawn["MARKET"] == "futures"
    partial, levels = drawn["PARTIAL_TP"]
    parts = [{"pct": pct, "close_ratio": ratio} for pct, ratio in sorted(dict(levels).items())]
    while sum(part["close_ratio"] for part in parts) > 1:
        parts.pop()
    at = drawn["TARGET_LADDER"]
    ladder = {"enable": bool(at), "at": at or (1.0,), "close_ratios": LADDER_SHARES[max(len(at), 1)]}
    breakeven, activation, covers = drawn["BREAKEVEN_STOP"]
    trailing, from_, trail = drawn["TRAILING_STOP"]
    return unguarded(
        MARKET=drawn["MARKET"],
        LEVERAGE=drawn["LEVERAGE"] if futures else 1,
        STOP_MODE=drawn["STOP_MODE"],
        PARTIAL_TP={"enable": partial and bool(parts), "levels": parts or [{"pct": 0.01, "close_ratio": 0.5}]},
        TARGET_LADDER=ladder,
        BREAKEVEN_STOP={"enable": breakeven, "activation_pct": activation, "cover_costs": covers},
        TRAILING_STOP={"enable": trailing, "activation_pct": from_, "trail_pct": trail},
        REVERSAL={"enable": drawn["REVERSAL"]},
        CONFIDENCE_TIERS={"enable": drawn["CONFIDENCE_TIERS"] and futures},
        SLIPPAGE_PCT=drawn["SLIPPAGE_PCT"],
        MAINTENANCE_MARGIN_RATE=0.004,
    )


def market(drawn: dict[str, Any]) -> CandleTable:
    """Return a walk whose candles also jump between close and open, with rows left out.

    Coarse prices touch levels exactly.
    """
    random, rows, sigma = np.random.default_rng(drawn["seed"]), drawn["rows"], drawn["sigma"]
    close = drawn["price"] * np.exp(np.cumsum(random.normal(drawn["drift"], sigma, rows)))
    before = np.r_[close[:1], close[:-1]]
    open_ = before * np.where(random.random(rows) < 0.2, np.exp(random.normal(0, sigma, rows)), 1.0)
    shadow = np.abs(random.normal(0, sigma / 2, (2, rows)))
    high, low = np.maximum(open_, close) * (1 + shadow[0]), np.minimum(open_, close) * (1 - shadow[1])
    gaps = sorted({gap for gap in drawn["gaps"] if gap < rows - 1})
    step = drawn["price"] / 2000
    columns = [np.round(column / step) * step if drawn["coarse"] else column for column in (close, open_, high, low)]
    close, *prices = (column.tolist() for column in columns)
    names = dict(zip(("open", "high", "low"), prices, strict=True))
    return table(close, timeframe=drawn["exits"], without=gaps, **names)


def reading(drawn: dict[str, Any], close: float, pattern: Pattern, at: int = 0) -> Reading:
    """Return what the stream shows: a symmetrical triangle looks up where `at` is even."""
    signal = Signal(pattern, drawn["probability"] - 0.3 * (at % 3), 0.8)
    trend = 0.99 if at % 2 == 0 else 1.01
    return Reading("BTCUSDT", Timeframe.MIN_5, close, close * trend, close * drawn["atr"], signal)


def both(world: dict[str, Any], rules: dict[str, Any]) -> tuple[Lived | None, Shadow | None]:
    """Live one trade twice: in the core, and as a shadow."""
    settings, candles = rules_of(rules), market(world)
    interval = world["exits"].ms
    decided = START_MS + world["decided"] * interval
    wish = reading(world, world["price"], world["pattern"])
    shown = {decided + (at + 1) * interval: (pattern, at) for at, pattern in world["signals"]}
    closes = [time for time in (candles.open_time + interval).tolist() if time in shown]
    later = {time: reading(world, world["price"], *shown[time]) for time in closes}
    assert wish.signal is not None
    direction = direction_of(wish.signal, wish)
    turns = [time for time, each in later.items() if turns_against(settings, direction, each)]
    known = {direction: np.array(turns, np.int64)} if settings.REVERSAL.enable else {}
    real = Alone(settings, candles, world["tick"], later).live(wish, decided)
    return real, Shadows(settings, candles, instrument(world["tick"])).follow(wish, decided, known)


def assert_same(real: Lived | None, shadow: Shadow | None) -> None:
    """Fills at the same bits of time and price for the same reasons; shares and result to 1e-9."""
    if real is None or shadow is None:
        assert real is shadow
        return
    fills, shares, net = real
    followed = [(fill.time, fill.price, fill.reason) for fill in shadow.fills]
    assert [(shadow.entry_time, shadow.entry_price, "entry"), *followed] == fills
    assert [fill.share for fill in shadow.fills] == pytest.approx(shares, abs=1e-9)
    assert shadow.net_return == pytest.approx(net, abs=1e-9)


@given(WORLDS, RULES)
@hypothesis.settings(max_examples=800, deadline=None)
def test_a_shadow_trade_is_the_trade_of_core_and_broker(world: dict[str, Any], rules: dict[str, Any]) -> None:
    assert_same(*both(world, rules))


def story(*candles: tuple[float, float, float, float]) -> CandleTable:
    """Return one-minute candles (open, high, low, close); the signal is decided as the first opens."""
    open_, high, low, close = (list(column) for column in zip(*candles, strict=True))
    return table(close, open=open_, high=high, low=low)


def wish(pattern: Pattern = Pattern.ASCENDING_TRIANGLE) -> Reading:
    return Reading("BTCUSDT", Timeframe.MIN_1, 100.0, 99.0, 1.0, Signal(pattern, 0.9, 0.9))


FLAT = (100.0, 100.0, 100.0, 100.0)
#: For each way in which a trade can end: its candles, its settings, (reason, price before slippage) of what closes it.
#: LONG from 100 without slippage: stop 99.5, partial targets 101.5 and 102.5, take profit 102.
STORIES: dict[str, tuple[CandleTable, dict[str, Any], list[tuple[str, float]]]] = {
    "stop": (story(FLAT, (100, 100.2, 99.4, 99.8)), {}, [("stop_loss", 99.5)]),
    "stop touched": (story(FLAT, (100, 100.2, 99.5, 99.8)), {}, [("stop_loss", 99.5)]),
    "target touched": (story(FLAT, (100, 101.5, 100, 101), (101, 101, 99, 99)), {"TRAILING_STOP": {"enable": False}},
                       [("partial_tp", 101.5), ("breakeven", 100.3)]),
    "gap": (story(FLAT, (99.1, 99.9, 99.0, 99.5)), {}, [("stop_loss", 99.1)]),
    "gap touched": (story(FLAT, (99.5, 99.9, 99.0, 99.5)), {}, [("stop_loss", 99.5)]),
    "stop before target": (story((100, 103, 99.4, 102)), {}, [("stop_loss", 99.5)]),
    "targets": (story(FLAT, (100, 102.2, 99.9, 102)), {}, [("partial_tp", 101.5), ("take_profit", 102.0)]),
    "targets at the open": (story(FLAT, (105, 105, 99, 99)), {}, [("partial_tp", 101.5), ("take_profit", 102.0)]),
    "breakeven": (story((100, 100.9, 99.9, 100.8), (100.8, 100.8, 100.2, 100.3)), {}, [("breakeven", 100.3)]),
    "trailing": (story((100, 101.3, 99.9, 101), (101, 101, 100.5, 100.6)), {}, [("trailing_stop", 100.7)]),
    "liquidation": (
        story(FLAT, (100, 100, 98.9, 99)), {"MARKET": "futures", "LEVERAGE": 125, "STOP_MODE": "atr"},
        [("liquidation", 99.2)],
    ),
    "end": (story(FLAT, (100, 100.4, 99.9, 100.4)), {}, [("end_of_data", 100.4)]),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_each_way_in_which_a_trade_ends_is_known_to_its_shadow(name: str) -> None:
    candles, rules, closes = STORIES[name]
    settings = unguarded(**{"SLIPPAGE_PCT": 0.0, **rules})
    shadow = Shadows(settings, candles, instrument("0.1")).follow(wish(), START_MS)
    assert shadow is not None
    assert [(fill.reason, fill.price) for fill in shadow.fills] == closes
    assert shadow.open_at_end == (name == "end")
    assert_same(Alone(settings, candles, "0.1", {}).live(wish(), START_MS), shadow)


def test_a_reversal_closes_at_the_next_open() -> None:
    candles = story(FLAT, FLAT, (100.2, 100.3, 99.8, 100.1))
    settings = unguarded(REVERSAL={"enable": True}, SLIPPAGE_PCT=0.0)
    turns = {Direction.LONG: np.array([START_MS + M1.ms, START_MS + 2 * M1.ms]), Direction.SHORT: np.array([START_MS])}
    shadow = Shadows(settings, candles.rows(0, 3), instrument("0.1")).follow(wish(), START_MS + M1.ms, turns)
    assert shadow is not None
    assert [(fill.reason, fill.price, fill.time) for fill in shadow.fills] == [
        ("reversal", 100.2, START_MS + 2 * M1.ms)
    ]


def test_the_result_is_after_all_costs_as_a_share_of_the_position() -> None:
    candles = story(FLAT, (100, 102.2, 99.9, 102))
    settings = unguarded(SLIPPAGE_PCT=0.0, TAKER_FEE={"spot": 0.001}, MAKER_FEE={"spot": 0.0004})
    shadow = Shadows(settings, candles, instrument("0.1")).follow(wish(), START_MS)
    assert shadow is not None
    gross = 0.5 * 1.5 + 0.5 * 2.0
    fees = 100 * 0.001 + (0.5 * 101.5 + 0.5 * 102.0) * 0.0004
    assert shadow.net_return == pytest.approx((gross - fees) / 100, abs=1e-12)


def test_a_short_is_followed_where_the_market_has_none() -> None:
    shadow = Shadows(unguarded(), story(FLAT, (100, 100, 97, 97)), instrument("0.1")).follow(
        wish(Pattern.DESCENDING_TRIANGLE), START_MS
    )
    assert shadow is not None
    assert shadow.direction is Direction.SHORT
    assert shadow.entry_price == 100 * (1 - 0.0002)
    assert shadow.net_return > 0.01


def test_filters_on_quantities_never_bind() -> None:
    coarse = Instrument.from_filters(
        "BTCUSDT", {"tickSize": "0.1", "stepSize": "1000", "minQty": "1000", "minNotional": "1000000"}
    )
    candles = STORIES["targets"][0]
    fine = Shadows(unguarded(), candles, instrument("0.1")).follow(wish(), START_MS)
    assert Shadows(unguarded(), candles, coarse).follow(wish(), START_MS) == fine


def test_an_entry_that_no_candle_fills_in_time_has_no_shadow() -> None:
    candles = table([100.0] * 10, without=range(1, 5))
    shadows = Shadows(unguarded(), candles, instrument("0.1"))
    assert shadows.follow(wish(), START_MS + M1.ms) is None  # the next candle opens four minutes later
    assert shadows.follow(wish(), START_MS + 4 * M1.ms) is not None  # one minute later: just in time
    assert shadows.follow(wish(), START_MS + 10 * M1.ms) is None  # no candle follows at all


def test_following_needs_a_signal() -> None:
    nothing = Reading("BTCUSDT", Timeframe.MIN_1, 100.0, 99.0, 1.0, None)
    with pytest.raises(InvariantError, match="BTCUSDT 1min shows no signal"):
        Shadows(unguarded(), story(FLAT), instrument("0.1")).follow(nothing, START_MS)


def test_every_reason_of_the_compiled_code_is_told_in_a_story() -> None:
    told = {reason for _, _, closes in STORIES.values() for reason, _ in closes}
    assert {*told, "reversal"} == set(REASONS)
