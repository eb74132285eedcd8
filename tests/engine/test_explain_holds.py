"""Settings that cannot act: what is said of them holds in the real core, on random markets."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.trading.worlds import World, wish
from trader.core.signal import PATTERN_DIRECTION, Direction, Pattern, Reading
from trader.core.timeframe import Timeframe
from trader.engine.settings import Finding, dead_settings, from_dict

#: What may be put in place of what cannot act without changing a trade, by the names of the finding.
INSTEAD: dict[str, dict[str, Any]] = {
    "RISK_PER_TRADE": {"RISK_PER_TRADE": 0.9, "ML_CONFIDENCE_WEIGHTING": {"enable": False}},
    "MAX_POSITION_SIZE_PCT": {"MAX_POSITION_SIZE_PCT": 1.0},
    "PARTIAL_TP, TARGET_LADDER": {"PARTIAL_TP": {"enable": False}},
    "PARTIAL_TP": {"PARTIAL_TP": {"enable": False}},
    "TARGET_LADDER.trail_atr": {"TARGET_LADDER": {"trail_atr": 1e-9}},
    "BREAKEVEN_STOP, PATTERN_TARGETS": {"BREAKEVEN_STOP": {"enable": False}},
    "BREAKEVEN_STOP, TRAILING_STOP": {"BREAKEVEN_STOP": {"enable": False}},
    "TRAILING_STOP, PATTERN_TARGETS": {"TRAILING_STOP": {"enable": False}},
    "MIN_PROBABILITY": {"MIN_PROBABILITY": 0.0},
    "MIN_STRENGTH": {"MIN_STRENGTH": 0.0},
    "ML_CONFIDENCE_WEIGHTING, CONFIDENCE_TIERS": {"ML_CONFIDENCE_WEIGHTING": {"enable": False}},
    "ML_CONFIDENCE_WEIGHTING": {"ML_CONFIDENCE_WEIGHTING": {"enable": False}},
    "KELLY.min_fraction, MAX_POSITION_SIZE_PCT": {"KELLY": {"enable": False}},
    "KELLY.fraction, KELLY.min_fraction": {"KELLY": {"fraction": 1e-9}},
    "RE_ENTRY.risk_multiplier": {"RE_ENTRY": {"enable": False}},
    "MIN_NET_PROFIT_PCT": {"MIN_NET_PROFIT_PCT": -1.0},
    "MAX_CONCURRENT_TRADES, COINS, TIMEFRAMES": {"MAX_CONCURRENT_TRADES": 1_000},
    "CORRELATION_MODE, COINS": {"CORRELATION_MODE": "off"},
    "PYRAMIDING, PATTERN_TARGETS": {"PYRAMIDING": {"enable": False}},
    "PYRAMIDING, MAX_CONCURRENT_TRADES": {"PYRAMIDING": {"enable": False}},
}


def a_level(pct: float) -> dict[str, Any]:
    return {"levels": [{"pct": pct, "close_ratio": 0.4}]}


#: Settings on both sides of the bounds at which they die.
CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "LEVERAGE": st.sampled_from([1, 3, 9, 20, 95]),
    "RISK_PER_TRADE": st.sampled_from([0.0005, 0.002, 0.02, 0.1]),
    "MAX_POSITION_SIZE_PCT": st.sampled_from([0.05, 0.33, 0.9]),
    "MAX_CONCURRENT_TRADES": st.sampled_from([1, 2, 3, 9]),
    "MIN_PROBABILITY": st.sampled_from([0.5, 0.65, 0.75, 0.85]),
    "MIN_STRENGTH": st.sampled_from([0.5, 0.65, 0.8]),
    "MIN_NET_PROFIT_PCT": st.sampled_from([0.0, 0.005, 0.016, 0.02]),
    "PARTIAL_TP": st.sampled_from([0.01, 0.024, 0.028, 0.04]).map(a_level),
    "TARGET_LADDER": st.sampled_from(
        [{"enable": False}, {"enable": True}, {"enable": True, "at": [1.0], "close_ratios": [0.5]}]
    ),
    "BREAKEVEN_STOP": st.fixed_dictionaries({"activation_pct": st.sampled_from([0.006, 0.012, 0.024, 0.03])}),
    "TRAILING_STOP": st.fixed_dictionaries(
        {
            "activation_pct": st.sampled_from([0.004, 0.01, 0.024, 0.03]),
            "trail_pct": st.sampled_from([0.002, 0.005, 0.025, 0.04]),
        }
    ),
    "CONFIDENCE_TIERS": st.fixed_dictionaries({"enable": st.booleans()}),
    "KELLY": st.fixed_dictionaries(
        {
            "enable": st.booleans(),
            "min_trades": st.sampled_from([2, 5]),
            "window": st.sampled_from([3, 10]),
            "min_fraction": st.sampled_from([0.01, 0.3, 0.95]),
        }
    ),
    "RE_ENTRY": st.fixed_dictionaries({"enable": st.booleans(), "risk_multiplier": st.sampled_from([0.5, 1.0])}),
    "PYRAMIDING": st.fixed_dictionaries(
        {"enable": st.booleans(), "min_profit_pct": st.sampled_from([0.004, 0.02, 0.024, 0.03])}
    ),
    "CORRELATION_MODE": st.sampled_from(["off", "skip"]),
}

STREAMS = ("1min", "5min")
FINE = {"tickSize": "0.001", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}
ALIKE: dict[str, Any] = {
    "TIMEFRAMES": list(STREAMS),
    "MIN_ATR_PCT": 0.0,
    "PARTIAL_TP": a_level(0.01),
    "DRAWDOWN_PROTECTION": {"enable": False},
    "DAILY_LOSS_LIMIT": 0,
    "MAX_PORTFOLIO_RISK": 100.0,
    "MAX_SYMBOL_EXPOSURE": 100.0,
    "MAX_DIRECTION_EXPOSURE": 100.0,
}


def found(overrides: dict[str, Any]) -> list[Finding]:
    """Return what is said of the settings of a world with these overrides."""
    return dead_settings(from_dict({"COINS": ["BTCUSDT"], **overrides}))


def targets(stop: float, target: float) -> dict[str, Any]:
    """Return the same distances for every pattern."""
    return {"PATTERN_TARGETS": {pattern: {"sl_pct": stop, "tp_pct": target} for pattern in Pattern}}


def trades_of(overrides: dict[str, Any], seed: int) -> list[tuple[str, float, float]]:
    """Return the fills of a random market with random signals, the same for each seed: reason, price, quantity."""
    world, chance = World(("BTCUSDT",), filters=FINE, **overrides), random.Random(seed)
    price, drift = 100.0, 0.0
    for _ in range(100):
        drift = 0.7 * drift + chance.gauss(0, 0.0025)
        close = price * (1 + drift)
        high, low = max(price, close) * (1 + abs(chance.gauss(0, 0.001))), min(price, close) * 0.9995
        readings = [_reading(close, stream, chance) for stream in STREAMS if chance.random() < 0.25]
        world.tick(price, high, low, close, readings=readings)
        price = close
    return world.fills()


def _reading(close: float, stream: str, chance: random.Random) -> Reading:
    pattern, score = chance.choice(list(Pattern)), chance.uniform(0.5, 1.0)
    trend = 0.99 if PATTERN_DIRECTION.get(pattern, Direction.LONG) is Direction.LONG else 1.01
    values = {"probability": score, "strength": score, "trend": trend, "atr14": 0.004 * close}
    return wish(close, timeframe=Timeframe.parse(stream), pattern=pattern, **values)


def instead_of(finding: Finding, overrides: dict[str, Any]) -> dict[str, Any] | None:
    """Return settings without what the finding says cannot act, or None where that is not so simple."""
    names = ", ".join(finding.names)
    if names == "PARTIAL_TP, PATTERN_TARGETS":
        return {**overrides, "PARTIAL_TP": {"enable": False}}
    key = names if names in INSTEAD else names.partition(", ML")[0].partition(", CONF")[0]
    changes = INSTEAD.get(key)
    if changes is None:
        return None
    return {
        **overrides,
        **{k: {**overrides.get(k, {}), **v} if isinstance(v, dict) else v for k, v in changes.items()},
    }


@settings(max_examples=100)
@given(
    market=st.sampled_from(["spot", "futures"]),
    chosen=st.fixed_dictionaries({}, optional=CHOICES),
    seed=st.integers(0, 1_000),
)
def test_what_is_said_to_be_dead_changes_no_trade(market: str, chosen: dict[str, Any], seed: int) -> None:
    overrides = {**ALIKE, "MARKET": market, **chosen}
    if market == "spot":
        overrides.pop("LEVERAGE", None)
    findings = found(overrides)
    assume(findings)
    trades = trades_of(overrides, seed)
    for finding in findings:
        changed = instead_of(finding, overrides)
        if changed is not None:
            assert trades_of(changed, seed) == trades, finding.line
        if finding.text.startswith("refuse every entry"):
            assert {reason for reason, _, _ in trades_of(_only(finding, overrides), seed)} == set(), finding.line


def _only(finding: Finding, overrides: dict[str, Any]) -> dict[str, Any]:
    """Return settings in which all patterns have the distances of one that is refused each time."""
    named = finding.text.partition("every entry of ")[2].partition(":")[0].split(", ")[0]
    refused = Pattern(named) if named else Pattern.ASCENDING_TRIANGLE
    target = from_dict(overrides).PATTERN_TARGETS[refused]
    return {**overrides, **targets(target.sl_pct, target.tp_pct)}


@settings(max_examples=60)
@given(
    risk=CHOICES["RISK_PER_TRADE"],
    leverage=CHOICES["LEVERAGE"],
    stop=st.sampled_from([0.001, 0.005, 0.02]),
    probability=st.floats(0.65, 1.0),
)
def test_what_decides_no_size_decides_none(risk: float, leverage: int, stop: float, probability: float) -> None:
    overrides = {**ALIKE, **targets(stop, 5 * stop), "MARKET": "futures", "RISK_PER_TRADE": risk, "LEVERAGE": leverage}
    names = [finding.names[0] for finding in found(overrides)]
    decided = {what_decides(overrides, each) for each in (0.66, 0.72, 0.85, probability)}
    assert not ("RISK_PER_TRADE" in names and "risk" in decided)
    assert not ("MAX_POSITION_SIZE_PCT" in names and "position" in decided)


def what_decides(overrides: dict[str, Any], probability: float) -> str:
    """Return what decides the size of a first entry, or "" where none is made."""
    world = World(("BTCUSDT",), **overrides)
    world.tick(100.0, readings=[wish(probability=probability)])
    return next((pending.factors.bound for pending in world.book.pending.values() if pending.factors), "")
