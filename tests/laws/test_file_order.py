"""The order in which candles came to the store, by files, by imports, by rows of coins, changes nothing of a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.builders import same_table
from tests.engine.runs import COINS, generated, loose
from tests.market.import_files import imported, written
from trader.core.candle import VALUE_COLUMNS
from trader.core.settings import Settings
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.market.store import Store
from trader.market.table import CandleTable

M1 = Timeframe.MIN_1
HEAD = f"symbol,open_time,{','.join(VALUE_COLUMNS)}"
#: Rows of one file: two coins of three days are 18.
PIECE = 8 * 60
TABLES = generated(days=3)
Way = Callable[[Path, Store], None]


def rows_of(table: CandleTable) -> list[tuple[int, str]]:
    """Return (open time, line) of each candle."""
    columns = [getattr(table, name).tolist() for name in VALUE_COLUMNS]
    lines = zip(table.open_time.tolist(), *columns, strict=True)
    return [(time, ",".join(map(repr, (time, *values)))) for time, *values in lines]


def files(folder: Path) -> list[Path]:
    """Write the candles of each coin in pieces, and its funding; return the files in the order of coins and times."""
    paths = []
    for table in TABLES:
        rows = [line for _, line in rows_of(table)]
        for at in range(0, len(rows), PIECE):
            name = f"{table.symbol}-1m-part{at // PIECE:02}.csv"
            text = "\n".join([f"open_time,{','.join(VALUE_COLUMNS)}", *rows[at : at + PIECE]])
            paths.append(written(folder / name, f"{text}\n"))
        due = range(int(table.open_time[0]) + 8 * HOUR_MS, int(table.open_time[-1]), 8 * HOUR_MS)
        rates = [f"{table.symbol},{time},{0.0001 * (1 + at)}" for at, time in enumerate(due)]
        text = "\n".join(["symbol,funding_time,funding_rate", *rates])
        paths.append(written(folder / f"{table.symbol}-funding.csv", f"{text}\n"))
    return paths


def in_order(folder: Path, store: Store) -> None:
    """Import all files at once, coin by coin, the oldest first."""
    imported(store, *files(folder), market="futures")


def shuffled(seed: int) -> Way:
    """Return a way that imports all files at once, in a random order."""

    def way(folder: Path, store: Store) -> None:
        paths = files(folder)
        imported(store, *random.Random(seed).sample(paths, len(paths)), market="futures")

    return way


def one_by_one(folder: Path, store: Store) -> None:
    """Import each file by itself, the newest first, some of them twice."""
    paths = files(folder)
    for path in [*reversed(paths), *paths[::3]]:
        imported(store, path, market="futures")


def renamed(folder: Path, store: Store) -> None:
    """Import a folder whose files, read by name, come in another order of times."""
    for path in files(folder):
        head, part = path.stem.rsplit("-", 1)
        number = int(part[4:]) if part.startswith("part") else 0
        path.rename(path.with_name(f"{head}-{part[:4]}{99 - number}.csv"))
    imported(store, folder, market="futures")


def one_long_table(folder: Path, store: Store) -> None:
    """Import the candles of all coins as one table by time, the coins of each time in any order."""
    chance, paths = random.Random(11), files(folder)
    rows = [(time, chance.random(), f"{table.symbol},{line}") for table in TABLES for time, line in rows_of(table)]
    long = written(folder / "all-1m.csv", "\n".join([HEAD, *(line for *_, line in sorted(rows))]) + "\n")
    imported(store, long, *(path for path in paths if "funding" in path.name), market="futures")


def by_candle(folder: Path, store: Store) -> None:
    """Append candle by candle as a daemon does, the coins of each time in any order; funding comes first."""
    chance = random.Random(12)
    imported(store, *(path for path in files(folder) if "funding" in path.name), market="futures")
    for candles in zip(*(table.candles() for table in TABLES), strict=True):
        store.append("futures", chance.sample(candles, len(candles)))


WAYS: Sequence[Way] = (in_order, shuffled(1), shuffled(2), one_by_one, renamed, one_long_table, by_candle)


def values() -> Settings:
    """Return settings under which much is traded, and every rule that reads history does."""
    return loose(MARKET="futures", LEVERAGE=3, HEDGING={"enable": True}, CORRELATION_MODE="halve")


def outcome(store: Store) -> bytes:
    """Return trades, equity and counts of a run over the days behind the first of a store."""
    start = int(TABLES[0].open_time[0])
    result = run_backtest(values(), store, start + 24 * HOUR_MS)
    assert result.trades
    funnel = {f"{symbol} {timeframe}": rules for (symbol, timeframe), rules in result.funnel.items()}
    return msgspec.msgpack.encode([result.trades, result.final_equity, funnel, result.notes])


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, bytes]:
    """The store in which tables were put as they are, the last coin first, and what a run over it gives."""
    folder = tmp_path_factory.mktemp("straight")
    store = Store(folder / "data")
    for table in reversed(TABLES):
        store.merge("futures", table)
    imported(store, *(path for path in files(folder / "files") if "funding" in path.name))
    return store, outcome(store)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__qualname__.split(".")[0])
def test_the_order_in_which_candles_came_changes_nothing(
    way: Way, straight: tuple[Store, bytes], tmp_path: Path
) -> None:
    store = Store(tmp_path / "data")
    way(tmp_path / "files", store)
    one, expected = straight
    for coin in COINS:
        assert same_table(store.read("futures", coin, M1), one.read("futures", coin, M1))
        assert store.funding("futures", coin) == one.funding("futures", coin) != []
        told = [each.manifest("futures", coin, M1) for each in (store, one)]
        assert told[0].spans == told[1].spans
    assert outcome(store) == expected


def test_the_order_of_coins_in_exchange_info_and_brackets_changes_nothing(straight: tuple[Store, bytes]) -> None:
    store, _ = straight
    said = []
    for sign in (1, -1):
        filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.1"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
        info = {
            "symbols": [{"symbol": coin, "filters": filters, "contractType": "PERPETUAL"} for coin in COINS[::sign]]
        }
        store.save_exchange_info("futures", info)
        row = {"bracket": 1, "initialLeverage": 2, "notionalFloor": 0, "notionalCap": 9_000, "maintMarginRatio": 0.01}
        store.save_leverage_brackets(
            "futures", {coin: {"symbol": coin, "brackets": [row | {"cum": 0}]} for coin in COINS[::sign]}
        )
        said.append(outcome(store))
    assert said[0] == said[1]
