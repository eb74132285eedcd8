"""`python start.py settings`: values with their origins, differences between presets, what cannot act."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from trader.cli.app import main
from trader.cli.common import prepare
from trader.engine import logs
from trader.engine.settings import defaults, from_dict


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each command in an empty directory, without the settings of who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("TRADER_") or name in ("MODE", "DATA_SOURCE", "PRESET"):
            monkeypatch.delenv(name)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Return the lines that the command prints."""
    assert main(["settings", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_each_value_is_a_line_with_its_origin_below_its_comment(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.yaml").write_text("TRAILING_STOP:\n  trail_pct: 0.004\n")
    lines = said(capsys, "--preset", "ladder", "--set", "COINS=solusdt")
    assert lines[0] == "# --- What runs, and on what ---"
    at = lines.index("TRAILING_STOP.trail_pct = 0.004 (config.yaml:2)")
    assert lines[at - 3] == "# Follow the best price at a distance."
    assert lines[at - 2].startswith("TRAILING_STOP.enable = true (config.py:")
    assert "MAX_SYMBOL_EXPOSURE = 0.3 (preset ladder)" in lines
    assert 'COINS = ["SOLUSDT"] (option --set)' in lines
    assert "PRESET = ladder (option --preset)" in lines


def test_every_setting_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    names = {line.partition(" ")[0].partition(".")[0] for line in said(capsys) if line and not line.startswith("#")}
    assert names == set(defaults())


def test_what_is_printed_may_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in said(capsys, "--preset", "ladder") if line and line[0] != "#" and '= ""' not in line]
    pairs = [part for line in lines for part in ("--set", line.rpartition(" (")[0].replace(" = ", "=", 1))]
    assert main(["settings", "--json", *pairs]) == 0
    typed = json.loads(capsys.readouterr().out)["settings"]
    assert main(["settings", "--json", "--preset", "ladder"]) == 0
    preset = json.loads(capsys.readouterr().out)["settings"]
    assert {name: each["value"] for name, each in typed.items()} == {n: each["value"] for n, each in preset.items()}


def test_long_values_are_whole_and_paths_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    home = "/somewhere/far/away/in/a/folder/of/folders"
    lines = said(capsys, "--set", f"DATA_DIR={home}")
    assert f"DATA_DIR = {home} (option --set)" in lines
    assert not any("…" in line for line in lines)


def test_keys_are_hidden_and_their_absence_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", "planted-key")
    lines = said(capsys)
    assert "BINANCE_API_KEY = (hidden) (environment BINANCE_API_KEY)" in lines
    assert any(line.startswith('BINANCE_API_SECRET = "" (config.py:') for line in lines)
    assert "planted-key" not in "\n".join([*lines, *said(capsys, "--json")])


def test_differences_to_a_preset_have_both_sides_with_their_origins(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--diff", "pattern_futures", "--set", "MIN_STRENGTH=0.7")
    assert lines[0] == "# in force | preset pattern_futures"
    sides = {line.partition(" = ")[0]: line.partition(" = ")[2].split(" | ") for line in lines[1:]}
    assert list(sides) == [
        "MARKET",
        "MIN_STRENGTH",
        "RISK_PER_TRADE",
        "LEVERAGE",
        "MAX_PORTFOLIO_RISK",
        "HEDGING.enable",
    ]
    assert sides["MIN_STRENGTH"][0] == "0.7 (option --set)"
    assert sides["LEVERAGE"][1] == "3 (preset pattern_futures)"


def test_two_presets_differ_whatever_is_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--diff", "pattern_futures,ladder", "--set", "MIN_STRENGTH=0.7")
    assert lines[0] == "# preset pattern_futures | preset ladder"
    assert "RISK_PER_TRADE = 0.005 (preset pattern_futures) | 0.004 (preset ladder)" in lines
    assert not any("MIN_STRENGTH" in line for line in lines)
    assert said(capsys, "--diff", "ladder,ladder") == ["# preset ladder | preset ladder"]


def test_a_key_that_one_side_lacks_is_absent_there(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = ("--set", "MARKET=futures", "--set", "LEVERAGE_BY_COIN.SOLUSDT=5")
    assert "LEVERAGE_BY_COIN.SOLUSDT = 5 (option --set) | absent" in said(capsys, *pairs, "--diff", "pattern_futures")


def test_differences_are_there_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads("\n".join(said(capsys, "--diff", "pattern,ladder", "--json")))
    assert found["sides"] == ["preset pattern", "preset ladder"]
    assert found["differences"]["MARKET"][1] == {"value": "futures", "origin": "preset ladder"}


def test_what_cannot_act_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "--explain", "--set", "KELLY.window=50")
    assert lines[0].startswith("RISK_PER_TRADE, ML_CONFIDENCE_WEIGHTING: decide no size: ")
    assert lines[-1] == "KELLY.window: 50 (option --set) has no effect: KELLY.enable is false"
    assert said(capsys, "--explain", "--preset", "ladder") == ["every setting can act"]


def test_values_and_what_cannot_act_are_there_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads("\n".join(said(capsys, "--json")))
    assert found["settings"]["TRAILING_STOP.trail_pct"]["value"] == 0.005
    assert found["cannot_act"][0]["settings"] == ["RISK_PER_TRADE", "ML_CONFIDENCE_WEIGHTING"]
    only = json.loads("\n".join(said(capsys, "--explain", "--json")))
    assert only == found["cannot_act"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--diff", "laddr"], "PRESET = laddr (option --diff): there is no such preset"),
        (["--diff", "ladder,"], 'PRESET = "" (option --diff): there is no such preset'),
        (["--preset", "laddr"], "PRESET = laddr (option --preset): there is no such preset"),
        (["--set", "MODE=x"], "MODE = x (option --set)"),
    ],
)
def test_what_is_wrong_ends_with_2(arguments: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", *arguments]) == 2
    assert fault in capsys.readouterr().err


def test_nothing_is_written_and_what_is_not_there_yet_may_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert "MODE = live (option --set)" in said(capsys, "--set", "MODE=live")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("quiet", [False, True])
def test_a_command_that_trades_says_first_what_cannot_act(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        assert prepare(["NUM_WORKERS=2"], quiet=quiet, trades=True).settings == from_dict({"NUM_WORKERS": 2})
        prepare(["NUM_WORKERS=2"], quiet=quiet)
    finally:
        logs.stop()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("setting ")[2] for line in (lines[0], lines[-1])] == ["NUM_WORKERS = 2 (option --set)"] * 2
    assert [line.partition("cannot act: ")[2].split(":")[0] for line in lines[1:-1]] == [
        "RISK_PER_TRADE, ML_CONFIDENCE_WEIGHTING",
        "PARTIAL_TP, PATTERN_TARGETS",
        "MAX_PORTFOLIO_RISK",
    ]
