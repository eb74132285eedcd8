"""What the data of a run lack is said, and nothing that they do not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.builders import START_MS, settings, walk
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, HOUR_MS, Timeframe
from trader.engine.run_notes import data_notes
from trader.market.table import CandleTable

COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
#: Two days of 5min candles: six funding times.
TABLES = [walk(2 * 288, symbol=coin, timeframe=Timeframe.MIN_5) for coin in COINS]
DUE = [START_MS + hour * HOUR_MS for hour in range(8, 49, 8)]


def rates(times: Sequence[int]) -> list[tuple[int, float]]:
    return [(time, 0.0001) for time in times]


def futures() -> Settings:
    return settings(MARKET="futures")


def notes(funding: dict[str, list[tuple[int, float]]], tables: Sequence[CandleTable] = TABLES) -> list[str]:
    return data_notes(futures(), [], funding, tables)


def test_whole_funding_data_leave_nothing_to_say() -> None:
    assert notes({coin: rates(DUE) for coin in COINS}) == []


def test_rates_that_come_some_milliseconds_late_are_there() -> None:
    assert notes({coin: rates([time + 7 for time in DUE]) for coin in COINS}) == []


def test_rates_every_four_hours_are_more_than_enough() -> None:
    every = [START_MS + hour * HOUR_MS for hour in range(4, 49, 4)]
    assert notes({coin: rates(every) for coin in COINS}) == []


def test_coins_without_any_rate_are_named() -> None:
    assert notes({"BTCUSDT": rates(DUE)}) == ["no funding rates for ETHUSDT, SOLUSDT: funding is not in the result"]


def test_coins_that_lack_the_same_rates_are_named_together() -> None:
    found = notes({"BTCUSDT": rates(DUE), "ETHUSDT": rates(DUE[2:]), "SOLUSDT": rates(DUE[2:])})
    (note,) = found
    assert note.startswith("funding rates of ETHUSDT, SOLUSDT lack 2 of 6 funding times, ")
    assert note.endswith("between 2025-01-01 08:00 and 2025-01-01 16:00: not in the result")


def test_a_single_missing_rate_is_dated() -> None:
    found = notes({**{coin: rates(DUE) for coin in COINS}, "ETHUSDT": rates([*DUE[:3], *DUE[4:]])})
    assert found == ["funding rates of ETHUSDT lack 1 of 6 funding times, on 2025-01-02 08:00: not in the result"]


def test_no_rate_is_missed_where_none_falls_due() -> None:
    hours = [table.between(START_MS + HOUR_MS, START_MS + 7 * HOUR_MS) for table in TABLES]
    assert notes({}, hours) == []
    assert notes({}, [TABLES[0].between(0, 0)]) == []


@pytest.mark.parametrize("market", ["spot"])
def test_spot_has_no_funding(market: str) -> None:
    assert data_notes(settings(MARKET=market), [], {}, TABLES) == []


def test_a_coin_that_begins_later_is_not_asked_for_what_came_before() -> None:
    late = TABLES[0].between(START_MS + DAY_MS, START_MS + 2 * DAY_MS)
    assert notes({"BTCUSDT": rates(DUE[3:])}, [late]) == []
