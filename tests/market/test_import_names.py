"""What the names of files and folders tell."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.builders import START_MS
from trader.core.errors import DataError
from trader.core.timeframe import DAY_MS
from trader.market.importing.names import names_of


@pytest.mark.parametrize(
    ("path", "symbol", "timeframe", "market"),
    [
        ("spot/BTCUSDT-1m-2025.parquet", "BTCUSDT", "1min", "spot"),
        ("usdm/BTCUSDT-um-1m-2025-05.parquet", "BTCUSDT", "1min", "futures"),
        ("x/FILUSDT-um-1m-2023-08_2023-11.parquet", "FILUSDT", "1min", "futures"),
        ("x/BTCUSDT-spot12-1m-2020-12-01.parquet", "BTCUSDT", "1min", "spot"),
        ("breadth/breadth-spot-1m-2021-05-01-7d.parquet", None, "1min", "spot"),
        ("trades-ETHUSDT-usdm-2024-08-08.parquet", "ETHUSDT", None, "futures"),
        ("trades-XRPETH-spot-2019-10-11.parquet", "XRPETH", None, "spot"),
        ("data/spot/monthly/klines/ETHUSDT/5m/ETHUSDT-5m-2025-01.zip", "ETHUSDT", "5min", "spot"),
        (
            "data/futures/um/daily/klines/1000PEPEUSDT/1h/1000PEPEUSDT-1h-2025-01-02.csv",
            "1000PEPEUSDT",
            "1h",
            "futures",
        ),
        ("BTCUSDT/15s/monthly/BTCUSDT-trades-2024-01_15s.csv", "BTCUSDT", "15s", None),
        ("BTC_USDT-1H.csv", "BTCUSDT", "1h", None),
        ("Binance_ETHUSDT_1D.csv", "ETHUSDT", "1d", None),
        ("btcusdt_1m.csv", "BTCUSDT", "1min", None),
        ("SOLUSDT/30m/part-7.csv", "SOLUSDT", "30min", None),
        ("SOLUSDT-1m-2025-01.zip/whatever.csv", "SOLUSDT", "1min", None),
        ("币安人生USDT-1m.csv", "币安人生USDT", "1min", None),
        ("futures/spot/BTCUSDT-1m.csv", "BTCUSDT", "1min", "spot"),
        ("BTC-1m.csv", "BTC", "1min", None),
        ("notes.csv", None, None, None),
    ],
)
def test_coin_timeframe_and_market_are_found(
    path: str, symbol: str | None, timeframe: str | None, market: str | None
) -> None:
    names = names_of(PurePath(path))
    assert (names.symbol, names.timeframe, names.market) == (symbol, timeframe, market)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("BTCUSDT-aggTrades-2025-01-01.zip", "aggtrades"),
        ("BTCUSDT-trades-2025-01-01.zip", "trades"),
        ("BTCUSDT-fundingRate-2025-01.zip", "funding"),
        ("BTCUSDT-trades-2025-01_1min.csv", "candles"),
        ("1s/BTCUSDT-aggTrades-2025-01-01.zip", "aggtrades"),
        ("BTCUSDT.csv", None),
    ],
)
def test_the_kind_is_found_for_files_without_headings(path: str, kind: str | None) -> None:
    assert names_of(PurePath(path)).kind == kind


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("BTCUSDT-trades-2025-01-01.csv", (START_MS, START_MS + DAY_MS)),
        ("BTCUSDT-aggTrades-2025-01.csv", (START_MS, START_MS + 31 * DAY_MS)),
        ("trades-BTCUSDT-spot-2025-01-01.parquet", None),
        ("BTCUSDT-trades-2025-13.csv", None),
        ("BTCUSDT-1m-2025-01.csv", None),
    ],
)
def test_only_the_archives_names_promise_whole_days_and_months(name: str, span: tuple[int, int] | None) -> None:
    assert names_of(PurePath(name)).span_ms == span


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("BTCUSDT-3m-2025.csv", "timeframe '3m' is unknown; allowed: 1s"),
        ("BTCUSDT-1M-2025.csv", "timeframe '1M' is unknown"),
        ("data/futures/cm/monthly/BTCUSD_PERP-1m-2025-01.zip", "COIN-M futures are not kept"),
    ],
)
def test_what_cannot_be_kept_is_refused(path: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        names_of(PurePath(path))
