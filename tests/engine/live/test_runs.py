"""A daemon over real sockets gives what a backtest gives, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.live.rigs import (
    BEGIN,
    Counts,
    Listener,
    Trades,
    backtest,
    counted,
    daemon,
    opened,
    tables_of,
    traded,
    two_coins,
)
from trader.core.timeframe import MINUTE_MS

END = BEGIN + 180 * MINUTE_MS
SOURCE = two_coins()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trades, Counts]:
    """What a backtest over the same three hours gives."""
    return backtest(tmp_path_factory.mktemp("store"), tables_of(SOURCE), END)


async def test_a_run_gives_the_trades_and_counts_of_a_backtest(tmp_path: Path, expected: tuple[Trades, Counts]) -> None:
    audience = Listener()
    async with daemon(tmp_path, SOURCE, end=END, audience=audience) as rig:
        await rig.to_the_end()
        assert (traded(audience), counted(rig)) == expected
        assert opened(audience) >= 4
        assert traded(audience)[-1][6] == "end_of_data"
        assert rig.trader.intake.repaired == 0


FAULTS: dict[str, dict[str, Any]] = {
    "drop": {"probability": 0.01},
    "stall": {"probability": 0.005, "amount": 0.2},
    "silent": {"probability": 0.003},
    "duplicate": {"probability": 0.2},
    "reorder": {"probability": 0.05},
    "delay": {"probability": 0.05, "amount": 0.05},
    "corrupt": {"probability": 0.05},
    "gap": {"probability": 0.05},
}


@pytest.mark.parametrize("kind", FAULTS)
async def test_streams_that_fail_are_repaired_before_a_decision(
    tmp_path: Path, expected: tuple[Trades, Counts], kind: str
) -> None:
    audience = Listener()
    async with daemon(tmp_path, SOURCE, end=END, audience=audience) as rig:
        rig.rate(kind, **FAULTS[kind])
        await rig.to_the_end()
        assert rig.exchange.plan.counts[kind] > 0
        assert (traded(audience), counted(rig)) == expected


@pytest.mark.parametrize(("kind", "amount"), [("429", 1.0), ("5xx", 503.0), ("timeout", 0.2)])
async def test_a_rest_door_that_fails_is_asked_until_it_answers(
    tmp_path: Path, expected: tuple[Trades, Counts], kind: str, amount: float
) -> None:
    audience = Listener()
    async with daemon(tmp_path, SOURCE, end=END, audience=audience) as rig:
        rig.rate("gap", 0.01)
        rig.arm(kind, count=2, amount=amount)
        await rig.to_the_end()
        assert rig.exchange.plan.counts[kind] == 2
        assert (traded(audience), counted(rig)) == expected


async def test_one_coin_that_goes_silent_is_subscribed_anew_though_time_stands_still(tmp_path: Path) -> None:
    async with daemon(tmp_path, SOURCE, end=END, COINS=["BTCUSDT"]) as rig:
        rig.arm("silent", "btcusdt@kline_1m")
        await rig.to_the_end()
        assert rig.trader.pulse.instants == 180


async def test_a_lost_message_of_the_end_is_asked_for(tmp_path: Path, expected: tuple[Trades, Counts]) -> None:
    audience = Listener()
    async with daemon(tmp_path, SOURCE, end=END, audience=audience) as rig:
        running = asyncio.create_task(rig.to_the_end())
        while not rig.exchange.play.ended:
            await asyncio.sleep(0)
            for connection in list(rig.exchange._sockets.connections):
                connection.unsubscribe(["!play"])
        await running
        assert (traded(audience), counted(rig)) == expected


async def test_bases_of_different_lengths_and_a_start_within_a_candle(tmp_path: Path) -> None:
    minutes, hours = two_coins(), two_coins(120, timeframe="5min")
    tables = [tables_of(minutes)[0], tables_of(hours)[1]]
    source = type(minutes)({"spot": tables})
    span: dict[str, Any] = {"TIMEFRAMES": ["1min", "5min", "15min"]}
    begin = BEGIN + 7 * MINUTE_MS
    expected = backtest(tmp_path / "store", tables, END, begin, **span)
    audience = Listener()
    async with daemon(tmp_path, source, begin=begin, end=END, audience=audience, **span) as rig:
        await rig.to_the_end()
        assert (traded(audience), counted(rig)) == expected


async def test_a_coin_that_is_listed_later_keeps_nobody_waiting(tmp_path: Path) -> None:
    old, young = tables_of(two_coins())
    tables = [old, young.between(BEGIN + 60 * MINUTE_MS, 2**62)]
    expected = backtest(tmp_path / "store", tables, END)
    audience = Listener()
    async with daemon(tmp_path, type(SOURCE)({"spot": tables}), end=END, audience=audience) as rig:
        await rig.to_the_end()
        assert (traded(audience), counted(rig)) == expected
