"""Answers of REST as tables, and exchangeInfo as filters."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START_MS
from tests.shared import shared_path
from trader.core.errors import ConfigError, DataError
from trader.core.events import FundingRate
from trader.core.timeframe import Timeframe
from trader.exchange.binance.rows import candle_table, funding_rows, kline_rows, trade_page
from trader.exchange.binance.symbols import market_info
from trader.market.table import CandleTable

M1 = Timeframe.MIN_1


def row(at: int, **changes: Any) -> list[Any]:
    time = START_MS + at * 60_000
    values = {"o": "1.5", "h": "2", "l": "1", "c": "1.25", "v": "8"} | changes
    return [time, *values.values(), time + 59_999, "12.5", 3, "4", "6.25", "0"]


def table(*rows: list[Any], **rest: Any) -> CandleTable:
    return candle_table("BTCUSDT", M1, kline_rows(list(rows)), **rest)


def test_the_last_row_is_the_open_candle_and_left_out() -> None:
    closed = table(row(0), row(1), row(2))

    assert closed.open_time.tolist() == [START_MS, START_MS + 60_000]
    assert next(closed.candles()).quote_volume == 12.5
    assert closed.present() == ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")


def test_the_last_row_stays_when_the_market_is_known_to_have_passed_its_close() -> None:
    assert len(table(row(0), row(1), closed_before_ms=START_MS + 120_000)) == 2
    assert len(table(row(0), row(1), closed_before_ms=START_MS + 119_999)) == 1


def test_a_venue_that_knows_no_quote_volume_knows_no_optional_column() -> None:
    rows = [[*row(at)[:7], "0", 0, "0", "0", "0"] for at in range(3)]

    assert table(*rows).present() == ()


def test_no_rows_are_no_candles() -> None:
    assert len(table()) == 0


def test_an_impossible_row_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    closed = table(row(0), row(1, h="0.5"), row(2), row(3))

    assert closed.open_time.tolist() == [START_MS, START_MS + 120_000]
    assert "high 0.5 < low 1.0" in caplog.text


@pytest.mark.parametrize("answer", [{"code": 1}, [[1, 2]], [row(0)[:11]], [row(0, c="x")], [None], "", 7])
def test_a_malformed_answer_is_refused(answer: object) -> None:
    with pytest.raises(DataError, match="klines"):
        kline_rows(answer)


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), st.lists))
def test_any_answer_raises_nothing_but_data_errors(answer: object) -> None:
    for read in (kline_rows, funding_rows, lambda value: trade_page("X", value), market_info):
        try:
            read(answer)
        except DataError:
            continue


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (("py", "http_responses", "http_spot_market_klines.json"), 10),
        (("py", "http_responses", "http_futures_market_klines.json"), 1),
        (("rs", "spot", "http_json", "klines_response.json"), 1),
    ],
)
def test_recorded_klines_are_read(path: tuple[str, ...], count: int) -> None:
    rows = kline_rows(recorded("messages", *path))

    assert len(rows) == count


def test_recorded_spot_klines_are_candles() -> None:
    rows = kline_rows(recorded("messages", "py", "http_responses", "http_spot_market_klines.json"))
    closed = candle_table("BTCUSDT", M1, rows)

    assert len(closed) == len(rows) - 1
    first = next(closed.candles())
    assert (first.open_time, first.open, first.volume, first.count) == (1634943780000, 60685.22, 21.63272, 617.0)
    assert first.taker_buy_quote_volume == 745719.4102284


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_recorded_trades_are_read(market: str) -> None:
    page = trade_page("BTCUSDT", recorded("messages", "py", "http_responses", f"http_{market}_market_agg_trades.json"))

    assert len(page.trades) == len(page.counts) > 0
    assert (page.counts >= 1).all()


def test_recorded_funding_is_read() -> None:
    rows = funding_rows(recorded("messages", "py", "http_responses", "http_futures_market_funding_rate.json"))

    assert rows[0] == FundingRate("BTCUSDT", 1570608000000, -0.0375)


@pytest.mark.parametrize(
    ("file", "count", "trading", "filters"),
    [
        ("spot-2024-09-08", 1248, 1248, ("0.01000000", "0.00001000", "0.00001000", "5.00000000")),
        ("usdm-2025-12-24", 660, 554, ("0.10", "0.001", "0.001", "100")),
        ("usdm-2026-03-31", 705, 569, ("0.10", "0.0001", "0.0001", "100")),
    ],
)
def test_recorded_exchange_infos_are_read(file: str, count: int, trading: int, filters: tuple[str, ...]) -> None:
    info = market_info(recorded("exchange_info", f"{file}.json.gz"))

    assert (len(info.symbols), info.weight_limit) == (count, 6_000)
    assert sum(symbol.trading for symbol in info.symbols.values()) == trading
    assert tuple(info.symbols["BTCUSDT"].filters.values()) == filters
    assert info.symbols["BTCUSDT"].instrument.cut_quantity(0.0123456789) == pytest.approx(0.0123, abs=1e-3)


def test_an_unknown_coin_is_refused_with_its_neighbours() -> None:
    info = market_info(recorded("exchange_info", "spot-2024-09-08.json.gz"))

    with pytest.raises(ConfigError, match=r"'BTCUSD' is unknown.*BTCUSDT"):
        info.require("BTCUSD")


def recorded(*parts: str) -> Any:
    path = shared_path("data", "recorded", *parts)
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
