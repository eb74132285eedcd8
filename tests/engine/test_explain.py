"""Settings that cannot act: what is said of them, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from trader.engine.settings import cannot_act, dead_settings, from_dict, load

FUTURES: dict[str, Any] = {"MARKET": "futures"}


def found(**overrides: Any) -> dict[str, str]:
    """Return what is said of settings that cannot act, by their names."""
    given = from_dict({"STRATEGY": "geometry"} | overrides)
    return {", ".join(finding.names): finding.text for finding in dead_settings(given)}


def test_the_defaults_have_three_settings_that_cannot_act() -> None:
    assert [finding.line for finding in dead_settings(from_dict({}))] == [
        "RISK_PER_TRADE, ML_CONFIDENCE_WEIGHTING: decide no size: 2 % risk at stops of 0.5 to 0.6 % asks for 3.33 to 6 "
        "times the equity, MAX_POSITION_SIZE_PCT allows 0.33; RISK_PER_TRADE below 0.00198 changes that",
        "PARTIAL_TP, PATTERN_TARGETS: the level at 2.5 % closes nothing, and spot's LONG patterns take their profit at "
        "2.4 % at most; set it below 0.024",
        "MAX_PORTFOLIO_RISK: 0.05 refuses nothing: a trade risks 0.198 % of equity at most, 3 of them 0.594 %; below "
        "0.00594 it binds",
    ]


@pytest.mark.parametrize(("leverage", "cap_decides", "risk_decides"), [(8, True, False), (9, False, False), (19, 0, 1)])
def test_below_leverage_9_the_cap_decides_every_size_and_from_19_on_risk(
    leverage: int, cap_decides: bool, risk_decides: bool
) -> None:
    names = found(**FUTURES, LEVERAGE=leverage)
    assert ("RISK_PER_TRADE, ML_CONFIDENCE_WEIGHTING" in names) == cap_decides
    assert ("MAX_POSITION_SIZE_PCT" in names) == risk_decides


def test_the_leverage_at_which_risk_begins_to_decide_is_named() -> None:
    assert "RISK_PER_TRADE below 0.00231 or LEVERAGE above 8.66 changes that" in str(found(**FUTURES))


@pytest.mark.parametrize(
    ("overrides", "names", "text"),
    [
        # exits
        ({"TARGET_LADDER": {"enable": True}}, "PARTIAL_TP, TARGET_LADDER", "TARGET_LADDER takes its place"),
        ({"PARTIAL_TP": {"levels": []}}, "PARTIAL_TP", "it has no levels"),
        (
            {"PARTIAL_TP": {"levels": [{"pct": 0.024, "close_ratio": 0.1}, {"pct": 0.05, "close_ratio": 0.1}]}},
            "PARTIAL_TP, PATTERN_TARGETS",
            "the levels at 2.4 %, 5 % close nothing",
        ),
        (
            {"TARGET_LADDER": {"enable": True, "at": [1.0], "close_ratios": [1.0]}},
            "TARGET_LADDER.trail_atr",
            "its stop never trails",
        ),
        (
            {"TARGET_LADDER": {"enable": True, "close_ratios": [0.3, 0.2, 0.1]}},
            "TARGET_LADDER.close_ratios",
            "the last target closes what is left, 50 %, and not its 10 %",
        ),
        ({"BREAKEVEN_STOP": {"activation_pct": 0.024}}, "BREAKEVEN_STOP, PATTERN_TARGETS", "it begins at 2.4 %"),
        ({"TRAILING_STOP": {"activation_pct": 0.024}}, "TRAILING_STOP, PATTERN_TARGETS", "it begins at 2.4 %"),
        ({"TRAILING_STOP": {"trail_pct": 0.03}}, "TRAILING_STOP, PATTERN_TARGETS", "3 % behind a price short of the"),
        (
            {"TRAILING_STOP": {"activation_pct": 0.008, "trail_pct": 0.004}},
            "BREAKEVEN_STOP, TRAILING_STOP",
            "never sets a stop: where it begins, at 0.8 %, the trailing stop is nearer, 0.4 % behind",
        ),
        # sizes
        (
            {"CONFIDENCE_TIERS": {"enable": True}},
            "ML_CONFIDENCE_WEIGHTING, CONFIDENCE_TIERS",
            "CONFIDENCE_TIERS take its place",
        ),
        ({"MIN_PROBABILITY": 0.75}, "ML_CONFIDENCE_WEIGHTING, MIN_PROBABILITY", "nothing reaches the tier of 0.65"),
        ({"MIN_PROBABILITY": 0.75}, "MIN_STRENGTH", "refuses nothing at 0.65: geometry gives both the same value"),
        ({"MIN_STRENGTH": 0.75}, "MIN_PROBABILITY", "and MIN_STRENGTH asks for more, 0.75"),
        (
            {"ML_CONFIDENCE_WEIGHTING": {"tiers": [{"min_prob": 0.6, "multiplier": 1.0}]}},
            "ML_CONFIDENCE_WEIGHTING",
            "every signal of probability 0.65 and more counts once",
        ),
        (
            {"CONFIDENCE_TIERS": {"enable": True}, "MIN_PROBABILITY": 0.5, "MIN_STRENGTH": 0.5},
            "MIN_PROBABILITY, CONFIDENCE_TIERS",
            "lets signals from 0.5 on pass, to which CONFIDENCE_TIERS give no size below 0.65",
        ),
        (
            {**FUTURES, "CONFIDENCE_TIERS": {"enable": True}},
            "CONFIDENCE_TIERS, LEVERAGE",
            "changes no leverage: lowest and highest are 1",
        ),
        (
            {"KELLY": {"enable": True, "min_fraction": 0.4}},
            "KELLY.min_fraction, MAX_POSITION_SIZE_PCT",
            "it never goes below 40 % of equity, which no size exceeds",
        ),
        (
            {"KELLY": {"enable": True, "min_fraction": 0.3}},
            "KELLY.fraction, KELLY.min_fraction",
            "results do not matter: the cap is 30 %",
        ),
        (
            {"KELLY": {"enable": True}},
            "MAX_POSITION_SIZE_PCT, KELLY.fraction",
            "decides no size once 30 trades are closed: KELLY.fraction allows 25 % of equity at most",
        ),
        ({"RE_ENTRY": {"enable": True, "risk_multiplier": 1}}, "RE_ENTRY.risk_multiplier", "it does nothing else"),
        ({"DRAWDOWN_PROTECTION": {"risk_multiplier": 1}}, "DRAWDOWN_PROTECTION.risk_multiplier", "1 shrinks no size"),
        # entries
        (
            {**FUTURES, "LEVERAGE": 125},
            "LEVERAGE, PATTERN_TARGETS",
            "refuse every entry: at leverage 125 the liquidation price is 0.3 % away and the stop 0.5 %; at leverages "
            "below 100 some pass",
        ),
        ({**FUTURES, "LEVERAGE": 90}, "LEVERAGE, PATTERN_TARGETS", "refuse every entry of head_and_shoulders: at"),
        (
            {**FUTURES, "LEVERAGE": 100, "STOP_MODE": "atr", "TIMEFRAMES": ["1min", "15min"], "MIN_ATR_PCT": 0.004},
            "LEVERAGE, ATR_STOP",
            "refuse every entry: at leverage 100 the liquidation price is 0.5 % away and the stop 0.6 %",
        ),
        (
            {"MIN_NET_PROFIT_PCT": 0.0174},
            "MIN_NET_PROFIT_PCT, PATTERN_TARGETS",
            "refuse every entry: the targets net 1.73",
        ),
        (
            {"MIN_NET_PROFIT_PCT": 0.016},
            "MIN_NET_PROFIT_PCT, PATTERN_TARGETS",
            "refuse every entry of ascending_triangle, flag_bullish: the targets net 1.53 % at most; from "
            "MIN_NET_PROFIT_PCT 0.0153 down some pass",
        ),
        ({"MIN_NET_PROFIT_PCT": 0.01}, "MIN_NET_PROFIT_PCT", "0.01 refuses nothing: the targets net 1.53 % and more"),
        (
            {"TRADING_HOURS": {"enable": True}, "TIMEFRAMES": ["4h", "1d"]},
            "TRADING_HOURS, TIMEFRAMES",
            "candles of 1d never close from 6 to before 20 o'clock, UTC",
        ),
        # limits
        (
            {"MAX_SYMBOL_EXPOSURE": 0.3},
            "MAX_SYMBOL_EXPOSURE, MAX_POSITION_SIZE_PCT",
            "0.3 refuses every full size, which reserves 33 % of equity or more",
        ),
        (
            {**FUTURES, "LEVERAGE": 50, "MAX_DIRECTION_EXPOSURE": 0.6},
            "MAX_DIRECTION_EXPOSURE",
            "0.6 refuses nothing: 3 trades at leverage 50 reserve 36 % of equity at most; below 0.36 it binds",
        ),
        (
            {**FUTURES, "LEVERAGE": 50, "RISK_PER_TRADE": 0.01, "MAX_SYMBOL_EXPOSURE": 0.3},
            "MAX_SYMBOL_EXPOSURE",
            "0.3 refuses nothing: 3 trades at leverage 50 reserve 18 % of equity at most",
        ),
        (
            {"MAX_PORTFOLIO_RISK": 0.001},
            "MAX_PORTFOLIO_RISK",
            "0.001 refuses every full size, which loses 0.165 % at its",
        ),
        (
            {"COINS": ["BTCUSDT"], "TIMEFRAMES": ["1min"]},
            "MAX_CONCURRENT_TRADES, COINS, TIMEFRAMES",
            "3 refuses nothing: 1 stream can have 1 trade open at most",
        ),
        (
            {"MAX_CONCURRENT_TRADES": 5},
            "MAX_CONCURRENT_TRADES, MAX_POSITION_SIZE_PCT",
            "5 refuses nothing at full size: capital is used up after 3",
        ),
        ({"CORRELATION_MODE": "skip", "COINS": ["BTCUSDT"]}, "CORRELATION_MODE, COINS", "there is one coin"),
        (
            {"CORRELATION_MODE": "halve", "MAX_CONCURRENT_TRADES": 1},
            "CORRELATION_MODE, MAX_CONCURRENT_TRADES",
            "one trade is open at a time",
        ),
        (
            {"CORRELATION_MODE": "halve", "TIMEFRAMES": ["4h"]},
            "CORRELATION_MODE, TIMEFRAMES",
            "4h is the finest stream",
        ),
        (
            {**FUTURES, "PYRAMIDING": {"enable": True}},
            "PYRAMIDING, PATTERN_TARGETS",
            "adds nothing: a trade that is 3 % ahead has taken its profit, at 2.8 % at most",
        ),
        (
            {"PYRAMIDING": {"enable": True, "min_profit_pct": 0.01}, "MAX_CONCURRENT_TRADES": 1},
            "PYRAMIDING, MAX_CONCURRENT_TRADES",
            "one trade is open at a time",
        ),
        (
            {"PYRAMIDING": {"enable": True, "min_profit_pct": 0.01, "max_adds": 3}},
            "PYRAMIDING.max_adds, MAX_CONCURRENT_TRADES",
            "3 cannot be open at once: MAX_CONCURRENT_TRADES leaves room for 2",
        ),
        (
            {**FUTURES, "HEDGING": {"enable": True, "hedge_threshold": 0.51}, "COINS": ["SOLUSDT", "BTCUSDT"]},
            "HEDGING, DRAWDOWN_PROTECTION.close_at",
            "never opens for SOLUSDT: everything closes at a drawdown of 35 %, before 35.7 %",
        ),
        (
            {**FUTURES, "HEDGING": {"enable": True, "dynamic_hedge": False}, "COINS": ["ETHUSDT"]},
            "HEDGING, DRAWDOWN_PROTECTION.pause_at",
            "what is open then takes the drawdown to 20.7 % at most, and the least threshold is 22 %",
        ),
    ],
)
def test_what_cannot_act_is_said_with_the_numbers(overrides: dict[str, Any], names: str, text: str) -> None:
    assert text in found(**overrides).get(names, ""), found(**overrides)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({**FUTURES}, "PARTIAL_TP"),  # head_and_shoulders goes as far as 2.8 %
        ({"BREAKEVEN_STOP": {"activation_pct": 0.0239}, "TRAILING_STOP": {"enable": False}}, "BREAKEVEN_STOP"),
        ({"TRAILING_STOP": {"trail_pct": 0.029}}, "TRAILING_STOP"),
        ({"PYRAMIDING": {"enable": True, "min_profit_pct": 0.0239}}, "PYRAMIDING"),
        (
            {"TRAILING_STOP": {"activation_pct": 0.008, "trail_pct": 0.004}, "TARGET_LADDER": {"enable": True}},
            "BREAKEVEN",
        ),
        ({"STOP_MODE": "atr"}, ""),  # a wide enough range reaches everything
        ({**FUTURES, "LEVERAGE": 10, "MAX_SYMBOL_EXPOSURE": 0.3}, "MAX_SYMBOL_EXPOSURE"),
        ({"MAX_SYMBOL_EXPOSURE": 1.0}, "MAX_SYMBOL_EXPOSURE"),
        ({**FUTURES, "HEDGING": {"enable": True}}, "HEDGING"),
        ({**FUTURES, "HEDGING": {"enable": True, "dynamic_hedge": False}}, "HEDGING"),
        ({"TRADING_HOURS": {"enable": True}, "TIMEFRAMES": ["1h"]}, "TRADING_HOURS"),
        ({"TRADING_HOURS": {"enable": True, "timezone": "Asia/Tokyo"}, "TIMEFRAMES": ["1d"]}, "TRADING_HOURS"),
        ({"KELLY": {"enable": True, "fraction": 0.5}}, "KELLY"),
        ({"MIN_PROBABILITY": 0.8, "MIN_STRENGTH": 0.8}, "MIN_"),
    ],
)
def test_what_can_act_is_not_held_against(overrides: dict[str, Any], name: str) -> None:
    said = [names for names in found(**overrides) if name in names and "ML_CONFIDENCE" not in names]
    assert said == [], found(**overrides)


def test_where_every_entry_is_refused_that_alone_is_said() -> None:
    assert list(found(MIN_NET_PROFIT_PCT=0.5)) == ["MIN_NET_PROFIT_PCT, PATTERN_TARGETS"]


def test_overrides_that_nothing_reads_are_said_with_their_origin() -> None:
    options = {
        "HEDGING.hedge_ratio": "0.5",
        "ATR_STOP.stop_atr": "1",
        "TAKER_FEE.futures": "0.1",
        "MAINTENANCE_MARGIN_RATE": "0.01",
        "MIN_ATR_PCT.1h": "0.01",
        "SIGNAL_TTL_S": "60",
        "HEDGING.coin_overrides.SOLUSDT.hedge_threshold": "0.3",
        "RISK_PER_TRADE": "0.001",
        "TAKER_FEE.spot": "0.002",
    }
    found = cannot_act(load({"STRATEGY": "geometry"} | options, environ={}))
    idle = {each.names[0]: each.text for each in found if "has no effect" in each.text}
    assert list(idle) == list(options)[:-2]
    assert idle["HEDGING.hedge_ratio"] == "0.5 (option --set) has no effect: HEDGING.enable is false"


def test_a_coin_that_is_not_traded_and_distances_that_are_not_used_are_said() -> None:
    options = {"MARKET": "futures", "LEVERAGE_BY_COIN.BTCUSD": "5", "STOP_MODE": "atr"}
    options["PATTERN_TARGETS.double_top.tp_pct"] = "0.03"
    idle = [each.line for each in cannot_act(load(options, environ={}))]
    assert idle == [
        "LEVERAGE_BY_COIN.BTCUSD: 5 (option --set) has no effect: BTCUSD is not among COINS",
        "PATTERN_TARGETS.double_top.tp_pct: 0.03 (option --set) has no effect: STOP_MODE is atr",
    ]


def test_what_a_preset_brings_along_is_not_held_against_it() -> None:
    options = {"PRESET": "ladder", "DRAWDOWN_PROTECTION.enable": "false"}
    assert [each.names for each in cannot_act(load(options, environ={}))] == []


def test_a_retraining_that_can_change_nothing_is_said() -> None:
    options = {"RETRAIN.enable": "true", "STRATEGY": "geometry"}
    idle = [each.line for each in cannot_act(load(options, environ={})) if "RETRAIN" in each.line]
    assert idle == ["RETRAIN.enable: true (option --set) has no effect: STRATEGY is geometry, which has no model"]
