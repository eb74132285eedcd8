"""The program over history: what it makes of a store, and that it does not depend on what it should not."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, walk
from tests.engine.runs import COINS, daemon_run, generated, loose, same_run, stored, without
from trader.core.errors import ConfigError
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.market.history import history
from trader.market.resample import resample
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.reports.write import write_reports
from trader.trading.checks import RULES

M1, M5, M15, M30, H1 = (Timeframe.parse(name) for name in ("1min", "5min", "15min", "30min", "1h"))
FOUR_DAYS = START_MS + 4 * DAY_MS


@pytest.fixture(scope="module")
def tables() -> list[CandleTable]:
    return generated()


@pytest.fixture(scope="module")
def store(tables: list[CandleTable], tmp_path_factory: pytest.TempPathFactory) -> Store:
    return stored(tmp_path_factory.mktemp("store"), tables)


def files(result: RunResult, store: Store, out: Path) -> tuple[bytes, bytes]:
    """Return the bytes that must be equal: `trades_log.csv` and `metrics.json`."""
    market = result.settings.MARKET
    candles: Callable[..., CandleTable] = lambda *stream: history(store, market, *stream)  # noqa: E731
    written = write_reports(result, out, candles, datetime(2026, 1, 1, tzinfo=UTC))
    return written.trades_log.read_bytes(), written.metrics.read_bytes()


# --- what it must not depend on -------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 5, 0])
def test_any_number_of_workers_writes_the_same_bytes(workers: int, store: Store, tmp_path: Path) -> None:
    alone, together = (run_backtest(loose(NUM_WORKERS=number), store) for number in (1, workers))
    assert len(alone.trades) > 50
    assert files(together, store, tmp_path / "together") == files(alone, store, tmp_path / "alone")


def test_the_order_in_which_candles_were_imported_changes_no_byte(
    store: Store, tables: list[CandleTable], tmp_path: Path
) -> None:
    days = [each.between(START_MS + day * DAY_MS, START_MS + (day + 1) * DAY_MS) for each in tables for day in range(4)]
    random.Random(3).shuffle(days)
    other = stored(tmp_path / "store", [*days, *days[:3]])
    first, again = files(run_backtest(loose(), store), store, tmp_path / "a"), run_backtest(loose(), other)
    assert files(again, other, tmp_path / "b") == first


def test_running_twice_gives_the_same(store: Store) -> None:
    one, other = run_backtest(loose(), store), run_backtest(loose(), store)
    assert (one.trades, one.funnel, one.final_equity) == (other.trades, other.funnel, other.final_equity)
    assert one.equity.equity.tobytes() == other.equity.equity.tobytes()


# --- the daemon makes the same --------------------------------------------------------------------------------

SCENARIOS: dict[str, dict[str, Any]] = {
    "plain": {},
    "default bars": {"MIN_PROBABILITY": 0.65, "MIN_STRENGTH": 0.65},
    "futures": {"MARKET": "futures", "LEVERAGE": 5.0},
    "trading hours of a zone": {
        "TRADING_HOURS": {"enable": True, "start_hour": 22, "end_hour": 7, "timezone": "America/New_York"}
    },
    "one coin on one timeframe": {"COINS": ["ETHUSDT"], "TIMEFRAMES": ["5min"]},
    "coins the other way round": {"COINS": ["ETHUSDT", "BTCUSDT"]},
    "stops by ATR": {"STOP_MODE": "atr"},
    "guards that bite": {
        "DAILY_LOSS_LIMIT": 0.002,
        "LOSING_STREAK_PROTECTION": {"reduce_risk_after": 1, "stop_trading_after": 2, "cooldown_minutes": 90},
        "DRAWDOWN_PROTECTION": {"reduce_at": 0.001, "pause_at": 0.005, "resume_after_hours": 5},
    },
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_daemon_fed_candle_by_candle_makes_the_same(name: str, tables: list[CandleTable], tmp_path: Path) -> None:
    values = loose(**SCENARIOS[name])
    store = stored(tmp_path, tables, values.MARKET)
    result = run_backtest(values, store)
    assert result.trades
    assert same_run(result, daemon_run(values, store, START_MS, FOUR_DAYS))


def test_gaps_and_missing_candles_leave_both_equal(tables: list[CandleTable], tmp_path: Path) -> None:
    btc, eth = tables
    lost = random.Random(1).sample(range(len(eth)), 25)
    store = stored(tmp_path, [without(btc, range(2_000, 2_090)), without(eth, lost)])
    result = run_backtest(loose(), store)
    assert len(result.trades) > 30
    assert result.funnel["ETHUSDT", M1]["warming_up"] > 500
    assert same_run(result, daemon_run(loose(), store, START_MS, FOUR_DAYS))


def test_coins_with_different_bases_leave_both_equal(tables: list[CandleTable], tmp_path: Path) -> None:
    btc, eth = tables
    store = stored(tmp_path, [btc, resample(eth, M5)])
    result = run_backtest(loose(), store)
    assert result.exit_streams == {"BTCUSDT": M1, "ETHUSDT": M5}
    assert {trade.symbol for trade in result.trades} == set(COINS)
    assert same_run(result, daemon_run(loose(), store, START_MS, FOUR_DAYS))


def test_a_finer_exit_timeframe_leaves_both_equal(tmp_path: Path) -> None:
    values = loose(TIMEFRAMES=["1min", "5min"], EXIT_TIMEFRAME="15s")
    store = stored(tmp_path, generated(0.5, Timeframe.SEC_15))
    result = run_backtest(values, store)
    assert set(result.exit_streams.values()) == {Timeframe.SEC_15}
    assert len(result.trades) > 5
    assert {trade.entry_time % MINUTE_MS for trade in result.trades} == {0}
    assert same_run(result, daemon_run(values, store, START_MS, START_MS + DAY_MS // 2))


def test_a_start_amid_history_warms_up_before_it_and_leaves_both_equal(store: Store) -> None:
    start = START_MS + DAY_MS + 7 * MINUTE_MS
    result = run_backtest(loose(), store, start, FOUR_DAYS)
    assert "warming_up" not in result.funnel["BTCUSDT", M1]
    assert result.funnel["BTCUSDT", M30]["warming_up"] < 59
    assert same_run(result, daemon_run(loose(), store, start, FOUR_DAYS))


def test_longer_candles_that_reach_back_farther_warm_up_longer_streams(
    tables: list[CandleTable], tmp_path: Path
) -> None:
    half = START_MS + 2 * DAY_MS
    store = stored(tmp_path, [each.between(half, FOUR_DAYS) for each in tables])
    for each in tables:
        store.merge("spot", resample(each, M30))
    result = run_backtest(loose(), store, half, FOUR_DAYS)
    assert "warming_up" not in result.funnel["BTCUSDT", M30]
    assert result.funnel["BTCUSDT", M15]["warming_up"] == 59
    assert same_run(result, daemon_run(loose(), store, half, FOUR_DAYS))


# --- what it counts -------------------------------------------------------------------------------------------


def test_the_funnel_of_a_stream_sums_to_its_candles(store: Store, tables: list[CandleTable]) -> None:
    result = run_backtest(loose(), store)
    assert list(result.funnel) == result.streams
    for symbol, timeframe in result.streams:
        (base,) = [each for each in tables if each.symbol == symbol]
        rules = result.funnel[symbol, timeframe]
        assert sum(rules.values()) == len(resample(base, timeframe))
        assert set(rules) <= {*RULES, "opened"}
    assert result.candles == sum(sum(rules.values()) for rules in result.funnel.values())
    assert result.instants == 4 * 1_440


def test_a_stream_whose_base_begins_later_counts_no_candle_before_it(tmp_path: Path) -> None:
    begin = START_MS + DAY_MS
    base = walk(1_440, start_ms=begin)
    store = stored(tmp_path, [base, walk(200, timeframe=H1, start_ms=begin - 200 * HOUR_MS)])
    result = run_backtest(loose(COINS=["BTCUSDT"], TIMEFRAMES=["1min", "1h"]), store, START_MS, begin + DAY_MS)
    assert sum(result.funnel["BTCUSDT", H1].values()) == 24
    assert result.instants == 1_440


def test_money_adds_up(store: Store) -> None:
    result = run_backtest(loose(MARKET="spot"), store)
    parts = [part for trade in result.trades for part in trade.parts]
    assert sum(part.net for part in parts) == pytest.approx(result.final_equity - result.initial_capital, abs=1e-6)
    curve = result.equity
    assert curve.time[0] == result.start
    assert curve.equity[0] == result.initial_capital
    assert curve.equity[-1] == pytest.approx(result.final_equity)
    assert curve.reserved[-1] == 0
    assert (np.diff(curve.time) >= 0).all()
    assert {len(curve.time), len(curve.equity), len(curve.free)} == {len(curve.reserved)}


def test_stops_that_moved_are_kept_by_trade(store: Store) -> None:
    result = run_backtest(loose(), store)
    raised = {trade.id: trade for trade in result.trades if trade.stop != trade.first_stop}
    assert set(result.stop_moves) == set(raised)
    for trade_id, moves in result.stop_moves.items():
        assert moves[-1][1] == raised[trade_id].stop
        assert all(time > raised[trade_id].entry_time for time, _ in moves)


def test_progress_is_told_in_candles(store: Store) -> None:
    told: list[tuple[str, int, int]] = []
    result = run_backtest(loose(), store, progress=lambda *step: told.append(step))
    assert told[-1] == ("trading, candles", result.candles, result.candles)
    assert ("reading candles", 2, 2) in told
    assert any(what.endswith("looking for patterns") and done == total == 8 for what, done, total in told)


# --- which streams, and what is said about them ---------------------------------------------------------------


def test_timeframes_finer_than_the_data_are_dropped_with_a_note(tables: list[CandleTable], tmp_path: Path) -> None:
    store = stored(tmp_path, [resample(each, M5) for each in tables])
    result = run_backtest(loose(), store)
    assert {timeframe for _, timeframe in result.streams} == {M5, M15, M30}
    assert "BTCUSDT is not traded on 1min: its data begins at 5min" in result.notes


def test_a_coin_without_data_is_left_out_with_a_note(store: Store) -> None:
    result = run_backtest(loose(COINS=["SUIUSDT", *COINS]), store)
    assert list(result.exit_streams) == list(COINS)
    assert "SUIUSDT is left out: there is no data of it" in result.notes
    assert [hold.symbol for hold in result.holds] == list(COINS)


def test_an_exit_timeframe_that_the_data_lacks_is_said(store: Store) -> None:
    result = run_backtest(loose(EXIT_TIMEFRAME="15s"), store)
    assert set(result.exit_streams.values()) == {M1}
    assert "BTCUSDT: exits cannot be judged on 15s, its data begins at 1min" in result.notes


def test_a_coin_without_candles_in_the_span_decides_nothing(tables: list[CandleTable], tmp_path: Path) -> None:
    btc, eth = tables
    store = stored(tmp_path, [btc, eth.between(START_MS, START_MS + DAY_MS)])
    result = run_backtest(loose(), store, START_MS + 2 * DAY_MS, FOUR_DAYS)
    assert not any(rules for (symbol, _), rules in result.funnel.items() if symbol == "ETHUSDT")
    assert [hold.symbol for hold in result.holds] == ["BTCUSDT"]


def test_without_any_data_the_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        run_backtest(loose(), Store(tmp_path))
    assert refused.value.faults == (
        "no stream is left to trade on",
        "BTCUSDT is left out: there is no data of it",
        "ETHUSDT is left out: there is no data of it",
    )


def test_a_span_without_candles_is_refused_with_what_the_store_has(store: Store) -> None:
    with pytest.raises(ConfigError, match="2025-02-01 00:00 to 2025-02-02 00:00") as refused:
        run_backtest(loose(), store, START_MS + 31 * DAY_MS, START_MS + 32 * DAY_MS)
    assert "the store has 2025-01-01 00:00 to 2025-01-05 00:00" in str(refused.value)
    assert "no candles of BTCUSDT, ETHUSDT (spot)" in str(refused.value)


@pytest.mark.parametrize("end", [START_MS, START_MS - DAY_MS])
def test_a_span_that_ends_before_it_begins_is_refused(end: int, store: Store) -> None:
    with pytest.raises(ConfigError, match="there is no time to run over; stored are 2025-01-01 00:00"):
        run_backtest(loose(), store, START_MS, end)


def test_an_open_span_is_as_far_as_anything_is_stored(store: Store) -> None:
    result = run_backtest(loose(), store)
    assert (result.start, result.end) == (START_MS, FOUR_DAYS)
    assert (run_backtest(loose(), store, end_ms=START_MS + DAY_MS)).end == START_MS + DAY_MS


# --- funding, filters, guards ---------------------------------------------------------------------------------


def test_funding_is_in_the_result_and_its_absence_is_said(tables: list[CandleTable], tmp_path: Path) -> None:
    values = loose(MARKET="futures")
    store = stored(tmp_path, tables, "futures")
    store.merge_funding("futures", "BTCUSDT", [(START_MS + hour * HOUR_MS, 0.005) for hour in range(1, 96)])
    result = run_backtest(values, store)
    paid = [trade.funding for trade in result.trades if trade.symbol == "BTCUSDT" and trade.funding]
    assert len(paid) > 10
    assert sum(part.funding for trade in result.trades for part in trade.parts) == pytest.approx(sum(paid))
    assert not any(trade.funding for trade in result.trades if trade.symbol == "ETHUSDT")
    assert "no funding rates for ETHUSDT: funding is not in the result" in result.notes
    assert same_run(result, daemon_run(values, store, START_MS, FOUR_DAYS))


def test_filters_come_from_the_store_and_their_absence_is_said(
    store: Store, tables: list[CandleTable], tmp_path: Path
) -> None:
    assert any(note.startswith("no stored filters for BTCUSDT, ETHUSDT") for note in run_backtest(loose(), store).notes)
    other = stored(tmp_path, tables)
    rules = [{"filterType": "LOT_SIZE", "stepSize": "0.01", "minQty": "0.01"}]
    listed = [{"symbol": coin, "filters": rules} for coin in COINS]
    other.save_exchange_info("spot", {"symbols": listed})
    result = run_backtest(loose(), other)
    assert not any("filters" in note for note in result.notes)
    assert all(round(trade.quantity * 100) == pytest.approx(trade.quantity * 100) for trade in result.trades)


def test_a_run_that_ends_paused_says_so_first(store: Store) -> None:
    result = run_backtest(loose(DRAWDOWN_PROTECTION={"reduce_at": 0.001, "pause_at": 0.005}), store)
    assert result.notes[0].startswith("the run ended paused: the drawdown stopped entries on 2025-01-0")
    assert result.notes[0].endswith("and nobody resumed them")
    assert sum(rules.get("paused", 0) for rules in result.funnel.values()) > 50


def test_a_drawdown_that_closes_everything_is_a_reason(store: Store) -> None:
    rules = {"reduce_at": 0.001, "pause_at": 0.004, "close_at": 0.006}
    result = run_backtest(loose(DRAWDOWN_PROTECTION=rules), store)
    reasons = [part.reason for trade in result.trades for part in trade.parts]
    assert "drawdown" in reasons
    assert result.notes[0].startswith("the run ended paused")


def test_what_is_open_at_the_end_closes_at_its_last_close(store: Store, tables: list[CandleTable]) -> None:
    longest = max(run_backtest(loose(), store).trades, key=lambda trade: trade.exit_time - trade.entry_time)
    end = longest.entry_time + 3 * MINUTE_MS
    result = run_backtest(loose(), store, end_ms=end)
    (cut,) = [trade for trade in result.trades if trade.id == longest.id]
    (base,) = [each.between(START_MS, end) for each in tables if each.symbol == cut.symbol]
    assert [(part.reason, part.time) for part in cut.parts] == [("end_of_data", end)]
    assert cut.parts[0].price == pytest.approx(float(base.close[-1]) * (1 - 0.0002))
    assert all(trade.quantity_left == 0 for trade in result.trades)
    assert same_run(result, daemon_run(loose(), store, START_MS, end))
