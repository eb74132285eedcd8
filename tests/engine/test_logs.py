"""Log lines: what they look like, which are written, and what never is."""

from __future__ import annotations

import io
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine import logs
from trader.engine.redaction import HIDDEN
from trader.engine.settings import from_dict, load

logger = logging.getLogger("trader.test")


@pytest.fixture(autouse=True)
def _logging_ends() -> Iterator[None]:
    yield
    logs.stop()


def settings(root: Path, **overrides: Any) -> Settings:
    """Return settings whose log file lies in `root`."""
    return from_dict({"LOG_FILE": str(root / "logs" / "trader.log"), **overrides})


def written(root: Path) -> str:
    """Return what the log file has."""
    return (root / "logs" / "trader.log").read_text("utf-8")


def stream(symbol: str, timeframe: Timeframe = Timeframe.MIN_1) -> dict[str, object]:
    """Return the stream a line is about."""
    return {"symbol": symbol, "timeframe": timeframe}


def test_a_line_has_time_level_symbol_timeframe_and_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(settings(tmp_path))
    logger.info("opened LONG %.1f at %.1f", 0.5, 100.2, extra=stream("BTCUSDT"))
    logger.warning("slow")
    first, second = written(tmp_path).splitlines()
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    assert re.fullmatch(time + r" INFO    BTCUSDT    1min  opened LONG 0\.5 at 100\.2", first)
    assert re.fullmatch(time + r" WARNING -          -     slow", second)
    assert capsys.readouterr().err == written(tmp_path)


def test_times_are_utc() -> None:
    record = logging.makeLogRecord({"created": 1_767_614_400.25, "msg": "x", "levelname": "INFO"})
    assert logs.PlainLines().format(record).startswith("2026-01-05 12:00:00.250 INFO")


def test_a_message_of_several_lines_cannot_pass_for_several_entries(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path))
    logger.info("said: %s", "a\n2026-01-05 12:00:00.000 INFO forged")
    assert written(tmp_path).splitlines()[1].startswith("    2026")


@pytest.mark.parametrize(
    ("debug", "expected"),
    [
        (None, []),
        ("all", ["BTCUSDT 1min", "BTCUSDT 5min", "ETHUSDT 1min", "none"]),
        ("BTCUSDT", ["BTCUSDT 1min", "BTCUSDT 5min"]),
        ("btcusdt", ["BTCUSDT 1min", "BTCUSDT 5min"]),
        ("1min", ["BTCUSDT 1min", "ETHUSDT 1min"]),
        ("1m", ["BTCUSDT 1min", "ETHUSDT 1min"]),
        ("BTCUSDT,1min", ["BTCUSDT 1min"]),
        ("1m:ETHUSDT", ["ETHUSDT 1min"]),
    ],
)
def test_debug_lines_are_those_of_the_chosen_stream(tmp_path: Path, debug: str | None, expected: list[str]) -> None:
    logs.configure(settings(tmp_path), debug)
    for symbol, timeframe in (("BTCUSDT", Timeframe.MIN_1), ("BTCUSDT", Timeframe.MIN_5), ("ETHUSDT", Timeframe.MIN_1)):
        logger.debug("%s %s", symbol, timeframe, extra=stream(symbol, timeframe))
    logger.debug("none")
    logger.info("always", extra=stream("XRPUSDT"))
    lines = [line.split("  ")[-1].strip() for line in written(tmp_path).splitlines()]
    assert lines == [*expected, "always"]


def test_a_quiet_terminal_has_warnings_only_and_the_file_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(settings(tmp_path), quiet=True)
    logger.info("one")
    logger.warning("two")
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == ["two"]
    assert [line.split()[-1] for line in written(tmp_path).splitlines()] == ["one", "two"]


def test_libraries_are_heard_from_warnings_on_even_with_debug(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path), "all")
    for name in ("websockets.client", "asyncio", "numba.core", "urllib3.connectionpool"):
        logging.getLogger(name).debug("chatter")
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("heard")
    assert written(tmp_path).count("heard") == 4
    assert "chatter" not in written(tmp_path)


def test_warnings_of_python_are_logged(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("odd", stacklevel=1)
    assert "UserWarning: odd" in written(tmp_path)


def test_a_file_that_is_full_is_rotated_and_old_ones_go(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path, LOG_MAX_MB=0.001, LOG_BACKUPS=2))
    for at in range(100):
        logger.info("line %d", at)
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["trader.log", "trader.log.1", "trader.log.2"]
    assert all(path.stat().st_size <= 1_000 for path in (tmp_path / "logs").iterdir())
    assert "line 99" in written(tmp_path)


def test_without_a_name_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    logs.configure(from_dict({"LOG_FILE": ""}))
    logger.info("terminal only")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(ConfigError, match=r"LOG_FILE = .*trader.log: cannot be written"):
        logs.configure(settings(tmp_path))


def test_a_second_configuration_replaces_the_first_and_stop_ends_it(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    logs.configure(settings(tmp_path))
    logs.configure(settings(tmp_path))
    logger.info("once")
    assert written(tmp_path).count("once") == 1
    logs.stop()
    assert logging.getLogger().handlers == before


def test_keys_are_hidden_in_messages_values_and_tracebacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"BINANCE_API_KEY": "planted/key+1", "TRADER_LOG_FILE": str(tmp_path / "logs" / "trader.log")}
    logs.configure(load(root=tmp_path, environ=environ).settings)
    logger.info("planted/key+1")
    logger.info("GET /api?key=%s", "planted%2Fkey%2B1")
    logging.getLogger("aiohttp").warning("%r", {"X-MBX-APIKEY": "planted/key+1"})
    try:
        raise ValueError("refused: planted/key+1")
    except ValueError:
        logger.exception("failed")
    for text in (written(tmp_path), capsys.readouterr().err):
        assert text.count(HIDDEN) == 4 + text.count("raise ValueError(")
        assert "planted" not in text


@pytest.mark.parametrize("gone", ["closed", "none", "broken"])
def test_logging_goes_on_in_the_file_when_the_terminal_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    terminal = {"closed": io.StringIO(), "none": None, "broken": Broken()}[gone]
    if gone == "closed":
        terminal.close()  # type: ignore[union-attr]
    monkeypatch.setattr(sys, "stderr", terminal)
    logs.configure(settings(tmp_path))
    logger.info("one")
    logger.info("two")
    assert [line.split()[-1] for line in written(tmp_path).splitlines()] == ["one", "two"]


def test_a_line_that_cannot_be_formatted_is_named_without_its_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(settings(tmp_path))
    record = logger.makeRecord("trader.test", logging.INFO, __file__, 1, "%d", ("not-a-number",), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logs.Terminal | logs.LogFile):
            handler.handle(record)
    logger.info("next")
    said = capsys.readouterr().err
    assert "test_logs.py:1 is lost" in said
    assert "not-a-number" not in said
    assert "next" in written(tmp_path)
