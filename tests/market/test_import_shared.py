"""The real files, as they lie beside the repository: every one is imported, with the rows and gaps it is known for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import M1
from tests.market.import_files import imported
from tests.shared import shared_path
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.market.importing.report import ImportReport, utc
from trader.market.store import Store

OUTAGE = ("2023-03-24 12:40", "2023-03-24 14:00")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, ImportReport]:
    store = Store(tmp_path_factory.mktemp("data"))
    return store, imported(store, shared_path("data"))


def test_no_file_is_broken_and_no_row_refused(everything: tuple[Store, ImportReport]) -> None:
    _, report = everything
    assert not report.failed
    assert all(stream.refused_rows == stream.result.conflicts == 0 for stream in report.streams.values())
    assert all(not funding.refused and not funding.result.conflicts for funding in report.funding.values())
    assert all("recorded" in path for path, _ in report.skipped)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize(("year", "rows"), [(2023, 525_520), (2024, 527_040), (2025, 525_600)])
def test_the_years_of_spot_are_whole(everything: tuple[Store, ImportReport], symbol: str, year: int, rows: int) -> None:
    assert len(everything[0].read("spot", symbol, M1, year_ms(year), year_ms(year + 1))) == rows


def test_the_outage_of_march_2023_is_the_only_gap_of_these_years(everything: tuple[Store, ImportReport]) -> None:
    gaps = everything[0].manifest("spot", "ETHUSDT", M1).gaps
    assert [(utc(start), utc(end)) for start, end in gaps if start >= year_ms(2023)] == [OUTAGE]


@pytest.mark.parametrize(
    ("symbol", "rows"),
    [("FILUSDT", 175_680 + 40_320), ("NEARUSDT", 132_480 + 40_320), ("ALGOUSDT", 40_320), ("DOTUSDT", 40_320)],
)
def test_futures_with_all_columns(everything: tuple[Store, ImportReport], symbol: str, rows: int) -> None:
    manifest = everything[0].manifest("futures", symbol, M1)
    assert (manifest.rows, len(manifest.columns), manifest.partial) == (rows, 9, ())


@pytest.mark.parametrize(("symbol", "rows"), [("BTCUSDT", 43_199), ("ETHUSDT", 60_191), ("SOLUSDT", 43_200)])
def test_futures_of_2025_with_prices_alone(everything: tuple[Store, ImportReport], symbol: str, rows: int) -> None:
    manifest = everything[0].manifest("futures", symbol, M1)
    assert (manifest.rows, manifest.gaps, len(manifest.columns)) == (rows, (), 5)


def test_candles_with_more_columns_enriched_those_of_the_same_days(everything: tuple[Store, ImportReport]) -> None:
    stream = everything[1].streams["spot", "BTCUSDT", M1]
    assert stream.result.enriched == 4_319


def test_the_long_table_gave_forty_coins(everything: tuple[Store, ImportReport]) -> None:
    store, report = everything
    breadth = [key for key, stream in report.streams.items() if key[0] == "spot" and key[2] is M1]
    assert len(breadth) == 41  # and SUIUSDT, which is not among them
    start = year_ms(2021) + 120 * 1440 * MINUTE_MS
    assert len(store.read("spot", "XTZUSDT", M1, start, start + 7 * 1440 * MINUTE_MS)) == 10_080


def test_trades_became_whole_seconds(everything: tuple[Store, ImportReport]) -> None:
    store, _ = everything
    for market in ("spot", "futures"):
        manifest = store.manifest(market, "BTCUSDT", Timeframe.SEC_1)
        assert manifest.gaps == ()
        assert len(manifest.columns) == 9
    thin = store.read("spot", "XRPETH", Timeframe.SEC_1)
    assert (thin.volume == 0).mean() > 0.9
    assert store.manifest("spot", "XRPETH", Timeframe.SEC_1).gaps == ()


def test_funding_and_filters_are_there(everything: tuple[Store, ImportReport]) -> None:
    store, report = everything
    assert sum(funding.result.added for funding in report.funding.values()) == 5_476
    assert len(report.funding) == 19
    assert all(time % MINUTE_MS == 0 for time, _ in store.funding("futures", "LAYERUSDT"))
    spot, futures = store.exchange_info("spot"), store.exchange_info("futures")
    assert spot is not None
    assert futures is not None
    assert (len(spot["symbols"]), len(futures["symbols"])) == (1_248, 705)


def test_a_second_import_adds_nothing(everything: tuple[Store, ImportReport]) -> None:
    store, _ = everything
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*.parquet")}
    again = imported(store, shared_path("data", "usdm"))
    assert all(stream.result.added == stream.result.conflicts == 0 for stream in again.streams.values())
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*.parquet")} == before


def test_a_real_file_cut_short_leaves_the_store_as_it_was(
    everything: tuple[Store, ImportReport], tmp_path: Path
) -> None:
    store, _ = everything
    whole = shared_path("data", "spot", "SUIUSDT-1m-2025.parquet").read_bytes()
    path = tmp_path / "SUIUSDT-1m-2025.parquet"
    path.write_bytes(whole[: len(whole) // 2])
    before = store.manifest("spot", "SUIUSDT", M1)
    report = imported(store, path)
    assert [where for where, _ in report.broken] == [str(path)]
    assert store.manifest("spot", "SUIUSDT", M1) == before


def year_ms(year: int) -> int:
    """Return the start of a year, ms."""
    return int(np.datetime64(f"{year}-01-01", "ms").astype("int64"))
