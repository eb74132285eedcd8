"""Base candles over real sockets, of every kind of feed: the same bits as the venue's history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, same_table
from tests.engine.live.rigs import BEGIN, COINS, Listener, Rig, backtest, counted, daemon, traded
from tests.exchange.embedded.sources import TableSource, coin
from trader.core.timeframe import MINUTE_MS, SECOND_MS, Timeframe
from trader.exchange.embedded.source_generated import GeneratedSource
from trader.market.resample import resample
from trader.market.table import CandleTable

MINUTES = 6
END = BEGIN + MINUTES * MINUTE_MS


#: The generated market, whose candles are made of its trades.
MARKET = GeneratedSource(7, COINS, BEGIN)


def history(market: str) -> list[CandleTable]:
    """Return its one-second candles up to `END`, more than two hours of them."""
    return [MARKET.candles(market, symbol, Timeframe.SEC_1, BEGIN - 130 * MINUTE_MS, END) for symbol in COINS]


def stored(rig: Rig, symbol: str, base: Timeframe, market: str) -> CandleTable:
    return rig.store.read(market, symbol, base, BEGIN, END)


@pytest.mark.parametrize(
    ("market", "names"),
    [
        ("spot", ["1s", "15s"]),
        ("spot", ["15s", "1min"]),
        ("spot", ["30s", "1min"]),
        ("futures", ["1s", "1min"]),
        ("futures", ["15s", "30s"]),
        ("futures", ["30s", "1min"]),
    ],
)
async def test_candles_below_a_minute_are_those_of_the_history(tmp_path: Path, market: str, names: list[str]) -> None:
    timeframe, finest, audience = Timeframe(names[0]), history(market), Listener()
    setting = {"MARKET": market, "TIMEFRAMES": names, "PRELOAD_CANDLES": 60}
    async with daemon(tmp_path, MARKET, end=END, audience=audience, **setting) as rig:
        await rig.to_the_end()
        for table in finest:
            expected = resample(table, timeframe).between(BEGIN, END)
            assert len(expected) == MINUTES * MINUTE_MS // timeframe.ms
            assert same_table(stored(rig, table.symbol, timeframe, market), expected)
        assert (traded(audience), counted(rig)) == backtest(
            tmp_path / "store", finest, END, info=MARKET.exchange_info(market), **setting
        )


@pytest.mark.parametrize("kind", ["drop", "corrupt", "silent"])
async def test_candles_from_trades_are_never_wrong_when_messages_are_lost(tmp_path: Path, kind: str) -> None:
    setting = {"MARKET": "futures", "TIMEFRAMES": ["15s", "1min"], "PRELOAD_CANDLES": 60}
    async with daemon(tmp_path, MARKET, end=END, **setting) as rig:
        rig.rate(kind, 0.01)
        await rig.to_the_end()
        assert rig.exchange.plan.counts[kind] > 0
        expected = resample(history("futures")[0], Timeframe.SEC_15).between(BEGIN, END)
        assert same_table(stored(rig, COINS[0], Timeframe.SEC_15, "futures"), expected)


async def test_columns_that_the_data_lacks_are_absent_for_daemon_and_backtest_alike(tmp_path: Path) -> None:
    full = coin("BTCUSDT", 600)
    nothing = np.full(len(full), np.nan)
    names = ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")
    columns = {name: getattr(full, name) for name in ("open", "high", "low", "close", "volume")}
    bare = CandleTable.build("BTCUSDT", Timeframe.MIN_1, full.open_time, **columns, **dict.fromkeys(names, nothing))
    audience, end = Listener(), BEGIN + 120 * MINUTE_MS
    async with daemon(tmp_path, TableSource({"spot": [bare]}), end=end, audience=audience, COINS=["BTCUSDT"]) as rig:
        await rig.to_the_end()
        kept = rig.store.read("spot", "BTCUSDT", Timeframe.MIN_1, START_MS, end)
        assert all(np.isnan(getattr(kept, name)).all() for name in names)
        expected = backtest(tmp_path / "store", [bare], end, COINS=["BTCUSDT"])
        assert (traded(audience), counted(rig)) == expected


async def test_quarters_of_a_minute_have_no_name_on_spot_and_are_traded_as_minutes(tmp_path: Path) -> None:
    source, end = TableSource({"spot": [coin("BTCUSDT", 2_400, timeframe="15s")]}), BEGIN + 10 * MINUTE_MS
    setting: dict[str, Any] = {"COINS": ["BTCUSDT"], "TIMEFRAMES": ["15s", "1min"]}
    async with daemon(tmp_path, source, end=end, **setting) as rig:
        assert rig.trader.plan.notes == ["BTCUSDT is not traded on 15s: its data begins at 1min"]
        await rig.to_the_end()
        assert rig.trader.pulse.instants == 10


async def test_an_exit_stream_finer_than_all_timeframes_decides_nothing(tmp_path: Path) -> None:
    setting: dict[str, Any] = {"TIMEFRAMES": ["1min"], "EXIT_TIMEFRAME": "15s", "PRELOAD_CANDLES": 60}
    async with daemon(tmp_path, MARKET, end=END, **setting) as rig:
        await rig.to_the_end()
        assert {timeframe for _, timeframe in counted(rig)} == {"1min"}
        assert rig.trader.pulse.instants == MINUTES * 4
        assert rig.trader.plan.exits["BTCUSDT"].ms == SECOND_MS * 15
