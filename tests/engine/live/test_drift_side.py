"""Drift beside the trading: what is counted of candles and trades, what is said, and what is kept over a restart."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.ml.models import market_rows
from tests.trading.worlds import World, wish
from trader.core.timeframe import DAY_MS
from trader.engine.live.drift_side import STATE_NAME, DriftSide, drift_words
from trader.ml.candidates import is_candidate
from trader.ml.drift import DayCounts, Reference, reference_of
from trader.ml.drift_watch import Drift, Measured, Moved
from trader.ml.inputs import inputs_of
from trader.trading.notes import Note, PartClosed

TODAY = 20_000 * DAY_MS


def reference(share: float = 0.0) -> Reference:
    rows = market_rows()
    asked = is_candidate(rows)
    counts = DayCounts(np.array([len(rows)]), np.array([round(share * len(rows)) or int(asked.sum())]))
    return reference_of(inputs_of(rows[asked]), {"1min": counts}, [], [])


def see(side: DriftSide) -> None:
    for number, part in enumerate(np.array_split(market_rows(), 100)):
        side.see(TODAY + number * DAY_MS // 20, ["1min"] * len(part), part)


def told(line: str) -> str:
    return line.removeprefix("drift: ")


def test_the_line_says_inputs_trades_and_candidates() -> None:
    inputs = (Moved("atr_pct", 0.31), Moved("rsi14", 0.12), Moved("body", 0.01))
    brier, won = Measured("brier", 41, 0.24, 0.22, 0.03), Measured("won", 41, 0.3, 0.3, 0.1)
    drift = Drift(9, 5_000, inputs, (Measured("1min", 9_000, 0.27, 0.26, 0.01),), brier, won, ())
    assert drift_words(drift) == (
        "2 of 3 inputs moved (atr_pct PSI 0.31, rsi14 PSI 0.12); Brier 0.24 (expected 0.22 ± 0.03, 41 trades); "
        "candidates 1min 27% (26%)"
    )
    few = msgspec.structs.replace(brier, count=5, error=float("inf"))
    unknown = msgspec.structs.replace(drift, inputs=(Moved("a", float("nan")),), brier=few, rates=())
    assert drift_words(unknown) == (
        "too few candidates to judge inputs (5,000 of 9 days); Brier 0.24 (expected 0.22, 5 trades)"
    )


def test_candles_are_counted_and_an_alarm_is_said_once_and_when_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alarms: list[bool] = []
    side = DriftSide(tmp_path, 14, alarms.append)
    side.begin(reference(share=0.6))
    with caplog.at_level(logging.INFO, "trader"):
        see(side)
        side.look()
        side.look()
        assert caplog.text.count("drift: candidates among candles of 1min: ") == 1
        side.begin(reference())
    assert alarms == [False, True, True, False]
    see(side)
    side.look()
    assert alarms[-1] is False
    assert told(side.line()).startswith("0 of ")


def lost_trade(success: float | None) -> list[Note]:
    """Return what is told of a trade that ends at its stop; `success` is what was said of its signal."""
    world, reading = World(), wish()
    assert reading.signal is not None
    signal = msgspec.structs.replace(reading.signal, success=success)
    world.tick(100, readings=[msgspec.structs.replace(reading, signal=signal)])
    world.tick(100)
    world.tick(100, 100, 90, 95)
    assert world.book.lost == 1
    return world.notes


def test_a_trade_counts_by_what_was_said_of_its_entry(tmp_path: Path) -> None:
    side = DriftSide(tmp_path, 14)
    side.begin(reference())
    for success in (0.7, None):
        for note in lost_trade(success):
            side.note(note)
    assert "Brier 0.49 (expected 0.21, 1 trades)" in side.line()


async def test_counts_and_open_entries_go_on_over_a_restart(tmp_path: Path) -> None:
    first, notes = DriftSide(tmp_path, 14), lost_trade(0.7)
    first.begin(reference())
    see(first)
    end = [type(note) for note in notes].index(PartClosed)
    for note in notes[:end]:
        first.note(note)
    job = asyncio.create_task(first.run())
    await asyncio.sleep(0)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    again = DriftSide(tmp_path, 14)
    again.begin(reference())
    for note in notes[end:]:
        again.note(note)
        first.note(note)
    assert "1 trades" in again.line()
    assert again.line() == first.line()


def test_what_was_kept_of_another_model_is_not_taken_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / STATE_NAME).write_bytes(b"{")
    with caplog.at_level(logging.INFO, "trader"):
        DriftSide(tmp_path, 14).begin(reference())
    assert "drift is counted anew" in caplog.text


def test_a_model_without_a_reference_is_not_watched(tmp_path: Path) -> None:
    side = DriftSide(tmp_path, 14)
    side.begin(None)
    see(side)
    side.look()
    assert side.line() == "drift: not watched, the model in force has no reference"
