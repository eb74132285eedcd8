"""The filters of coins come from the stored exchangeInfo, else from the settings."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import settings
from tests.shared import shared_path
from trader.core.errors import DataError
from trader.market.instruments import instruments
from trader.market.store import Store


def entry(symbol: str, *filters: dict[str, Any]) -> dict[str, Any]:
    return {"symbol": symbol, "filters": list(filters)}


PRICE = {"filterType": "PRICE_FILTER", "tickSize": "0.01"}
LOT = {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002"}


def stored(tmp_path: Path, market: str, *entries: dict[str, Any]) -> Store:
    store = Store(tmp_path)
    store.save_exchange_info(market, {"symbols": list(entries)})
    return store


@pytest.mark.parametrize(
    ("market", "rule"),
    [
        ("spot", {"filterType": "NOTIONAL", "minNotional": "5.5"}),
        ("spot", {"filterType": "MIN_NOTIONAL", "minNotional": "5.5"}),
        ("futures", {"filterType": "MIN_NOTIONAL", "notional": "5.5", "minNotional": None}),
    ],
)
def test_filters_of_both_markets_are_read(tmp_path: Path, market: str, rule: dict[str, Any]) -> None:
    store = stored(tmp_path, market, entry("AUSDT", PRICE, LOT, rule))
    found, fallen_back = instruments(store, settings(MARKET=market), ["AUSDT"])
    one = found["AUSDT"]
    assert (one.tick.text(1.0), one.step.text(1.0), one.min_quantity, one.min_notional) == ("1.00", "1.000", 0.002, 5.5)
    assert fallen_back == []


def test_a_coin_that_is_not_listed_falls_back_and_is_named(tmp_path: Path) -> None:
    store = stored(tmp_path, "spot", entry("AUSDT", PRICE, LOT), entry("BUSDT"))
    found, fallen_back = instruments(store, settings(DEFAULT_FILTERS={"minNotional": "7"}), ["CUSDT", "AUSDT", "BUSDT"])
    assert list(found) == ["CUSDT", "AUSDT", "BUSDT"]
    assert [found[symbol].min_notional for symbol in found] == [7, 0, 7]
    assert fallen_back == ["CUSDT", "BUSDT"]


def test_without_exchange_info_all_fall_back(tmp_path: Path) -> None:
    found, fallen_back = instruments(Store(tmp_path), settings(), ["AUSDT"])
    assert found["AUSDT"].tick.text(1.0) == "1.00000000"
    assert fallen_back == ["AUSDT"]


@pytest.mark.parametrize("filters", [{"filterType": "LOT_SIZE", "stepSize": "soon"}, {"stepSize": "1"}, "nonsense"])
def test_filters_that_cannot_be_understood_are_an_error_not_a_fallback(tmp_path: Path, filters: Any) -> None:
    store = stored(tmp_path, "spot", entry("AUSDT", PRICE, filters))
    with pytest.raises(DataError, match="filters of AUSDT"):
        instruments(store, settings(), ["AUSDT"])


@pytest.mark.parametrize(
    ("market", "name", "expected"),
    [
        ("spot", "spot-2024-09-08", ("0.01", "0.00001", 0.00001, 5.0)),
        ("futures", "usdm-2025-12-24", ("0.10", "0.001", 0.001, 100.0)),
        ("futures", "usdm-2026-03-31", ("0.10", "0.0001", 0.0001, 100.0)),
    ],
)
def test_the_recorded_filters_of_bitcoin_are_read(
    tmp_path: Path, market: str, name: str, expected: tuple[str, str, float, float]
) -> None:
    path = shared_path("data", "recorded", "exchange_info", f"{name}.json.gz")
    info = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    store = Store(tmp_path)
    store.save_exchange_info(market, info)
    symbols = [each["symbol"] for each in info["symbols"]]
    found, fallen_back = instruments(store, settings(MARKET=market), symbols)
    one = found["BTCUSDT"]
    assert (f"{one.tick.unit.normalize()}", f"{one.step.unit.normalize():f}") == (
        expected[0].rstrip("0"),
        expected[1],
    )
    assert (one.min_quantity, one.min_notional) == expected[2:]
    assert fallen_back == []
    assert len(found) == len(symbols)
