"""Downloads into a store: from the embedded exchange, and from a small venue that counts what it is asked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, same_table, table
from tests.exchange.binance.venues import RestVenue, rest_venue
from tests.exchange.embedded.sources import TableSource, coin, two_markets
from tests.shared import ROOT
from trader.cli.app import main
from trader.core.errors import ConfigError, Unavailable
from trader.core.settings import Market
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.engine.download import DownloadReport, DownloadRequest, download
from trader.exchange.binance.client import Patience
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import ExchangeOptions
from trader.exchange.embedded.source_generated import DEFAULT_START_MS, GeneratedSource
from trader.execution.governor import WeightGovernor
from trader.market.history import history
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.market.trades import candles_from_trades

M1, M5, S1 = Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.SEC_1
MINUTES = 12_000
END_MS = START_MS + MINUTES * MINUTE_MS
QUICK = Patience(timeout_s=0.5, attempts=8, first_wait_s=0.005, longest_wait_s=0.01)


@asynccontextmanager
async def reading(url: str, market: Market = "spot", patience: Patience = QUICK) -> AsyncIterator[BinanceRest]:
    gate = WeightGovernor(6_000, 0.2, jitter_s=0.01)
    funding_gate = WeightGovernor(500, window_s=300)
    async with BinanceRest(endpoints("embedded", market, url), gate, funding_gate, patience=patience) as rest:
        yield rest


@asynccontextmanager
async def playing(source: TableSource | GeneratedSource, **options: Any) -> AsyncIterator[str]:
    """Play `source`, standing still behind its last candle but one."""
    first, last = source.span("spot", "BTCUSDT", source.timeframes("spot", "BTCUSDT")[0])
    held = {"start": first, "at": last - 1, "hold": True, **options}
    exchange = EmbeddedExchange(ExchangeOptions(**held), source)
    await exchange.start()
    try:
        yield exchange.base_url
    finally:
        await exchange.stop()


def silent(what: str, done: int, total: int) -> None:
    return


async def fetch(rest: BinanceRest, store: Store, *timeframes: Timeframe, **changes: Any) -> DownloadReport:
    wanted = {"coins": ["BTCUSDT"], "timeframes": timeframes or [M1], "start_ms": START_MS, **changes}
    return await download(rest, store, DownloadRequest(**wanted), silent)


def stored(store: Store, market: str = "spot", timeframe: Timeframe = M1, symbol: str = "BTCUSDT") -> CandleTable:
    return store.read(market, symbol, timeframe)


@pytest.mark.parametrize("market", ["spot", "futures"])
async def test_the_store_holds_what_the_exchange_has_played(market: Market, tmp_path: Path) -> None:
    source, store = two_markets(MINUTES), Store(tmp_path)
    told: list[tuple[str, int, int]] = []
    async with playing(source) as url, reading(url, market) as rest:
        request = DownloadRequest(["BTCUSDT", "ETHUSDT"], [M1, M5], START_MS)
        report = await download(rest, store, request, lambda *progress: told.append(progress))

    for symbol in ("BTCUSDT", "ETHUSDT"):
        played = source.candles(market, symbol, M1, START_MS, END_MS - MINUTE_MS)
        assert same_table(stored(store, market, symbol=symbol), played)
        assert len(stored(store, market, M5, symbol)) == MINUTES // 5 - 1
    assert report.added == sum(stream.manifest.rows for stream in report.streams)
    assert report.funding == ({"BTCUSDT": 8, "ETHUSDT": 0} if market == "futures" else {})
    assert store.exchange_info(market) is not None
    assert told[-1][1:] == (report.added, report.added)


async def test_a_span_ends_where_it_is_told(tmp_path: Path) -> None:
    source, store = two_markets(MINUTES), Store(tmp_path)
    async with playing(source) as url, reading(url) as rest:
        await fetch(rest, store, start_ms=START_MS + 30_000, end_ms=START_MS + 10 * MINUTE_MS + 1)

    times = stored(store).open_time
    assert (times[0], times[-1]) == (START_MS + MINUTE_MS, START_MS + 9 * MINUTE_MS)


async def test_a_second_download_asks_for_nothing_that_is_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    async with rest_venue(RestVenue(coin("BTCUSDT", MINUTES))) as venue, reading(venue.url) as rest:
        await fetch(rest, store)
        venue.asked.clear()
        report = await fetch(rest, store)

    assert report.added == 0
    assert [(path, query.get("limit")) for path, query in venue.asked] == [("exchangeInfo", None), ("klines", "1")]


async def test_only_what_lacks_is_asked_for(tmp_path: Path) -> None:
    candles, store = coin("BTCUSDT", 3_000), Store(tmp_path)
    store.merge("spot", candles.between(START_MS + 500 * MINUTE_MS, START_MS + 2_500 * MINUTE_MS))
    async with rest_venue(RestVenue(candles)) as venue, reading(venue.url) as rest:
        report = await fetch(rest, store)
        asked = [(int(query["startTime"]) - START_MS) // MINUTE_MS for _, query in venue.asked if "startTime" in query]

    assert asked == [0, 2_500]
    assert report.added == 999
    assert len(stored(store)) == 2_999


async def test_a_gap_that_the_exchange_confirms_is_not_asked_for_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    holed = table(range(1, 101), without=range(20, 60))
    async with rest_venue(RestVenue(holed)) as venue, reading(venue.url) as rest:
        first = await fetch(rest, store)
        venue.asked.clear()
        second = await fetch(rest, store)

    assert (first.streams[0].absent, second.streams[0].absent, second.added) == (40, 40, 0)
    assert len(first.streams[0].manifest.gaps) == 1
    assert not [query for _, query in venue.asked if "startTime" in query]
    assert "40 candles that the exchange does not have" in "\n".join(second.lines())


async def test_the_time_before_a_listing_is_jumped_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    async with rest_venue(RestVenue(coin("BTCUSDT", 300))) as venue, reading(venue.url) as rest:
        report = await fetch(rest, store, start_ms=START_MS - 30 * 24 * 60 * MINUTE_MS)

    assert report.added == 299
    assert len(venue.asked) < 20


async def test_what_came_before_a_failure_is_kept_and_the_rest_follows(tmp_path: Path) -> None:
    candles, store = coin("BTCUSDT", MINUTES), Store(tmp_path)
    broken = (503, {}, "Service Unavailable.")
    async with rest_venue(RestVenue(candles)) as venue, reading(venue.url) as rest:
        venue.script = [0.0] * 11 + [broken] * 100
        with pytest.raises(Unavailable):
            await fetch(rest, store)
        kept = len(stored(store))
        venue.script = []
        report = await fetch(rest, store)

    assert 0 < kept < MINUTES - 1
    assert report.added == MINUTES - 1 - kept
    assert stored(store).close.tolist() == candles.close[:-1].tolist()


async def test_what_came_before_an_interruption_is_kept(tmp_path: Path) -> None:
    candles, store = coin("BTCUSDT", MINUTES), Store(tmp_path)
    async with rest_venue(RestVenue(candles)) as venue, reading(venue.url) as rest:
        venue.script = [0.0] * 11 + [30.0] * 10
        running = asyncio.create_task(fetch(rest, store))
        async with asyncio.timeout(5):
            while len(venue.asked) < 12:  # noqa: ASYNC110 - a fact of the venue, no event
                await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        kept = len(stored(store))
        venue.script = []
        await fetch(rest, store)

    assert 0 < kept < MINUTES - 1
    assert len(stored(store)) == MINUTES - 1


async def test_unknown_coins_are_refused_together_before_anything_is_stored(tmp_path: Path) -> None:
    store = Store(tmp_path)
    async with playing(two_markets()) as url, reading(url) as rest:
        with pytest.raises(ConfigError, match="did you mean BTCUSDT") as caught:
            await fetch(rest, store, coins=["BTCUSD", "NOSUCHCOIN", "ETHUSDT"])

    assert len(caught.value.faults) == 2
    assert store.markets() == []


@pytest.mark.parametrize("fault", ["5xx=0.2", "429=0.05:1", "timeout=0.05:1"])
async def test_a_troubled_exchange_gives_the_same_candles(fault: str, tmp_path: Path) -> None:
    source, store = two_markets(MINUTES), Store(tmp_path)
    async with playing(source, faults=(parse_fault(fault),), fault_seed=3) as url, reading(url) as rest:
        await fetch(rest, store)

    assert same_table(stored(store), source.candles("spot", "BTCUSDT", M1, START_MS, END_MS - MINUTE_MS))


async def test_quarter_minutes_of_spot_are_built_from_its_seconds(tmp_path: Path) -> None:
    source = TableSource({"spot": [coin("BTCUSDT", 601, timeframe="1s")], "futures": []})
    store = Store(tmp_path)
    async with playing(source) as url, reading(url) as rest:
        report = await fetch(rest, store, Timeframe.SEC_15, Timeframe.SEC_30)

    assert [stream.timeframe for stream in report.streams] == [S1]
    assert len(history(store, "spot", "BTCUSDT", Timeframe.SEC_15, START_MS, END_MS)) == 40
    assert "built from the 1s candles" in "\n".join(report.lines())


def trades(count: int, *, seed: int = 0, missing: range = range(0)) -> list[dict[str, Any]]:
    """Return trades over an hour with silent minutes, two real ones to each row."""
    random = np.random.default_rng(seed)
    times = np.sort(random.integers(START_MS - 50_000, START_MS + 3_600_000, count))
    times = times[(times // MINUTE_MS) % 7 != 3]
    prices = np.round(100 + np.cumsum(random.normal(0, 0.01, len(times))), 2)
    return [
        {"a": at, "p": str(price), "q": "0.5", "f": 2 * at, "l": 2 * at + 1, "T": int(time), "m": at % 3 == 0}
        for at, (time, price) in enumerate(zip(times.tolist(), prices.tolist(), strict=True))
        if at not in missing
    ]


def seconds_of(rows: list[dict[str, Any]], end_ms: int) -> CandleTable:
    return candles_from_trades(
        "BTCUSDT",
        S1,
        np.array([row["T"] for row in rows]),
        np.array([float(row["p"]) for row in rows]),
        np.array([float(row["q"]) for row in rows]),
        np.array([row["m"] for row in rows]),
        START_MS,
        end_ms,
        ids=np.array([row["a"] for row in rows]),
        counts=np.full(len(rows), 2.0),
    )


@pytest.mark.parametrize("missing", [range(0), range(9_000, 9_040)], ids=["whole", "with missing trades"])
async def test_seconds_of_futures_are_built_from_trades(missing: range, tmp_path: Path) -> None:
    venue = RestVenue(table([100.0] * 70, start_ms=START_MS - 5 * MINUTE_MS))
    venue.trades = trades(45_000, missing=missing)
    end_ms, store = START_MS + 60 * MINUTE_MS, Store(tmp_path)
    async with rest_venue(venue), reading(venue.url, "futures") as rest:
        report = await fetch(rest, store, S1, end_ms=end_ms)
        again = await fetch(rest, store, S1, end_ms=end_ms)

    expected = seconds_of(venue.trades, end_ms)
    assert same_table(stored(store, "futures", S1), expected)
    assert len(expected) + report.streams[0].absent == 3_600
    assert again.added == 0


async def test_seconds_before_the_first_trade_stand_at_the_price_before(tmp_path: Path) -> None:
    venue = RestVenue(table([77.0] * 10, start_ms=START_MS - 5 * MINUTE_MS))
    late = {"a": 5, "p": "80", "q": "1", "f": 1, "l": 1, "T": START_MS + 100_000, "m": False}
    venue.trades = [late]
    store = Store(tmp_path)
    async with rest_venue(venue), reading(venue.url, "futures") as rest:
        await fetch(rest, store, S1, end_ms=START_MS + 2 * MINUTE_MS)

    candles = stored(store, "futures", S1)
    assert candles.close.tolist() == [77.0] * 100 + [80.0] * 20
    assert candles.volume.sum() == 1.0


@contextmanager
def in_a_thread(exchange: Callable[[], AbstractAsyncContextManager[str]]) -> Iterator[str]:
    """Run `exchange` in a thread, for commands that have loops of their own."""
    ready, stopping = threading.Event(), threading.Event()
    found: list[str] = []

    async def play() -> None:
        async with exchange() as url:
            found.append(url)
            ready.set()
            while not stopping.is_set():  # noqa: ASYNC110 - an event of threads
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(play()))
    thread.start()
    ready.wait(10)
    yield found[0]
    stopping.set()
    thread.join()


@pytest.fixture
def exchange_url() -> Iterator[str]:
    """Play two markets."""
    with in_a_thread(lambda: playing(two_markets(MINUTES))) as url:
        yield url


@pytest.fixture
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADER_") or name in ("MODE", "DATA_SOURCE")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_in_an_empty_directory")
def test_the_command_says_what_it_brought(exchange_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "download",
        "--coins",
        "BTCUSDT",
        "--timeframes",
        "1min,15min",
        "--from",
        "2025-01-01",
        "--to",
        "2025-01-03",
    ]

    assert main([*words, "--url", exchange_url, "--data", "home"]) == 0

    said = capsys.readouterr().out
    assert "spot BTCUSDT 1min: added 2,880, stored 2,880, from 2025-01-01, to 2025-01-03, gaps none" in said
    assert Store("home").manifest("spot", "BTCUSDT", Timeframe.MIN_15).rows == 192


@pytest.mark.usefixtures("_in_an_empty_directory")
@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--from", "2025-01-01"], "--url https://api.binance.com"),
        (["--from", "2025-01-01", "--market", "futures"], "--url https://fapi.binance.com"),
        (["--from", "yesterday", "--url", "http://127.0.0.1:9"], "yesterday"),
        (["--from", "2025-01-02", "--to", "2025-01-01", "--url", "http://127.0.0.1:9"], "--to 2025-01-01"),
        (["--from", "2025-01-02", "--url", "127.0.0.1"], "REST_URL"),
    ],
)
def test_wrong_use_is_refused_in_words(words: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", *words]) == 2
    assert fault in capsys.readouterr().err


@pytest.mark.usefixtures("_in_an_empty_directory")
def test_a_wrong_coin_is_refused_with_its_neighbours(exchange_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["download", "--coins", "ETHXUSDT", "--from", "2025-01-01", "--url", exchange_url, "--data", "home"]
    assert main(words) == 2
    assert "did you mean ETHUSDT" in capsys.readouterr().err


@pytest.mark.usefixtures("_in_an_empty_directory")
def test_generated_candles_are_not_put_among_real_ones(capsys: pytest.CaptureFixture[str]) -> None:
    invented = GeneratedSource(1, ("BTCUSDT",), DEFAULT_START_MS)
    with in_a_thread(lambda: playing(invented, start=DEFAULT_START_MS, at=DEFAULT_START_MS)) as url:
        assert main(["download", "--coins", "BTCUSDT", "--from", "2026-01-05", "--url", url]) == 2
    assert "allowed: a folder of their own, as in --data" in capsys.readouterr().err
    assert not Path("data/spot").exists()


@pytest.mark.usefixtures("_in_an_empty_directory")
def test_an_interrupted_command_ends_with_130_and_loses_nothing(exchange_url: str) -> None:
    words = ["download", "--coins", "BTCUSDT,ETHUSDT", "--from", "2024-01-01", "--url", exchange_url, "--data", "home"]
    slow = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "start.py"), *words], env=slow, stderr=subprocess.PIPE, text=True
    )
    manifest = Path("home/spot/BTCUSDT/1min/manifest.json")
    while process.poll() is None and not manifest.exists():
        threading.Event().wait(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)

    assert process.returncode == 130, said
    assert "what has come is kept" in said
    assert Store("home").manifest("spot", "BTCUSDT", M1).rows > 0
