"""A daemon that stops and starts again goes on where it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.live.rigs import (
    BEGIN,
    Listener,
    Rig,
    backtest,
    backtest_result,
    counted,
    daemon,
    tables_of,
    traded,
    two_coins,
    until,
)
from tests.exchange.embedded.sources import TableSource, coin
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.engine.live.snapshot import Snapshot, Snapshots
from trader.trading.notes import FundingPaid, Ordered, PartClosed, Refused

SOURCE = two_coins()
END = BEGIN + 180 * MINUTE_MS


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


@pytest.mark.parametrize("left", [1, 40, 100])
async def test_a_run_in_two_pieces_gives_what_one_run_gives(tmp_path: Path, left: int) -> None:
    audience = Listener()
    async with daemon(tmp_path, SOURCE, end=END, speed=12_000.0, audience=audience) as rig:
        await run_until(rig, BEGIN + left * MINUTE_MS)
    snapshot = saved(tmp_path)
    assert BEGIN + left * MINUTE_MS <= snapshot.at < END
    async with daemon(tmp_path, SOURCE, end=END, at=snapshot.at, audience=audience, snapshot=snapshot) as rig:
        await rig.to_the_end()
        assert (traded(audience), counted(rig)) == backtest(tmp_path / "store", tables_of(SOURCE), END)


async def test_what_closed_meanwhile_is_judged_and_decides_nothing(tmp_path: Path) -> None:
    whole = backtest_result(tmp_path / "store", tables_of(SOURCE), END).trades
    longest = max(whole, key=lambda trade: trade.exit_time - trade.entry_time)
    audience, heard = Listener(), Listener()
    async with daemon(tmp_path, SOURCE, end=END, speed=2_400.0, audience=audience) as rig:
        await run_until(rig, longest.entry_time + 2 * MINUTE_MS)
    snapshot = saved(tmp_path)
    assert longest.id in [trade.id for trade in snapshot.book.trades.values()]
    async with daemon(tmp_path, SOURCE, end=END, at=END - MINUTE_MS, audience=heard, snapshot=snapshot) as rig:
        assert rig.trader.book.time == END - MINUTE_MS
        assert heard.of(Refused) + heard.of(Ordered) == []
        assert counted(rig) == {(n, str(t)): r for n, ts in snapshot.book.funnel.items() for t, r in ts.items()}
        await rig.to_the_end()
    parts = [note.part for note in [*audience.of(PartClosed), *heard.of(PartClosed)] if note.trade.id == longest.id]
    assert [(p.time, p.price, p.reason) for p in parts] == [(p.time, p.price, p.reason) for p in longest.parts]


async def test_a_candle_that_was_missing_at_the_stop_is_judged_at_the_start(tmp_path: Path) -> None:
    wait: dict[str, Any] = {"INSTANT_WAIT_MS": {"spot": 50, "futures": 50}}
    async with daemon(tmp_path, SOURCE, end=END, speed=2_400.0, **wait) as rig:
        running = asyncio.create_task(rig.trader.run())
        await rig.trader.intake.connected.wait()
        rig.rate("5xx", 1.0)
        rig.arm("gap", "ethusdt@kline_1m")
        await until(lambda: rig.trader.intake.assembler.missing("ETHUSDT"))
        missing = sorted(rig.trader.intake.assembler.missing("ETHUSDT"))
        await until(lambda: rig.trader.book.time > missing[0] + 5 * MINUTE_MS)
        rig.trader.stop()
        await running
    snapshot = saved(tmp_path)
    assert missing[0] in snapshot.missing["ETHUSDT"]
    async with daemon(tmp_path, SOURCE, end=END, at=snapshot.at, snapshot=snapshot) as rig:
        stored = rig.store.read("spot", "ETHUSDT", rig.trader.plan.exits["ETHUSDT"], BEGIN, snapshot.at)
        assert missing[0] in stored.open_time
        await rig.to_the_end()


async def test_funding_that_fell_due_meanwhile_is_paid_at_its_instant(tmp_path: Path) -> None:
    due = BEGIN + 2 * HOUR_MS
    source = TableSource(
        {"futures": [coin("BTCUSDT", 900, seed=1)]},
        fundings={"BTCUSDT": (np.array([due]), np.array([0.001]))},
    )
    wide: dict[str, Any] = {
        "MARKET": "futures",
        "COINS": ["BTCUSDT"],
        "STOP_MODE": "atr",
        "ATR_STOP": {"stop_atr": 300.0, "target_atr": 900.0},
        "BREAKEVEN_STOP": {"enable": False},
        "TRAILING_STOP": {"enable": False},
        "PARTIAL_TP": {"enable": False},
        "MAX_PORTFOLIO_RISK": 10.0,
    }
    end = BEGIN + 4 * HOUR_MS
    async with daemon(tmp_path, source, end=end, speed=12_000.0, **wide) as rig:
        await run_until(rig, BEGIN + 90 * MINUTE_MS)
    snapshot, audience = saved(tmp_path), Listener()
    assert snapshot.at < due
    assert snapshot.book.trades
    async with daemon(
        tmp_path, source, end=end, at=due + 30 * MINUTE_MS, audience=audience, snapshot=snapshot, **wide
    ) as rig:
        assert [note.time for note in audience.of(FundingPaid)] == [due] * len(snapshot.book.trades)
        await rig.to_the_end()
    whole = Listener()
    async with daemon(tmp_path / "whole", source, end=end, audience=whole, **wide) as rig:
        await rig.to_the_end()
    assert [n.amount for n in audience.of(FundingPaid)] == [n.amount for n in whole.of(FundingPaid)]
