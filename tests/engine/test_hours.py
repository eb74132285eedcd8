"""A run knows the 30 days before its first instant by the hour, as if it had begun that much earlier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.builders import START_MS, settings, walk
from tests.engine.runs import loose, stored, without
from trader.core.candle import Candle
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.engine.hours import first_hour, hours_before
from trader.market.resample import resample
from trader.market.table import CandleTable
from trader.trading.hourly import HOURS, PRELOAD_HOURS, Hourly

M1, M15, H1, H4 = Timeframe.MIN_1, Timeframe.MIN_15, Timeframe.HOUR_1, Timeframe.HOUR_4
#: A whole preload and ten days of one coin's minutes.
MINUTES = walk((PRELOAD_HOURS + 240) * 60, sigma=0.002)
BEGIN = START_MS + PRELOAD_HOURS * HOUR_MS


def taken(candles: Iterable[Candle], hours: Hourly | None = None) -> Hourly:
    """Return the hours after these candles."""
    hours = hours or Hourly()
    for candle in candles:
        hours.take(candle, candle.close_time)
    return hours


def known(root: Path, tables: Sequence[CandleTable], base: Timeframe = M1, time: int = BEGIN) -> Hourly:
    """Return what a run that begins at `time` over these candles knows."""
    return hours_before(stored(root, tables), "spot", "BTCUSDT", base, time)


@pytest.mark.parametrize("past", [0, 1, 37 * MINUTE_MS, 59 * MINUTE_MS])
def test_a_preloaded_run_equals_one_that_began_so_much_earlier(tmp_path: Path, past: int) -> None:
    begin = BEGIN + past - past % MINUTE_MS
    straight = taken(MINUTES.between(first_hour(begin), START_MS + 1_000 * DAY_MS).candles())
    preloaded = known(tmp_path, [MINUTES], time=BEGIN + past)
    assert taken(MINUTES.between(begin, START_MS + 1_000 * DAY_MS).candles(), preloaded) == straight
    assert len(straight.closes) == HOURS + 1


def test_all_of_30_days_is_known_at_the_first_instant(tmp_path: Path) -> None:
    hours = known(tmp_path, [MINUTES])
    assert len(hours.returns(BEGIN // HOUR_MS)) == len(hours.ranges) == HOURS
    assert hours.calm() is not None


@pytest.mark.parametrize("length", [M15, H1])
def test_it_does_not_matter_of_which_candles_the_hours_are_made(tmp_path: Path, length: Timeframe) -> None:
    assert known(tmp_path / "coarse", [resample(MINUTES, length)], length) == known(tmp_path / "fine", [MINUTES])


def test_stored_hours_fill_what_the_base_lacks_and_the_base_what_stored_hours_lack(tmp_path: Path) -> None:
    whole = known(tmp_path / "whole", [MINUTES])
    hourly = resample(MINUTES, H1)
    base = MINUTES.between(START_MS + 300 * HOUR_MS, BEGIN)
    early, late = hourly.between(START_MS, START_MS + 500 * HOUR_MS), hourly.between(BEGIN - 9 * HOUR_MS, BEGIN)
    assert known(tmp_path / "parts", [base, early, late]) == whole


def test_an_hour_with_a_missing_minute_is_left_out_unless_it_is_stored(tmp_path: Path) -> None:
    gone = without(MINUTES, [(PRELOAD_HOURS - 5) * 60 + 7])
    lacking = known(tmp_path / "gap", [gone])
    last = BEGIN // HOUR_MS
    assert [hour - last for hour in range(last - 9, last + 1) if hour not in lacking.closes] == [-4]
    hour = resample(MINUTES, H1).between(BEGIN - 5 * HOUR_MS, BEGIN - 4 * HOUR_MS)
    assert known(tmp_path / "mended", [gone, hour]) == known(tmp_path / "whole", [MINUTES])


def test_a_run_at_the_beginning_of_all_data_knows_nothing(tmp_path: Path) -> None:
    assert known(tmp_path, [MINUTES], time=START_MS) == Hourly()
    assert known(tmp_path, [MINUTES], time=START_MS - DAY_MS) == Hourly()
    assert first_hour(5 * HOUR_MS) == 0


def test_a_coin_whose_exits_are_judged_on_longer_candles_than_an_hour_tells_none(tmp_path: Path) -> None:
    assert known(tmp_path, [MINUTES, resample(MINUTES, H4)], H4) == Hourly()


# --- what it means for a backtest -----------------------------------------------------------------------------

BOLD: dict[str, Any] = {"MAX_CONCURRENT_TRADES": 9, "MAX_POSITION_SIZE_PCT": 0.1, "TREND_ALIGNMENT": False}
TWINS = [walk(9 * 1_440, seed=3, sigma=0.0015, symbol=coin) for coin in ("BTCUSDT", "ETHUSDT")]


@pytest.mark.parametrize(("days", "works"), [(0, False), (6, True)])
def test_coins_that_move_together_are_known_from_the_first_instant_on(tmp_path: Path, days: int, works: bool) -> None:
    """Three days of a run: fewer than 100 hours. Only what lies before them can tell."""
    store = stored(tmp_path, TWINS)
    begin = START_MS + days * DAY_MS
    result = run_backtest(loose(CORRELATION_MODE="skip", **BOLD), store, begin, begin + 3 * DAY_MS)
    assert result.trades
    assert bool(sum(rules.get("correlated", 0) for rules in result.funnel.values())) == works


def test_hours_are_read_only_where_a_rule_looks_at_them(tmp_path: Path) -> None:
    store, said = stored(tmp_path, TWINS), []
    for mode in ("off", "halve"):
        values = settings(CORRELATION_MODE=mode)
        run_backtest(values, store, START_MS, START_MS + DAY_MS, progress=lambda what, *_: said.append(what))
        assert ("reading hours" in said) == (mode == "halve")
