"""Candles and snapshots on disk: in order, and tried again when a disk is full."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from tests.builders import M1, START_MS, candle
from trader.core.timeframe import MINUTE_MS
from trader.engine.live.keeper import SNAPSHOT_NAME, Keeper
from trader.market.store import Store


def made(folder: Path) -> Keeper:
    return Keeper(Store(folder / "data"), "spot", folder / "home")


def kept(folder: Path) -> int:
    return len(Store(folder / "data").read("spot", "BTCUSDT", M1, START_MS, START_MS + 60 * MINUTE_MS))


async def test_a_flush_is_over_when_all_that_was_taken_before_is_on_disk(tmp_path: Path) -> None:
    keeper = made(tmp_path)
    keeper.keep([candle(100.0, at=0)])
    first = asyncio.create_task(keeper.flush())
    await asyncio.sleep(0)  # it has taken the candle, and a thread writes it
    await keeper.flush()
    assert kept(tmp_path) == 1
    await first


async def test_writes_that_nobody_waits_for_any_more_still_come_before_the_last_one(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    keeper = made(tmp_path)
    for number in range(20):
        saving = asyncio.create_task(keeper.save(b"%d" % number))
        await asyncio.sleep(0)
        saving.cancel()
    await keeper.close(b"the last")
    assert (tmp_path / "home" / SNAPSHOT_NAME).read_bytes() == b"the last"


async def test_trouble_is_said_once_and_ends_in_words_when_something_was_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "data").write_text("no folder can be made here")
    keeper = made(tmp_path)
    for at in range(3):
        keeper.keep([candle(100.0, at=at)])
        await keeper.flush()
        await keeper.flush()  # nothing to write proves nothing
    assert keeper.trouble.startswith("candles cannot be written: ")
    (tmp_path / "data").unlink()
    keeper.keep([candle(100.0, at=3)])
    await keeper.flush()
    assert keeper.trouble == ""
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert said[1] == "candles can be written again"
