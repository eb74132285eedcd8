"""A daemon knows the hours before its first instant, and they are those of a backtest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import START_MS, walk
from tests.engine.live.rigs import Listener, Rig, backtest, counted, daemon, refused, tables_of, traded, until
from tests.exchange.embedded.sources import TableSource, coin, rounded
from trader.core.signal import Pattern
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.engine.hours import hours_before
from trader.engine.live.snapshot import Snapshot, Snapshots
from trader.market.history import joined
from trader.market.store import Store
from trader.market.table import CandleTable


def twin(name: str, seed: int) -> CandleTable:
    """Return a coin that did as the others for six days, and some hours of its own."""
    past = coin(name, 6 * 1_440, seed=4)
    end, price = START_MS + 6 * DAY_MS, float(past.close[-1])
    return joined([past, rounded(walk(300, seed=seed, symbol=name, start_ms=end, price=price))])


SOURCE = TableSource({"spot": [twin("BTCUSDT", 5), twin("ETHUSDT", 6)]})
BEGIN = START_MS + 6 * DAY_MS + 37 * MINUTE_MS
END = BEGIN + 180 * MINUTE_MS
WIDE = {pattern.value: {"sl_pct": 0.05, "tp_pct": 0.2} for pattern in Pattern}
SKIP: dict[str, Any] = {"CORRELATION_MODE": "skip", "MAX_POSITION_SIZE_PCT": 0.1, "PATTERN_TARGETS": WIDE}


def saved(home: Path) -> Snapshot:
    """Return the snapshot that a daemon has left."""
    found = Snapshots(home / "snapshot.msgpack").load()
    assert isinstance(found, Snapshot)
    return found


async def run_until(rig: Rig, time: int) -> None:
    """Run until the market has reached `time`, then stop."""
    running = asyncio.create_task(rig.trader.run())
    await until(lambda: rig.trader.book.time >= time)
    rig.trader.stop()
    await running


async def test_coins_that_move_together_are_refused_from_the_first_hour_on_as_in_a_backtest(tmp_path: Path) -> None:
    audience = Listener()
    async with daemon(tmp_path, SOURCE, begin=BEGIN, end=END, audience=audience, **SKIP) as rig:
        before = msgspec.msgpack.encode(rig.trader.book.hours)
        await rig.to_the_end()
        store = tmp_path / "store"
        expected = backtest(store, tables_of(SOURCE), END, BEGIN, **SKIP)
        assert (traded(audience), counted(rig)) == expected
        assert traded(audience)
        assert refused(audience, "correlated")
        known = {
            name: hours_before(Store(store), "spot", name, Timeframe.MIN_1, BEGIN) for name in rig.trader.plan.exits
        }
        assert before == msgspec.msgpack.encode(known)


@pytest.mark.parametrize("away", [0, 90])
async def test_hours_go_on_over_a_restart_and_what_was_missed_is_in_them(tmp_path: Path, away: int) -> None:
    """The daemon stops in the middle of an hour and is away for some minutes; then its hours are all there."""
    async with daemon(tmp_path, SOURCE, begin=BEGIN, end=END, speed=12_000.0, **SKIP) as rig:
        await run_until(rig, BEGIN + 50 * MINUTE_MS)
    snapshot = saved(tmp_path)
    back = snapshot.at + away * MINUTE_MS
    async with daemon(tmp_path, SOURCE, begin=BEGIN, end=END, at=back, snapshot=snapshot, **SKIP) as rig:
        await rig.to_the_end()
        hours = rig.trader.book.hours
    whole = backtest_hours(tmp_path / "store")
    assert msgspec.msgpack.encode(hours) == msgspec.msgpack.encode(whole)


def backtest_hours(folder: Path) -> dict[str, Any]:
    """Return the hours at the end of the play: those before it, and what its minutes made of them."""
    store = Store(folder)
    hours = {}
    for table in tables_of(SOURCE):
        store.merge("spot", table)
        hours[table.symbol] = hours_before(store, "spot", table.symbol, Timeframe.MIN_1, BEGIN)
        for candle in table.between(BEGIN, END).candles():
            hours[table.symbol].take(candle, candle.close_time)
    return hours


async def test_a_rule_that_was_off_before_the_restart_finds_its_hours(tmp_path: Path) -> None:
    off = {**SKIP, "CORRELATION_MODE": "off"}
    async with daemon(tmp_path, SOURCE, begin=BEGIN, end=END, speed=12_000.0, **off) as rig:
        await run_until(rig, BEGIN + 50 * MINUTE_MS)
        assert rig.trader.book.hours == {}
    snapshot = saved(tmp_path)
    async with daemon(tmp_path, SOURCE, begin=BEGIN, end=END, at=snapshot.at, snapshot=snapshot, **SKIP) as rig:
        hours = rig.trader.book.hours["BTCUSDT"]
        assert len(hours.closes) > 6 * 24 - 2
        assert next(reversed(hours.closes)) == snapshot.at // HOUR_MS
