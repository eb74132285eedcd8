"""The command line: what runs without a sub-command, exit codes, errors as people need them, help with examples."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from tests.shared import ROOT
from trader.cli.app import COMMANDS, Command, Work, main, with_debug_value
from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, prepare
from trader.core.errors import ConfigError, Unavailable


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each command in an empty directory, without the settings of who runs the tests."""
    monkeypatch.chdir(tmp_path)
    ours = [name for name in os.environ if name.startswith("TRADER_") or name in ("MODE", "DATA_SOURCE", "PRESET")]
    for name in ours:
        monkeypatch.delenv(name)


def speak(
    words: Annotated[list[str] | None, typer.Argument()] = None,
    coins: Annotated[str | None, typer.Option()] = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Say the settings in force."""
    loaded = prepare(settings, preset=preset, config=config, debug=debug, own={"--coins": ("COINS", coins)})
    logging.getLogger("trader.speak").debug("a debug line")
    typer.echo(f"{','.join(words or ())} {loaded.settings.MODE} {','.join(loaded.settings.COINS)}".strip())


def fail(how: str, debug: DebugOption = None) -> int:
    """Fail in a way."""
    errors: dict[str, BaseException] = {
        "settings": ConfigError(["first fault", "second fault"]),
        "venue": Unavailable("the venue did not answer within 5 s; try again"),
        "unforeseen": ZeroDivisionError("division by zero"),
        "interrupt": KeyboardInterrupt(),
        "exit": typer.Exit(1),
        "abort": typer.Abort(),
    }
    if how in errors:
        raise errors[how]
    return 1


SPEAKING = (
    Command("run", lambda: Work(speak, ("--coins ETHUSDT",))),
    Command("backtest", lambda: Work(speak, ("",))),
    Command("fail", lambda: Work(fail, ("venue",))),
)


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("settings", 2, "cannot start: 2 faults:\n  first fault\n  second fault\n"),
        ("venue", 1, "failed: the venue did not answer within 5 s; try again\n"),
        ("unforeseen", 1, "failed: ZeroDivisionError: division by zero; this was not foreseen, --debug shows where"),
        ("interrupt", 130, ""),
        ("exit", 1, ""),
        ("abort", 130, ""),
        ("return", 1, ""),
    ],
)
def test_each_way_to_end_has_its_exit_code_and_no_traceback(
    how: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fail", how], SPEAKING) == code
    assert capsys.readouterr().err.startswith(said)
    assert "Traceback" not in capsys.readouterr().err


def test_debug_shows_where_an_error_arose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fail", "venue", "--debug"], SPEAKING) == 1
    assert "in fail\n    raise errors[how]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "No such command 'nothing'"),
        (["run", "--nope"], "No such option: --nope"),
        (["--nope"], "No such option: --nope"),
        (["fail"], "Missing argument 'how'"),
    ],
)
def test_wrong_use_says_what_and_where_to_look(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, SPEAKING) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"wrong use: {said}")
    assert "--help says what is allowed" in error


@pytest.mark.parametrize(("source", "code"), [("websocket", 0), ("backtest", 0), ("backtest_hedging", 0), ("x", 2)])
def test_without_a_command_data_source_says_what_runs(
    source: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_SOURCE", source)
    assert main(["--preset", "pattern_futures"], SPEAKING) == code
    out, error = capsys.readouterr()
    assert (out == "embedded BTCUSDT,ETHUSDT\n") == (code == 0)
    assert ("setting PRESET = pattern_futures (option --preset)" in error) == (code == 0)


def test_without_a_command_its_options_are_those_of_the_command_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text("COINS: ETHUSDT\n")
    assert main(["--set", "MODE=paper", "--config", "mine.yaml", "--debug"], SPEAKING) == 0
    out, error = capsys.readouterr()
    assert out == "paper ETHUSDT\n"
    assert "a debug line" in error


def test_options_before_the_command_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", "MODE=paper", "run"], SPEAKING) == 2
    assert "options stand behind the sub-command" in capsys.readouterr().err


def test_each_override_is_said_with_its_origin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("config.yaml").write_text("MODE: paper\n")
    Path(".env").write_text("BINANCE_API_KEY=planted-key\n")
    monkeypatch.setenv("TRADER_TRAILING_STOP__TRAIL_PCT", "0.004")
    assert main(["run", "--coins", "ethusdt", "--set", "NUM_WORKERS=2"], SPEAKING) == 0
    lines = [line.partition("setting ")[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "MODE = paper (config.yaml:1)",
        "BINANCE_API_KEY = (hidden) (.env:1)",
        "TRAILING_STOP.trail_pct = 0.004 (environment TRADER_TRAILING_STOP__TRAIL_PCT)",
        "NUM_WORKERS = 2 (option --set)",
        'COINS = ["ethusdt"] (option --coins)',
    ]
    assert Path("data/logs/trader.log").read_text().count("setting ") == 5


@pytest.mark.parametrize("pair", ["MODE", "=paper", ""])
def test_a_pair_without_a_name_or_value_is_refused_without_quoting_it(
    pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--set", "NUM_WORKERS=1", "--set", pair], SPEAKING) == 2
    assert "--set number 2: allowed: NAME=VALUE, or NAME.KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (["run", "--debug"], ["run", "--debug", "all"]),
        (["run", "--debug", "--coins", "X"], ["run", "--debug", "all", "--coins", "X"]),
        (["run", "--debug", "BTCUSDT"], ["run", "--debug", "BTCUSDT"]),
        (["run", "--debug", "BTCUSDT,1min"], ["run", "--debug", "BTCUSDT,1min"]),
        (["run", "--debug=1m"], ["run", "--debug=1m"]),
        (["import", "--debug", "data/x.csv"], ["import", "--debug", "all", "data/x.csv"]),
    ],
)
def test_debug_may_stand_without_a_stream(given: list[str], seen: list[str]) -> None:
    assert with_debug_value(given) == seen


def test_every_command_has_help_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert "Examples:" in overview
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    for command in COMMANDS:
        assert f" {command.name} " in overview
        assert command.load().examples
        assert main([command.name, "--help"]) == 0
        assert f"python start.py {command.name} " in capsys.readouterr().out


def start(*arguments: str, cwd: Path, **streams: int) -> subprocess.CompletedProcess[bytes]:
    """Run `start.py` as a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRADER_")}
    return subprocess.run([sys.executable, ROOT / "start.py", *arguments], cwd=cwd, env=environ, **streams, check=False)


@pytest.mark.parametrize("typed", ["status", "pause", "settings"])
def test_short_commands_do_not_wait_for_what_they_do_not_need(typed: str, tmp_path: Path) -> None:
    """A person who pauses a daemon in haste waits for its answer alone."""
    code = f"import sys, trader.cli.app as app; app.main(['{typed}']); print(*sys.modules)"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stdout
    modules = set(said.splitlines()[-1].split())
    assert "typer" in modules
    assert modules & {"numba", "pandas", "sqlalchemy", "binance", "aiohttp", "websockets"} == set()


def test_start_py_ends_with_the_exit_code(tmp_path: Path) -> None:
    assert start("--help", cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
    refused = start("import", "--set", "X=1", ".", cwd=tmp_path, stderr=subprocess.PIPE)
    assert refused.returncode == 2
    assert refused.stderr == b"cannot start: one fault:\n  X (option --set): there is no such setting\n"


def test_a_closed_terminal_ends_nothing_with_a_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = start("--help", cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert b"Traceback" not in ended.stderr
