"""Presets: overlays between `config.py` and all else, each possible by itself, each with its origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared import ROOT
from trader.core.errors import ConfigError
from trader.engine.settings import dead_settings, from_dict, load, load_preset, preset_names
from trader.engine.settings.presets import PRESETS

NAMES = ["ladder", "pattern", "pattern_futures", "pattern_selective"]


def test_there_are_four_presets_in_the_package() -> None:
    assert preset_names() == NAMES
    assert PRESETS.is_relative_to(ROOT / "trader")


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_possible_by_itself_and_chooses_no_other(name: str) -> None:
    loaded = load_preset(name)
    assert name == loaded.settings.PRESET
    own = [each for each in loaded.overrides if each.name != "PRESET"]
    assert all(each.origin == f"preset {name}" for each in own)
    assert not {each.name.split(".")[0] for each in own} & {"PRESET", "MODE", "DATA_SOURCE", "COINS", "DATA_DIR"}


def test_the_default_preset_is_config_py_as_it_stands() -> None:
    assert load_preset("pattern").settings == from_dict({})


@pytest.mark.parametrize("name", ["ladder", "pattern_futures"])
def test_in_a_preset_every_setting_can_act(name: str) -> None:
    assert dead_settings(load_preset(name).settings) == []


def test_pattern_futures_trades_both_directions_with_hedges() -> None:
    settings = load_preset("pattern_futures").settings
    assert (settings.MARKET, settings.HEDGING.enable, settings.LEVERAGE) == ("futures", True, 3)


def test_ladder_has_its_targets_in_steps_re_entries_and_strict_exposure() -> None:
    settings = load_preset("ladder").settings
    assert (settings.TARGET_LADDER.enable, settings.PARTIAL_TP.enable, settings.RE_ENTRY.enable) == (True, False, True)
    assert (settings.MAX_SYMBOL_EXPOSURE, settings.MAX_DIRECTION_EXPOSURE) == (0.3, 0.6)
    assert settings.CORRELATION_MODE == "halve"
    assert (settings.DRAWDOWN_PROTECTION.pause_at, settings.DRAWDOWN_PROTECTION.close_at) == (0.3, 0.35)


@pytest.mark.parametrize("name", ["ladder", "pattern_futures"])
def test_three_stops_together_cost_less_than_the_day_may(name: str) -> None:
    settings = load_preset(name).settings
    widest = max(target.sl_pct for target in settings.PATTERN_TARGETS.values())
    worth = settings.MAX_POSITION_SIZE_PCT * settings.LEVERAGE
    assert settings.MAX_CONCURRENT_TRADES * worth * widest < settings.DAILY_LOSS_LIMIT


@pytest.mark.parametrize("layer", range(4))
def test_a_preset_may_be_chosen_in_every_layer(tmp_path: Path, layer: int) -> None:
    (tmp_path / "config.yaml").write_text("PRESET: pattern_futures\n" if layer >= 0 else "")
    (tmp_path / ".env").write_text("PRESET=ladder\n" if layer >= 1 else "")
    environ = {"TRADER_PRESET": "pattern"} if layer >= 2 else {}
    options = {"PRESET": "ladder"} if layer >= 3 else {}
    settings = load(options, root=tmp_path, environ=environ).settings
    assert ["pattern_futures", "ladder", "pattern", "ladder"][layer] == settings.PRESET
    assert ("spot" if layer == 2 else "futures") == settings.MARKET


def test_a_preset_lies_under_the_person_and_over_config_py(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("MAX_SYMBOL_EXPOSURE: 0.5\nTARGET_LADDER: {trail_atr: 1.5}\n")
    loaded = load({"PRESET": "ladder"}, origins={"PRESET": "option --preset"}, root=tmp_path, environ={})
    origins = {each.name: (each.value_text, each.origin) for each in loaded.overrides}
    assert origins["MAX_SYMBOL_EXPOSURE"] == ("0.5", "config.yaml:1")
    assert origins["TARGET_LADDER.trail_atr"] == ("1.5", "config.yaml:2")
    assert origins["TARGET_LADDER.enable"] == ("true", "preset ladder")
    assert origins["PRESET"] == ("ladder", "option --preset")


def test_what_contradicts_a_preset_is_said_with_both_origins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"PRESET": "pattern_futures", "MARKET": "spot"}, root=tmp_path, environ={})
    assert caught.value.faults[0] == (
        "LEVERAGE = 3 (preset pattern_futures): spot has no leverage: allowed there is 1; MARKET = spot (option --set)"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("laddr", "PRESET = laddr (environment PRESET): there is no such preset; allowed: ladder, pattern, pattern_"),
        ("laddr", "; did you mean ladder?"),
        ("pattern-futures", "; did you mean pattern_futures?"),
        ("../../config", "there is no such preset"),
    ],
)
def test_a_preset_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"MODE": "x"}, root=tmp_path, environ={"PRESET": name})
    assert said in caught.value.faults[0]
    assert caught.value.faults[1].startswith("MODE = x")


def test_a_preset_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("PRESET: [ladder]\n")
    with pytest.raises(ConfigError, match=r"PRESET = \[\"ladder\"\] \(config.yaml:1\): allowed: text"):
        load(root=tmp_path, environ={})
