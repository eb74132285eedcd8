"""What `status` shows on a terminal."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from trader.cli.status import table
from trader.engine.control.messages import Changed, OpenTrade, PendingEntry, Status, Streams

TRADE = OpenTrade(
    id=118,
    symbol="1000SHIBUSDT",
    timeframe="15min",
    direction="SHORT",
    quantity=112_345.0,
    entry_price=0.0123456,
    entry_time=1_767_571_200_000,
    price=0.0122001,
    unrealised=16.35,
    leverage=3.0,
    stop=0.0125001,
    stop_reason="stop_loss",
    stop_distance=0.0246,
    take_profit=0.011,
    closing="",
    hedge=False,
)
HEDGE = msgspec.structs.replace(TRADE, id=119, hedge=True, stop=None, stop_distance=None, take_profit=None)
CLOSING = msgspec.structs.replace(TRADE, id=120, closing="manual")
STATUS = Status(
    venue="paper futures",
    mode="paper",
    market="futures",
    pid=123,
    time=1_767_574_830_142,
    last_instant=1_767_574_800_000,
    initial=10_000.0,
    equity=10_123.4,
    free=8_000.0,
    reserved=2_107.05,
    drawdown=0.0123,
    won=3,
    lost=2,
    trades=[TRADE, HEDGE, CLOSING],
    pending=[PendingEntry("SOLUSDT", "1min", "LONG", 3.2, 101.2, 99.1, False)],
    guards=["paused by a person"],
    paused=True,
    killed=False,
    changed=[Changed("TRAILING_STOP.trail_pct", "0.004", "0.005")],
    waiting=["close BTCUSDT"],
    funnel={"no_pattern": 1_366_560, "low_probability": 134_758, "opened": 54},
    streams=Streams(True, 400, {"a": 0, "b": 1_300, "c": None}, 0.5, 25.1, 100, 258, ["SOLUSDT"], {"reconnects": 2}),
    warnings=["the snapshot cannot be written: no space left"],
    lines=[],
)


def shown(status: Status, width: int) -> list[str]:
    """Return the lines that a terminal of `width` columns shows."""
    console = Console(file=io.StringIO(), width=width)
    console.print(table("paper-futures", status, width))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_eighty_columns_show_everything_that_matters() -> None:
    lines = shown(STATUS, 80)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "…" not in text
    assert lines[0] == "paper-futures  process 123  2026-01-05 01:00:30  PAUSED"
    assert lines[1:4] == [
        "the snapshot cannot be written: no space left",
        "missing candles: SOLUSDT",
        "waits for the next candle: close BTCUSDT",
    ]
    assert "equity    10,123.40 (+123.40, +1.23%)" in text
    assert "drawdown  1.23%" in text
    assert "changed   TRAILING_STOP.trail_pct = 0.004 (settings: 0.005)" in text
    rows = [line.split() for line in lines if line.lstrip().startswith(("1", "-"))]
    assert ["118", "1000SHIBUSDT", "15min", "SHORT", "0.0123456", "0.0122001", "+16.35", "0.0125001", "2.46%"] in rows
    assert ["119", "1000SHIBUSDT", "15min", "SHORT", "0.0123456", "0.0122001", "+16.35", "hedge"] in rows
    assert ["120", "1000SHIBUSDT", "15min", "SHORT", "0.0123456", "0.0122001", "+16.35", "closing"] in rows
    assert ["-", "SOLUSDT", "1min", "LONG", "waits", "101.2", "99.1"] in rows
    assert "connected, oldest stream 1.3 s; 258 candles" in text
    assert "2 reconnects" in text
    assert "1,501,372 decisions: no_pattern 1,366,560" in text


def test_a_wide_terminal_shows_quantities() -> None:
    assert "112345" in "\n".join(shown(STATUS, 120))


@pytest.mark.parametrize(
    ("paused", "killed", "word"), [(False, False, "trading"), (True, False, "PAUSED"), (True, True, "KILLED")]
)
def test_the_first_line_says_whether_it_trades(paused: bool, killed: bool, word: str) -> None:
    quiet = msgspec.structs.replace(STATUS, paused=paused, killed=killed, trades=[], pending=[], funnel={})
    lines = shown(quiet, 80)
    assert lines[0].endswith(word)
    assert "no trade is open, no entry waits" in lines
