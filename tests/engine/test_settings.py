"""The layers of settings: which value counts, what it may look like, and where it came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import ROOT
from trader.core.timeframe import Timeframe
from trader.engine.settings import Loaded, defaults, from_dict, load


def loaded(
    root: Path,
    *,
    yaml: str = "",
    dotenv: str = "",
    environ: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Loaded:
    """Load from files with these texts, this environment and these options."""
    (root / "config.yaml").write_text(yaml)
    (root / ".env").write_text(dotenv)
    return load(options or {}, root=root, environ=environ or {})


def origins(result: Loaded) -> dict[str, tuple[str, str]]:
    """Return each override's value and origin by its name."""
    return {name: (text, origin) for name, text, origin in result.overrides}


def test_without_any_layer_the_values_are_those_of_config_py(tmp_path: Path) -> None:
    result = load(root=tmp_path, environ={})
    assert result.overrides == []
    assert result.settings == from_dict({})
    assert defaults()["RISK_PER_TRADE"] == result.settings.RISK_PER_TRADE


@pytest.mark.parametrize("layers", range(5))
def test_each_layer_is_stronger_than_those_below_it(tmp_path: Path, layers: int) -> None:
    values: dict[str, Any] = {
        "yaml": "MAX_CONCURRENT_TRADES: 4\n",
        "dotenv": "TRADER_MAX_CONCURRENT_TRADES=5\n",
        "environ": {"TRADER_MAX_CONCURRENT_TRADES": "6"},
        "options": {"MAX_CONCURRENT_TRADES": "7"},
    }
    lower = dict(list(values.items())[:layers])
    result = loaded(tmp_path, **lower)
    expected = [
        (3, None),
        (4, "config.yaml:1"),
        (5, ".env:1"),
        (6, "environment TRADER_MAX_CONCURRENT_TRADES"),
        (7, "option --set"),
    ][layers]
    origin = origins(result).get("MAX_CONCURRENT_TRADES", (None, None))[1]
    assert (result.settings.MAX_CONCURRENT_TRADES, origin) == expected


def test_tables_merge_key_by_key_over_all_layers_and_lists_are_replaced(tmp_path: Path) -> None:
    result = loaded(
        tmp_path,
        yaml="TRAILING_STOP:\n  activation_pct: 0.02\nPARTIAL_TP:\n  levels:\n  - {pct: 0.01, close_ratio: 0.5}\n",
        dotenv="TRADER_TRAILING_STOP__TRAIL_PCT=0.004\n",
        options={"TRAILING_STOP.enable": "false"},
    )
    trailing = result.settings.TRAILING_STOP
    assert (trailing.enable, trailing.activation_pct, trailing.trail_pct) == (False, 0.02, 0.004)
    assert [level.pct for level in result.settings.PARTIAL_TP.levels] == [0.01]
    assert result.settings.PARTIAL_TP.enable
    assert origins(result) == {
        "TRAILING_STOP.activation_pct": ("0.02", "config.yaml:2"),
        "PARTIAL_TP.levels": ('[{"pct": 0.01, "close_ratio": 0.5}]', "config.yaml:5"),
        "TRAILING_STOP.trail_pct": ("0.004", ".env:1"),
        "TRAILING_STOP.enable": ("false", "option --set"),
    }


def test_a_whole_table_in_a_stronger_layer_merges_and_a_scalar_replaces_it(tmp_path: Path) -> None:
    result = loaded(
        tmp_path,
        yaml="MIN_ATR_PCT: {1m: 0.5}\n",
        environ={"TRADER_TRAILING_STOP": '{"trail_pct": 0.004}', "TRADER_TRAILING_STOP__ENABLE": "no"},
        options={"MIN_ATR_PCT": "0.002"},
    )
    assert result.settings.min_atr_pct(Timeframe.MIN_1) == result.settings.min_atr_pct(Timeframe.MIN_5) == 0.002
    assert (result.settings.TRAILING_STOP.trail_pct, result.settings.TRAILING_STOP.enable) == (0.004, False)
    assert "MIN_ATR_PCT.1min" not in origins(result)


def test_a_table_by_timeframe_takes_binances_names(tmp_path: Path) -> None:
    settings = loaded(tmp_path, yaml="MIN_ATR_PCT: {1m: 0.5}\n", environ={"TRADER_MIN_ATR_PCT__5M": "0.4"}).settings
    assert (settings.min_atr_pct(Timeframe.MIN_1), settings.min_atr_pct(Timeframe.MIN_5)) == (0.5, 0.4)


def test_coins_have_capitals_in_every_layer(tmp_path: Path) -> None:
    result = loaded(
        tmp_path,
        yaml="MARKET: futures\nLEVERAGE_BY_COIN: {btcusdt: 5}\nHEDGING: {coin_overrides: {x: {hedge_threshold: 0.1}}}",
        options={"LEVERAGE_BY_COIN.BTCUSDT": "7"},
    )
    assert result.settings.LEVERAGE_BY_COIN == {"BTCUSDT": 7}
    assert origins(result)["LEVERAGE_BY_COIN.BTCUSDT"] == ("7", "option --set")
    assert origins(result)["HEDGING.coin_overrides.X.hedge_threshold"] == ("0.1", "config.yaml:3")


def test_a_backtest_of_hedging_turns_hedges_on_and_says_so(tmp_path: Path) -> None:
    result = loaded(tmp_path, yaml="MARKET: futures\n", environ={"DATA_SOURCE": "backtest_hedging"})
    assert result.settings.HEDGING.enable
    assert origins(result)["HEDGING.enable"] == ("true", "DATA_SOURCE = backtest_hedging")


def test_who_asks_for_hedging_is_stronger_than_a_layer_below_that_has_it_off(tmp_path: Path) -> None:
    files = "MARKET: futures\nHEDGING: {enable: false}\n"
    assert loaded(tmp_path, yaml=files, environ={"DATA_SOURCE": "backtest_hedging"}).settings.HEDGING.enable
    below = loaded(tmp_path, yaml="DATA_SOURCE: backtest_hedging\n", environ={"DATA_SOURCE": "websocket"})
    assert not below.settings.HEDGING.enable


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("COINS", "btcusdt,ETHUSDT", ("BTCUSDT", "ETHUSDT")),
        ("COINS", '["SUIUSDT"]', ("SUIUSDT",)),
        ("COINS", "币安人生USDT", ("币安人生USDT",)),
        ("TIMEFRAMES", "1h, 1m,15s", ("15s", "1min", "1h")),
        ("EXIT_TIMEFRAME", "1s", "1s"),
        ("EXIT_TIMEFRAME", "null", None),
        ("EXIT_TIMEFRAME", "none", None),
        ("RISK_PER_TRADE", "1e-3", 0.001),
        ("BACKTEST_INITIAL_CAPITAL", "10_000", 10_000),
        ("MIN_ATR_PCT", ".002", 0.002),
        ("TREND_ALIGNMENT", "off", False),
        ("TREND_ALIGNMENT", "True", False + True),
        ("CORRELATION_MODE", "off", "off"),
        ("REST_URL", "https://api.example.test/?a=[1", "https://api.example.test/?a=[1"),
        ("DATA_DIR", "007", "007"),
    ],
)
def test_text_of_the_environment_becomes_the_value_that_a_person_means(
    tmp_path: Path, name: str, text: str, value: object
) -> None:
    for layer in (
        {"environ": {f"TRADER_{name}": text}},
        {"options": {name: text}},
        {"dotenv": f"TRADER_{name}='{text}'"},
    ):
        assert getattr(loaded(tmp_path, **layer).settings, name) == value  # type: ignore[arg-type]


def test_yaml_takes_words_and_days_as_text_and_comma_lists_as_lists(tmp_path: Path) -> None:
    text = "CORRELATION_MODE: off\nEMBEDDED: {start: 2026-02-01, speed: max}\nTIMEFRAMES: 1m, 5m\nSLIPPAGE_PCT: 1e-4\n"
    settings = loaded(tmp_path, yaml=text).settings
    assert (settings.CORRELATION_MODE, settings.EMBEDDED.start, settings.EMBEDDED.speed) == ("off", "2026-02-01", "max")
    assert (settings.TIMEFRAMES, settings.SLIPPAGE_PCT) == (("1min", "5min"), 0.0001)


def test_well_known_names_work_bare_and_one_with_the_prefix_is_stronger(tmp_path: Path) -> None:
    bare = {
        "MODE": "paper",
        "DATA_SOURCE": "backtest",
        "PRESET": "ladder",
        "BACKTEST_INITIAL_CAPITAL": "500",
        "NUM_WORKERS": "3",
        "BINANCE_API_KEY": "98765432109876",
        "BINANCE_API_SECRET": "secret-secret",
        "BINANCE_DEMO_MODE": "true",
    }
    settings = loaded(tmp_path, environ=bare).settings
    assert (settings.MODE, settings.DATA_SOURCE, settings.NUM_WORKERS) == ("paper", "backtest", 3)
    assert (settings.BACKTEST_INITIAL_CAPITAL, settings.BINANCE_DEMO_MODE) == (500, True)
    assert (settings.PRESET, settings.TARGET_LADDER.enable) == ("ladder", True)
    assert settings.BINANCE_API_KEY.get_secret_value() == "98765432109876"
    assert settings.BINANCE_API_SECRET.get_secret_value() == "secret-secret"
    both = loaded(tmp_path, environ={"TRADER_MODE": "embedded", "MODE": "paper"})
    assert both.settings.MODE == "embedded"
    assert loaded(tmp_path, dotenv="MODE=paper\n").settings.MODE == "paper"


def test_other_names_of_environment_and_dotenv_are_not_ours(tmp_path: Path) -> None:
    result = loaded(
        tmp_path, dotenv="OTHER=1\nCOINS=x\nALONE\n", environ={"PATH": "/", "TRADER_SHARED": "/x", "MODE": ""}
    )
    assert result.overrides == []


def test_lines_of_dotenv_are_counted_past_blanks_comments_and_exports(tmp_path: Path) -> None:
    result = loaded(tmp_path, dotenv="\n# a comment\n\nOTHER=1\nexport TRADER_MODE='paper' # so\n\n\nNUM_WORKERS=2\n")
    assert origins(result) == {"MODE": ("paper", ".env:5"), "NUM_WORKERS": ("2", ".env:8")}


def test_keys_are_hidden_among_the_overrides_and_in_the_settings(tmp_path: Path) -> None:
    result = loaded(tmp_path, environ={"BINANCE_API_KEY": "planted-key"})
    assert origins(result) == {"BINANCE_API_KEY": ("(hidden)", "environment BINANCE_API_KEY")}
    assert (
        "planted-key"
        not in f"{result} {result.settings!r} {result.settings.model_dump()} {result.settings.model_dump_json()}"
    )


def test_another_file_replaces_config_yaml(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("MODE: paper\n")
    (tmp_path / "mine.yaml").write_text("NUM_WORKERS: 2\n")
    settings = load(root=tmp_path, environ={}, config_file=tmp_path / "mine.yaml").settings
    assert (settings.MODE, settings.NUM_WORKERS) == ("embedded", 2)


def test_options_name_where_they_came_from(tmp_path: Path) -> None:
    result = load({"COINS": "ETHUSDT"}, origins={"COINS": "option --coins"}, root=tmp_path, environ={})
    assert result.overrides == [("COINS", '["ETHUSDT"]', "option --coins")]


def test_config_py_is_found_from_any_directory(tmp_path: Path) -> None:
    code = "from trader.engine.settings import load; print(load(environ={}).settings.QUOTE)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    )
    assert run.stdout == b"USDT\n"


def test_plain_data_may_change_what_it_was_given_and_what_it_got() -> None:
    values = defaults()
    values["TRAILING_STOP"]["trail_pct"] = 0.9
    given: dict[str, Any] = {"MIN_ATR_PCT": {"1min": 0.5}}
    settings = from_dict(given)
    given["MIN_ATR_PCT"]["1min"] = 0.7
    assert settings.min_atr_pct(Timeframe.MIN_1) == 0.5
    assert from_dict({}).TRAILING_STOP.trail_pct == 0.005
