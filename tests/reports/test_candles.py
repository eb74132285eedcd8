"""Pictures show the candles that the run read, and the store's around it: the same as the store's everywhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import START_MS
from tests.engine.runs import COINS, generated, loose, stored
from trader.core.timeframe import DAY_MS, HOUR_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.market.history import history
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.reports.candles import RunCandles

M1, M5, M30 = (Timeframe.parse(name) for name in ("1min", "5min", "30min"))
BEGIN = START_MS + DAY_MS


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Store:
    return stored(tmp_path_factory.mktemp("store"), generated())


@pytest.fixture(scope="module")
def result(store: Store) -> RunResult:
    return run_backtest(loose(TIMEFRAMES=["1min", "5min", "30min"]), store, BEGIN, BEGIN + DAY_MS)


def same(one: CandleTable, other: CandleTable) -> bool:
    names = ("open_time", "open", "high", "low", "close", "volume")
    return all(getattr(one, name).tolist() == getattr(other, name).tolist() for name in names)


@pytest.mark.parametrize("timeframe", [M1, M5, M30])
@pytest.mark.parametrize(
    ("start", "end"),
    [(3, 9), (3.01, 8.97), (-5, 4), (20, 30), (0, 24), (-9, -2), (5, 5)],
    ids=["inside", "at odd times", "before", "behind", "all", "outside", "nothing"],
)
def test_they_are_those_of_the_store(
    timeframe: Timeframe, start: float, end: float, store: Store, result: RunResult
) -> None:
    candles = RunCandles(result, store)
    span = (BEGIN + int(start * HOUR_MS), BEGIN + int(end * HOUR_MS))
    for coin in COINS:
        assert same(candles(coin, timeframe, *span), history(store, "spot", coin, timeframe, *span))


def test_inside_the_run_nothing_is_read_again(result: RunResult, tmp_path: Any) -> None:
    nothing = RunCandles(result, Store(tmp_path))
    assert len(nothing(COINS[0], M5, BEGIN + HOUR_MS, BEGIN + 3 * HOUR_MS)) == 24


def test_a_coin_that_the_run_has_not_read_comes_from_the_store(store: Store, result: RunResult) -> None:
    candles = RunCandles(msgspec.structs.replace(result, bases={}), store)
    assert len(candles(COINS[0], M5, BEGIN, BEGIN + HOUR_MS)) == 12
