"""`python start.py analyse` as a person types it: verdict first, what was compared, and exit codes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from tests.engine.audit.grounds import SEED, audited, centred_mean, ground_at, looking_also, sound
from tests.engine.runs import generated, stored
from trader.cli.analyse import tell_lookahead
from trader.cli.app import main

LOOSE = ["MIN_PROBABILITY=0.5", "MIN_STRENGTH=0.5", "MIN_ATR_PCT=0.0", "STRATEGY=geometry", "PRELOAD_CANDLES=200"]
PAIRS = [part for pair in LOOSE for part in ("--set", pair)]
SPAN = ["--from", "2025-01-02", "--to", "2025-01-02T06:00", "--timeframes", "1min,5min"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with two days of two coins."""
    root = tmp_path_factory.mktemp("home") / "candles"
    stored(root, generated(2))
    return root


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin in an empty directory, without the settings of who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADER_")]:
        monkeypatch.delenv(name)


def test_an_audit_of_the_program_says_no_look_ahead(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["analyse", "lookahead", "--data", str(data), "--cuts", "6", *SPAN, *PAIRS])
    out, error = capsys.readouterr()
    assert code == 0, error
    first, where, _, head, *rows = out.splitlines()
    assert first.startswith("no look-ahead: ")
    assert where.startswith(
        "geometry on BTCUSDT 1min, ETHUSDT 1min, BTCUSDT 5min, ETHUSDT 5min, 2025-01-02 00:00:00 to "
    )
    assert "cut 6 times (seed 1): 4 spread over the span, 1 behind a" in where
    assert head.split() == ["compared", "columns", "values", "differing"]
    assert {row.split()[0] for row in rows} >= {
        "decisions",
        "entries",
        "exits",
        "equity",
        "features",
        "inputs",
        "opinions",
    }
    assert all(row.split()[-1] == "0" for row in rows)
    assert "backtests up to the cuts: 0 of 6" in error


def test_a_leak_ends_with_1_and_a_line_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ground = ground_at(tmp_path / "candles")
    audit = audited(ground, looking_also(sound(ground), centred=centred_mean), cuts=3)
    with pytest.raises(typer.Exit) as ended:
        tell_lookahead(audit, SEED)
    assert ended.value.exit_code == 1
    out = capsys.readouterr().out
    assert out.startswith("LOOK-AHEAD: later candles change ")
    line = next(line for line in out.splitlines() if line.startswith("planted.centred "))
    (first,) = audit.findings.firsts()
    assert first.stream in line
    assert repr(first.whole) in line
    assert repr(first.cut) in line


def test_warmups_are_shown_with_what_settles_last(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(data), "--warmups", "60,300", "--cuts", "4", *SPAN, *PAIRS]
    assert main(["analyse", "recursive", *arguments]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith(("settled: with PRELOAD_CANDLES=200 ", "NOT SETTLED: with PRELOAD_CANDLES=200 "))
    assert "BTCUSDT 5min is left out: it has nowhere 600 candles in a row before a candle of the span" in out
    assert any(line.startswith("200 ") and line.endswith("PRELOAD_CANDLES") for line in out)
    columns = [line.split()[0] for line in out if line.startswith(("features.", "inputs.", "opinions."))]
    assert len(columns) == 25
    assert "features.obv" in columns
    assert out[-1].startswith("and ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lookahead", "--coins", "SUIUSDT"], "has no candles of SUIUSDT: it has BTCUSDT, ETHUSDT. Bring some with"),
        (["lookahead", "--cuts", "0"], "--cuts"),
        (["lookahead", "--from", "2025-02-01"], "there is no time to run over"),
        (["recursive", "--warmups", "59"], "--warmups 59; allowed: numbers of candles, 60 or more, parted by commas"),
        (["recursive", "--warmups", "many"], "--warmups many"),
        (["sideways"], "sideways"),
    ],
)
def test_what_cannot_run_is_refused_with_what_is_allowed(
    arguments: list[str], said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = arguments
    place = ["--data", str(data), *PAIRS] if command != "sideways" else []
    assert main(["analyse", command, *place, *rest]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert said in error
