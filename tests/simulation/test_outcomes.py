"""Labels of success are the results of the backtest's own trades, and look no further than they say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import M1, START_MS, settings, table, walk
from tests.engine.runs import generated, stored
from tests.simulation.alone import instrument, unguarded
from trader.core.signal import Pattern
from trader.core.timeframe import DAY_MS
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.engine.shadow import turns_of
from trader.market.history import history, stream_table
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.simulation.outcomes import Entries, Outcomes, follow_entries
from trader.simulation.shadow import NEVER
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.strategy.registry import schedule_of

COIN = "BTCUSDT"
DAYS = 5
#: Under these no limit, guard or filter changes a trade: small positions of a large pool, nothing that pauses.
FREE: dict[str, Any] = {
    "COINS": [COIN], "TIMEFRAMES": ["1min", "5min"], "MIN_PROBABILITY": 0.3, "MIN_STRENGTH": 0.3, "NUM_WORKERS": 1,
    "MIN_ATR_PCT": 0.0, "MIN_NET_PROFIT_PCT": -1.0, "MAX_CONCURRENT_TRADES": 50, "MAX_POSITION_SIZE_PCT": 0.001,
    "BACKTEST_INITIAL_CAPITAL": 1e12, "DAILY_LOSS_LIMIT": 0, "DRAWDOWN_PROTECTION": {"enable": False},
    "LOSING_STREAK_PROTECTION": {"enable": False}, "HEDGING": {"enable": False}, "MAX_PORTFOLIO_RISK": 1.0,
}  # fmt: skip
MARKETS: dict[str, dict[str, Any]] = {
    "spot": {},
    "futures with reversal": {
        "MARKET": "futures",
        "LEVERAGE": 50,
        "REVERSAL": {"enable": True, "min_probability": 0.6},
    },
    "futures with ladder": {"MARKET": "futures", "TARGET_LADDER": {"enable": True}, "STOP_MODE": "atr"},
}
ORDER = tuple(Pattern)
COLUMNS = ("open", "high", "low", "close")


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Store:
    """A store of generated minutes, as both markets."""
    root, tables = tmp_path_factory.mktemp("data"), generated(DAYS, coins=[COIN], seed=5)
    stored(root, tables, "futures")
    return stored(root, tables)


def entries_of(trades: list[Any], stream: StreamOpinions) -> Entries:
    """Return the entries of trades as rows of what their stream showed."""
    rows = stream.time.searchsorted([trade.signal_time for trade in trades])
    assert [ORDER[number] for number in stream.pattern[rows]] == [trade.pattern for trade in trades]
    return Entries.of(stream, rows, stream.pattern[rows], stream.probability[rows])


def both(run: RunResult, store: Store) -> list[tuple[list[Any], Outcomes]]:
    """Return for each stream of a run its trades and the outcomes of the same entries."""
    chosen, market = run.settings, run.settings.MARKET
    base = history(store, market, COIN, M1, START_MS, START_MS + DAYS * DAY_MS)
    grids, _ = instruments(store, chosen, [COIN])
    pairs = []
    for _, timeframe in run.streams:
        candles = stream_table(store, market, COIN, M1, timeframe, START_MS, START_MS + DAYS * DAY_MS)
        stream = stream_opinions(candles, schedule_of(chosen), START_MS)
        own = [trade for trade in run.trades if trade.timeframe == timeframe]
        turns = turns_of(chosen, [stream]).get((COIN, timeframe), {})
        pairs.append((own, follow_entries(chosen, base, grids[COIN], entries_of(own, stream), turns)))
    return pairs


@pytest.mark.parametrize("rules", MARKETS.values(), ids=MARKETS)
def test_labels_are_what_the_backtest_gives_for_the_same_entries(store: Store, rules: dict[str, Any]) -> None:
    run = run_backtest(settings(**{**FREE, **rules}), store)
    reasons = Counter(trade.parts[-1].reason for trade in run.trades)
    assert len(run.trades) > 40
    assert len(reasons) >= 3
    cut_short = 0
    for trades, outcomes in both(run, store):
        finished = [trade for trade in trades if trade.parts[-1].reason != "end_of_data"]
        cut_short += len(trades) - len(finished)
        assert [trades[entry].id for entry in outcomes.entry] == [trade.id for trade in finished]
        assert outcomes.exit_time.tolist() == [trade.exit_time for trade in finished]
        assert outcomes.entry_time.tolist() == [trade.entry_time for trade in finished]
        assert outcomes.direction.tolist() == [trade.direction for trade in finished]
        net = [trade.net / (trade.quantity * trade.entry_price) for trade in finished]
        assert outcomes.net == pytest.approx(net, abs=1e-9)
        assert outcomes.won.tolist() == [trade.net > 0 for trade in finished]
        assert (outcomes.unfilled, outcomes.unfinished) == (0, len(trades) - len(finished))
    assert cut_short == reasons["end_of_data"]


WORLDS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 99),
        "market": st.sampled_from(["spot", "futures"]),
        "ladder": st.booleans(),
        "tick": st.sampled_from(["0.01", "0.1"]),
        "gaps": st.lists(st.integers(20, 390), max_size=3),
    }
)
RISKY = {"spot": {}, "futures": {"MARKET": "futures", "LEVERAGE": 100}}


def world(drawn: dict[str, Any]) -> tuple[Any, CandleTable, Entries]:
    """Return settings, minutes that move fast, and an entry at every third of the first half."""
    chosen = unguarded(**RISKY[drawn["market"]], TARGET_LADDER={"enable": drawn["ladder"]})
    candles = walk(400, seed=drawn["seed"], sigma=0.003, without=sorted(set(drawn["gaps"])))
    return chosen, candles, some_entries(candles, np.arange(0, 200, 3))


def some_entries(candles: CandleTable, rows: Any) -> Entries:
    """Return entries at `rows`, each pattern in its turn."""
    close = candles.close[rows]
    times, pattern = candles.open_time[rows] + M1.ms, (rows % len(ORDER)).astype(np.int8)
    trend = np.where(rows % 2, 0.99, 1.01)
    return Entries(COIN, M1, times, pattern, np.full(len(rows), 0.7), close, close * trend, close * 0.003)


def rewritten(candles: CandleTable, first: int, open_too: bool, seed: int) -> CandleTable:
    """Return `candles` with other prices from row `first` on; its open stays unless `open_too`."""
    other = walk(len(candles), seed=seed + 1_000, sigma=0.02)
    columns = {name: getattr(candles, name).copy() for name in COLUMNS}
    for name, column in columns.items():
        start = first + (name == "open" and not open_too)
        column[start:] = getattr(other, name)[start:]
    return CandleTable.build(COIN, M1, candles.open_time, volume=candles.volume, **columns)


@given(WORLDS)
@hypothesis.settings(max_examples=25, deadline=None)
def test_candles_behind_the_label_end_change_nothing(drawn: dict[str, Any]) -> None:
    chosen, candles, entries = world(drawn)
    outcomes = follow_entries(chosen, candles, instrument(drawn["tick"]), entries)
    for place in range(0, len(outcomes), 5):
        first = int(candles.open_time.searchsorted(outcomes.label_end[place]))
        one = some_entries(candles, np.arange(0, 200, 3)[outcomes.entry[place : place + 1]])
        cut = candles.rows(0, first + 1)
        for other in (cut, rewritten(candles, first, open_too=False, seed=drawn["seed"])):
            again = follow_entries(chosen, other, instrument(drawn["tick"]), one)
            assert again.net.tolist() == outcomes.net[place : place + 1].tolist()
            assert again.exit_time.tolist() == outcomes.exit_time[place : place + 1].tolist()


def test_the_candle_before_the_label_end_changes_the_label() -> None:
    chosen, candles, entries = world({"seed": 1, "market": "spot", "ladder": False, "tick": "0.01", "gaps": []})
    outcomes = follow_entries(chosen, candles, instrument("0.01"), entries)
    assert len(outcomes) > 50
    changed = 0
    for place in range(len(outcomes)):
        last = int(candles.open_time.searchsorted(outcomes.label_end[place])) - 1
        columns = {name: getattr(candles, name).copy() for name in COLUMNS}
        for column in columns.values():
            column[last:] = candles.open[last]
        other = CandleTable.build(COIN, M1, candles.open_time, volume=candles.volume, **columns)
        one = some_entries(candles, np.arange(0, 200, 3)[outcomes.entry[place : place + 1]])
        changed += follow_entries(chosen, other, instrument("0.01"), one).unfinished
    assert changed > 0.8 * len(outcomes)


def test_entries_without_an_end_in_the_data_are_left_out_and_counted() -> None:
    candles = table([100.0] * 5 + [98.0] * 7, without=[8, 9])  # falls to the stop, is flat; two candles are missing
    rows = np.array([0, 6, 7, len(candles) - 1])
    outcomes = follow_entries(unguarded(), candles, instrument("0.01"), some_entries(candles, rows))
    assert outcomes.entry.tolist() == [0]  # 6 is open at the end, 7 finds no candle in time, the last none at all
    assert (outcomes.unfilled, outcomes.unfinished) == (1, 2)
    assert outcomes.unfinished_from == candles.open_time[6] + M1.ms


def test_nothing_to_follow_has_no_outcomes() -> None:
    candles = walk(20)
    outcomes = follow_entries(unguarded(), candles, instrument("0.01"), some_entries(candles, np.arange(0)))
    assert (len(outcomes), outcomes.unfilled, outcomes.unfinished, outcomes.unfinished_from) == (0, 0, 0, NEVER)
    empty = follow_entries(
        unguarded(), CandleTable.empty(COIN, M1), instrument("0.01"), some_entries(candles, np.arange(3))
    )
    assert (len(empty), empty.unfinished) == (0, 3)


def test_before_the_first_unfinished_entry_all_are_there_and_behind_it_the_quick_ones() -> None:
    candles = table([100.0] * 6 + [99.3] * 20 + [98.7] * 4)
    entries = some_entries(candles, np.array([0, 1, 22, 28]))  # stopped, open to the end, stopped, open to the end
    outcomes = follow_entries(unguarded(), candles, instrument("0.01"), entries)
    assert outcomes.entry.tolist() == [0, 2]
    assert outcomes.unfinished_from == entries.time[1]
    assert outcomes.complete(entries.time).tolist() == [True, False, False, False]
