"""What stops the start: every fault at once, with setting, value, origin, what is allowed and what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.settings import defaults, from_dict, load


def faults_of(values: dict[str, Any]) -> tuple[str, ...]:
    """Return what is said of plain data."""
    with pytest.raises(ConfigError) as caught:
        from_dict(values)
    return caught.value.faults


def faults_in(root: Path, *, yaml: str = "", dotenv: str = "", **rest: Any) -> tuple[str, ...]:
    """Return what is said of files with these texts, an environment and options."""
    (root / "config.yaml").write_text(yaml)
    (root / ".env").write_text(dotenv)
    with pytest.raises(ConfigError) as caught:
        load(rest.get("options", {}), root=root, environ=rest.get("environ", {}))
    return caught.value.faults


def levels(*pairs: tuple[float, float]) -> dict[str, Any]:
    """Return partial levels."""
    return {"PARTIAL_TP": {"levels": [{"pct": pct, "close_ratio": ratio} for pct, ratio in pairs]}}


def tiers(*probabilities: float) -> dict[str, Any]:
    """Return confidence tiers."""
    return {"ML_CONFIDENCE_WEIGHTING": {"tiers": [{"min_prob": each, "multiplier": 1.0} for each in probabilities]}}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        # impossible values
        ({"RISK_PER_TRADE": float("nan")}, "RISK_PER_TRADE = NaN (given): allowed: a number above 0 and below 1"),
        ({"MAX_PORTFOLIO_RISK": float("inf")}, "MAX_PORTFOLIO_RISK = inf (given): allowed: a number above 0"),
        ({"RISK_PER_TRADE": "much"}, "RISK_PER_TRADE = much (given): allowed: a number above 0 and below 1"),
        ({"RISK_PER_TRADE": True}, "RISK_PER_TRADE = true (given): allowed: a number"),
        ({"MIN_PROBABILITY": 1.5}, "MIN_PROBABILITY = 1.5 (given): allowed: a number of at least 0 and at most 1"),
        ({"NUM_WORKERS": 1.5}, "NUM_WORKERS = 1.5 (given): allowed: a whole number of at least 0"),
        ({"NUM_WORKERS": None}, "NUM_WORKERS = null (given): allowed: a whole number"),
        ({"TREND_ALIGNMENT": 2}, "TREND_ALIGNMENT = 2 (given): allowed: true or false"),
        ({"QUOTE": ""}, 'QUOTE = "" (given): allowed: text'),
        ({"COINS": []}, "COINS = [] (given): allowed: a list of text"),
        ({"COINS": ["BTC/USDT"]}, "COINS.0 = BTC/USDT (given): a symbol has letters and digits only, as in BTCUSDT"),
        ({"EMBEDDED": {"start": "2026-02-30"}}, "EMBEDDED.start = 2026-02-30 (given): allowed: a day as YYYY-MM-DD"),
        ({"EMBEDDED": {"speed": "fast"}}, "EMBEDDED.speed = fast (given): allowed: a number above 0 or max"),
        (
            {"DEFAULT_FILTERS": {"tickSize": 0.1}},
            "DEFAULT_FILTERS.tickSize = 0.1 (given): allowed: a decimal number in",
        ),
        ({"REST_URL": "api"}, "REST_URL = api (given): allowed: empty, or a URL of http:// or https://"),
        ({"TRAILING_STOP": 3}, "TRAILING_STOP = 3 (given): allowed: a table of name: value"),
        (
            {"MODE": "papper"},
            "allowed: embedded, paper, demo, testnet, live; did you mean paper?",
        ),
        ({"TIMEFRAMES": ["2min"]}, "TIMEFRAMES.0 = 2min (given): allowed: 1s, 15s, 30s, 1min, 5min, 15min, 30min, 1h,"),
        # unknown names
        ({"COIN": ["X"]}, "COIN (given): there is no such setting; did you mean COINS?"),
        ({"MAX_TRADES": 2}, "MAX_TRADES (given): there is no such setting; did you mean MAX_CONCURRENT_TRADES?"),
        ({"TRAILING_STOP": {"trial_pct": 1}}, "no such setting; did you mean TRAILING_STOP.trail_pct?"),
        ({"trail_pct": 1}, "trail_pct (given): there is no such setting; did you mean TRAILING_STOP.trail_pct?"),
        ({"PATTERN_TARGETS": {"double_tops": {}}}, "no such setting"),
        ({"MIN_ATR_PCT": {"2min": 0.1}}, "MIN_ATR_PCT.2min (given): there is no such setting; did you mean MIN_ATR"),
        (
            {"TRADING_HOURS": {"timezone": "Europe/Berln"}},
            "no such time zone; allowed: a name of the IANA list",
        ),
        ({"TRADING_HOURS": {"timezone": "Europe/Berln"}}, "did you mean Europe/Berlin?"),
        ({"TRADING_HOURS": {"timezone": "../../etc/passwd"}}, "there is no such time zone"),
        # contradictions
        ({"COINS": ["BTCUSDT", "btcusdt"]}, "BTCUSDT is given twice"),
        ({"TIMEFRAMES": ["1m", "1min"]}, "1min is given twice"),
        ({"COINS": ["BTCEUR"]}, "the pool is counted in it, but not priced in it are BTCEUR"),
        ({"EXIT_TIMEFRAME": "5min"}, "EXIT_TIMEFRAME = 5min (given): allowed: null, or 1min and finer"),
        (
            {"TIMEFRAMES": ["1d"], "MIN_ATR_PCT": 0.1, "EXIT_TIMEFRAME": "1M"},
            "EXIT_TIMEFRAME = 1M (given): allowed: 1s",
        ),
        ({"LEVERAGE": 3}, "LEVERAGE = 3 (given): spot has no leverage: allowed there is 1; MARKET = spot (config.py:"),
        (
            {"MARKET": "futures", "LEVERAGE": 125, "MAINTENANCE_MARGIN_RATE": 0.01},
            "a position would be liquidated as it opens; allowed at this leverage: below 0.008; LEVERAGE = 125 (given)",
        ),
        (
            {"LEVERAGE_BY_COIN": {"BTCUSDT": 3}},
            "LEVERAGE_BY_COIN (given): spot has no leverage: allowed there is {}; MARKET = spot (config.py:",
        ),
        (
            {"MARKET": "futures", "LEVERAGE_BY_COIN": {"BTCUSDT": 126}},
            "LEVERAGE_BY_COIN.BTCUSDT = 126 (given): allowed: a number of at least 1 and at most 125",
        ),
        (
            {"MARKET": "futures", "LEVERAGE_BY_COIN": {"btcusdt": 125}, "MAINTENANCE_MARGIN_RATE": 0.01},
            "would be liquidated as it opens; allowed at this leverage: below 0.008; LEVERAGE_BY_COIN.BTCUSDT = 125 (",
        ),
        (
            {"MARKET": "futures", "LEVERAGE": 3, "CONFIDENCE_TIERS": {"enable": True, "lowest_leverage": 5}},
            "CONFIDENCE_TIERS.lowest_leverage = 5 (given): no coin has as much leverage; allowed: 3 at most; LEVERAGE",
        ),
        (
            {"CONFIDENCE_TIERS": {"tiers": [{"min_prob": 0.7, "size": 1}, {"min_prob": 0.8, "size": 1}]}},
            "each min_prob must be less than the one before",
        ),
        ({"CONFIDENCE_TIERS": {"tiers": []}}, "CONFIDENCE_TIERS.tiers = [] (given): allowed: a list of"),
        ({"SIGNAL_TTL_S": 0}, "SIGNAL_TTL_S = 0 (given): allowed: a number above 0"),
        (
            {"HEDGING": {"enable": True}},
            "HEDGING.enable = true (given): a hedge is a position the other way, and spot has no SHORT: allowed there "
            "is false; MARKET = spot (config.py:",
        ),
        (
            {"DATA_SOURCE": "backtest_hedging"},
            "MARKET = spot (config.py:21): a hedge is a position the other way, and spot has no SHORT: allowed there "
            "is futures; DATA_SOURCE = backtest_hedging (given)",
        ),
        (
            {"DATA_SOURCE": "backtest_hedging", "MARKET": "futures", "HEDGING": {"enable": False}},
            "HEDGING.enable = false (given): a backtest of hedging has it on: allowed is true; DATA_SOURCE = ",
        ),
        (
            {"PATTERN_TARGETS": {"double_top": {"sl_pct": 0.05}}},
            "the target must be farther from the entry than the stop; PATTERN_TARGETS.double_top.sl_pct = 0.05 (given)",
        ),
        ({"ATR_STOP": {"target_atr": 1.5}}, "ATR_STOP.target_atr = 1.5 (given): the target must be farther"),
        (levels((0.02, 0.5), (0.02, 0.1)), "the levels overlap: each pct must be more than the one before"),
        (levels((0.03, 0.5), (0.02, 0.1)), "the levels overlap: each pct must be more than the one before"),
        (levels((0.01, 0.6), (0.02, 0.5)), "the shares sum to 1.1; allowed: 1 at most"),
        ({"BREAKEVEN_STOP": {"activation_pct": 0.001}}, "would lie at or beyond the price that raises it"),
        ({"BREAKEVEN_STOP": {"activation_pct": 0.003}}, "must be more than buffer_pct and the costs together, 0.0032"),
        ({"TRADING_HOURS": {"end_hour": 6}}, "equal hours leave open whether it means all day or never"),
        (tiers(0.7, 0.8), "each min_prob must be less than the one before"),
        (tiers(0.7, 0.7), "each min_prob must be less than the one before"),
        ({"DRAWDOWN_PROTECTION": {"pause_at": 0.1}}, "the thresholds must ascend: reduce_at < pause_at < close_at"),
        ({"DRAWDOWN_PROTECTION": {"close_at": 0.15}}, "the thresholds must ascend: reduce_at < pause_at < close_at"),
        ({"LOSING_STREAK_PROTECTION": {"stop_trading_after": 3}}, "so stop_trading_after must be more"),
        ({"HEDGING": {"hedge_recovery_threshold": 0.2}}, "a hedge would close as soon as it opens"),
        ({"HEDGING": {"coin_overrides": {"X": {"hedge_threshold": 0.01}}}}, "a hedge of X would close as soon as it"),
        ({"TARGET_LADDER": {"at": [0.5, 0.5, 1.0]}}, "the targets overlap"),
        ({"TARGET_LADDER": {"at": [0.5, 0.75, 0.9]}}, "the last target is the take profit, 1.0 of its distance"),
        ({"TARGET_LADDER": {"close_ratios": [0.5, 0.5]}}, "each target needs one share"),
        ({"TARGET_LADDER": {"close_ratios": [0.5, 0.5, 0.5]}}, "the shares sum to 1.5"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(values: dict[str, Any], fault: str) -> None:
    assert any(fault in each for each in faults_of(values)), faults_of(values)


@pytest.mark.parametrize(
    ("values", "lacking"),
    [({"MIN_ATR_PCT": {"1min": 0.1}}, "5min, 15min, 30min"), ({"PATTERN_TARGETS": {}}, "ascending_triangle")],
)
def test_a_table_must_have_every_timeframe_and_pattern_in_use(values: dict[str, Any], lacking: str) -> None:
    with pytest.raises(ValidationError, match=f"the table has no entry for {lacking}"):
        Settings.model_validate(defaults() | values)


def test_a_key_within_what_a_weaker_layer_made_one_number_is_refused(tmp_path: Path) -> None:
    faults = faults_in(tmp_path, yaml="MIN_ATR_PCT: 0.1\n", options={"MIN_ATR_PCT.1min": "0.2"})
    assert faults == (
        "MIN_ATR_PCT.1min (option --set): there is no table to put it in: MIN_ATR_PCT = 0.1 (config.yaml:1)",
    )


def test_all_faults_of_all_layers_come_at_once(tmp_path: Path) -> None:
    faults = faults_in(
        tmp_path,
        yaml="COIN: X\nTRAILING_STOP:\n  trail_pct: 2\n",
        dotenv="TRADER_TIMEFRAME=1m\nTRADER_QUOTE\n",
        environ={"TRADER_RISK": "1", "TRADER_WEIGHT_RESERVE": "[1,"},
        options={"LEVERAGE": "3", "DRAWDOWN_PROTECTION.pause_at": "0.05", "MODEE": "live"},
    )
    origins = ("config.yaml:1", "config.yaml:3", ".env:1", ".env:2", "TRADER_RISK", "TRADER_WEIGHT_RESERVE", "--set")
    assert len(faults) == 9
    assert all(any(origin in fault for fault in faults) for origin in origins)


def test_a_backtest_of_hedging_on_spot_is_one_fault() -> None:
    assert len(faults_of({"DATA_SOURCE": "backtest_hedging"})) == 1


def test_an_empty_table_is_a_file_without_settings(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}\n")
    assert load(root=tmp_path, environ={}).overrides == []


def test_one_wrong_name_is_one_fault() -> None:
    assert len(faults_of({"PATTERN_TARGETS": {"double_tops": {"sl_pct": 7}}})) == 1


@pytest.mark.parametrize(
    ("yaml", "fault"),
    [
        ("MODE: [1\n", "config.yaml:2: is not YAML: "),
        ("- MODE\n", "config.yaml: allowed: a table of NAME: value"),
        ("MODE: paper\nMODE: embedded\n", "MODE (config.yaml:2): is given twice"),
        ("A: &a {b: *a}\n", "config.yaml: cannot be read: RecursionError"),
        ("MODE: !!python/object:os.system x\n", "config.yaml:1: is not YAML: "),
        ("EMBEDDED: {seed: 1, SEED: 2}\n", "EMBEDDED.seed (config.yaml:1): is given twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, yaml: str, fault: str) -> None:
    assert any(each.startswith(fault) for each in faults_in(tmp_path, yaml=yaml))


def test_a_line_of_dotenv_without_a_value_is_named(tmp_path: Path) -> None:
    assert faults_in(tmp_path, dotenv="A=1\n\n=x\n") == (".env:3: is not NAME=VALUE",)


def test_files_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError) as caught:
        load(root=tmp_path, environ={})
    assert len(caught.value.faults) == 2


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--config .*mine.yaml: there is no such file"):
        load(root=tmp_path, environ={}, config_file=tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("config.yaml", {"yaml": "BINANCE_API_KEY: [planted-value]\n"}),
        ("config.yaml", {"yaml": "BINANCE_API_SECRET:\n  x: planted-value\n"}),
        ("config.yaml", {"yaml": "BINANCE_API_KEY: 'planted-value\n"}),
        ("a name", {"environ": {"TRADER_BINANCE_API_KEYS": "planted-value"}}),
        ("a name", {"dotenv": "TRADER_BINANCE_SECRET=planted-value"}),
        ("another", {"options": {"NUM_WORKERS": "planted-value", "BINANCE_API_KEY": "planted-value"}}),
        ("another", {"environ": {"BINANCE_API_KEY": "planted-value"}, "options": {"MODE": "planted-value"}}),
        ("a token", {"options": {"MODE": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv"}}),
        ("a token", {"options": {"vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv": "1"}}),
    ],
)
def test_a_key_in_the_wrong_place_is_not_shown(tmp_path: Path, name: str, layer: dict[str, Any]) -> None:
    text = "\n".join(faults_in(tmp_path, **layer))
    assert "planted-value" not in text
    assert "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv" not in text


@pytest.mark.parametrize(
    "values",
    [
        {"PARTIAL_TP": {"levels": []}},
        levels((0.01, 0.7), (0.02, 0.2), (0.03, 0.1)),
        {"DAILY_LOSS_LIMIT": 0},
        {"LOG_FILE": ""},
        {"EXIT_TIMEFRAME": "1min"},
        {"EXIT_TIMEFRAME": "1s"},
        {"TIMEFRAMES": ["15s", "30s"]},
        {"MARKET": "futures", "LEVERAGE": 20},
        {"BREAKEVEN_STOP": {"activation_pct": 0.003, "cover_costs": False}},
        {"BREAKEVEN_STOP": {"activation_pct": 0.003, "enable": False}},
        {"TRADING_HOURS": {"start_hour": 22, "end_hour": 6, "timezone": "America/New_York", "enable": True}},
        {"DRAWDOWN_PROTECTION": {"resume_after_hours": 1}},
        {"COINS": ["XRPETH"], "QUOTE": "ETH"},
        {"LEVERAGE_BY_COIN": {"BTCUSDT": 1}},
        {"MARKET": "futures", "LEVERAGE_BY_COIN": {"BTCUSDT": 10}},
        {"CONFIDENCE_TIERS": {"enable": True, "lowest_leverage": 5}},
        {"MARKET": "futures", "HEDGING": {"enable": True}},
    ],
)
def test_what_can_be_is_taken(values: dict[str, Any]) -> None:
    from_dict(values)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"MODE": "paper", "ORDERS": "exchange"}, "ORDERS = exchange .*: its fills are simulated"),
        ({"MODE": "live", "ORDERS": "simulated"}, "ORDERS = simulated .*: orders are what it is for"),
        ({"MODE": "testnet", "ORDERS": "simulated"}, "MODE=paper simulates fills"),
        ({"MODE": "live", "BINANCE_DEMO_MODE": True}, "BINANCE_DEMO_MODE = true .*: real money is no demo"),
        ({"KEY_NAME": "../etc"}, "KEY_NAME = ../etc .*: allowed: empty, or letters"),
        ({"MAX_CAPITAL": 0}, "MAX_CAPITAL = 0 .*: allowed: a number above 0 or null"),
        ({"LIVE_TRADING": "y"}, "LIVE_TRADING = y .*: allowed: no, yes"),
    ],
)
def test_a_mode_and_what_contradicts_it(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        from_dict(values)


def test_every_rule_is_there() -> None:
    rules = ("KELLY", "HEDGING", "TARGET_LADDER", "RE_ENTRY", "PYRAMIDING", "REVERSAL", "CONFIDENCE_TIERS")
    wanted: dict[str, Any] = {"MARKET": "futures", "DATA_SOURCE": "backtest_hedging", "CORRELATION_MODE": "halve"}
    from_dict(wanted | {rule: {"enable": True} for rule in rules})
