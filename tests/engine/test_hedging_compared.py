"""A run with hedges is compared with the same run without, which is the run that hedging off would have made."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from tests.builders import START_MS
from tests.engine.runs import COINS, generated, loose, stored
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, HOUR_MS
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.market.store import Store

#: Thresholds so low that four days of two coins open some hedges.
LOW = {"hedge_recovery_threshold": 0.005, "dynamic_hedge": False}


def at(threshold: float) -> dict[str, Any]:
    """Return the rule with this threshold for every coin."""
    own = {coin: {"hedge_threshold": threshold} for coin in COINS}
    return {**LOW, "enable": True, "hedge_threshold": threshold, "coin_overrides": own}


def off() -> dict[str, Any]:
    """Return the same rule, off."""
    return {**at(0.01), "enable": False}


def hedged(**changes: Any) -> Settings:
    """Return settings under which much is traded and hedged."""
    changes = {"HEDGING": at(0.01), **changes}
    return loose(MARKET="futures", LEVERAGE=5.0, RISK_PER_TRADE=0.01, **changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = stored(tmp_path_factory.mktemp("store"), generated(), "futures")
    for coin in COINS:
        store.merge_funding("futures", coin, [(START_MS + hour * HOUR_MS, 0.0005) for hour in range(8, 97, 8)])
    return store


@pytest.fixture(scope="module")
def compared(store: Store) -> RunResult:
    return run_backtest(hedged(), store, compare_hedging=True)


def test_the_other_run_is_the_one_that_hedging_off_makes(store: Store, compared: RunResult) -> None:
    alone = run_backtest(hedged(HEDGING=off()), store)
    other = compared.unhedged
    assert other is not None
    assert sum(trade.hedge for trade in compared.trades) > 5
    assert not any(trade.hedge for trade in other.trades)
    assert msgspec.json.encode(other.trades) == msgspec.json.encode(alone.trades)
    assert (other.funnel, other.final_equity, other.notes) == (alone.funnel, alone.final_equity, alone.notes)
    assert other.equity.equity.tobytes() == alone.equity.equity.tobytes()


def test_comparing_changes_nothing_else_and_is_off_unless_asked_for(store: Store, compared: RunResult) -> None:
    plain = run_backtest(hedged(), store)
    assert plain.unhedged is None
    assert msgspec.json.encode(plain.trades) == msgspec.json.encode(compared.trades)
    assert plain.hedge_slippage == compared.hedge_slippage
    assert 0 < plain.hedge_slippage < plain.slippage_paid


def test_a_backtest_of_hedging_is_compared_though_it_insists_on_hedges(store: Store, compared: RunResult) -> None:
    result = run_backtest(hedged(DATA_SOURCE="backtest_hedging"), store, compare_hedging=True)
    assert result.unhedged is not None
    assert compared.unhedged is not None
    assert result.unhedged.final_equity == compared.unhedged.final_equity


def test_only_the_replay_is_made_again_and_it_shows_how_far_it_is(store: Store) -> None:
    told: list[tuple[str, int, int]] = []
    result = run_backtest(hedged(), store, progress=lambda *step: told.append(step), compare_hedging=True)
    assert told[-1] == ("trading without hedges, candles", result.candles, result.candles)
    assert Counter(what for what, done, _ in told if not done)["reading candles"] == 1


def test_without_a_hedge_nothing_is_made_again_and_the_reason_is_said(store: Store) -> None:
    result = run_backtest(hedged(HEDGING=at(0.9)), store, compare_hedging=True)
    assert result.unhedged is None
    assert result.no_hedge.startswith("the drawdown never reached a threshold: nearest was ")
    assert "needed were 90.00% for" in result.no_hedge
    deepest = float(result.no_hedge.split("nearest was ")[1].split("%")[0])
    assert 0 < deepest < 90


def test_where_nothing_is_hedged_no_reason_is_given(store: Store) -> None:
    result = run_backtest(hedged(HEDGING=off()), store, compare_hedging=True)
    assert (result.no_hedge, result.unhedged) == ("", None)


def test_guards_and_raised_stops_are_kept(compared: RunResult) -> None:
    assert all(START_MS < change.time <= START_MS + 4 * DAY_MS for change in compared.guards)
    moves = sum(map(len, compared.stop_moves.values()))
    assert sum(sum(rules.values()) for rules in compared.stops_raised.values()) == moves > 0
    assert set(compared.bases) == set(COINS)
