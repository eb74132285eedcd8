"""Refused signals are followed as the trades that they would have been, and following them changes nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from tests.builders import settings
from trader.core.settings import Settings
from trader.core.signal import Pattern, Reading, Refusal, Signal
from trader.core.timeframe import DAY_MS, Timeframe
from trader.core.trade import Trade
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.engine.shadow import FOLLOWED, RefusedSignals, turns_of
from trader.market.history import history, stream_table
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.market.synthetic import SyntheticMarket
from trader.simulation.shadow import Shadow, Shadows
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.strategy.registry import schedule_of
from trader.trading.checks import RULES
from trader.trading.notes import GuardChanged, Refused

#: 2026-01-05 00:00 UTC.
START = 1_767_571_200_000
END = START + 12 * DAY_MS
COINS = ("BTCUSDT", "ETHUSDT")
M1 = Timeframe.MIN_1
#: Many signals, and nothing but a trade's own exits ends it.
BUSY: dict[str, Any] = {
    "COINS": list(COINS), "TIMEFRAMES": ["1min", "5min"], "MIN_PROBABILITY": 0.5, "MIN_STRENGTH": 0.3, "NUM_WORKERS": 1,
    "MAX_POSITION_SIZE_PCT": 0.01, "BACKTEST_INITIAL_CAPITAL": 1e7, "DAILY_LOSS_LIMIT": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Store:
    """A store of generated minutes, as both markets."""
    store = Store(tmp_path_factory.mktemp("data"))
    market = SyntheticMarket(3, COINS, START)
    for name in ("spot", "futures"):
        for coin in COINS:
            store.merge(name, market.candles(coin, M1, START, END))
    return store


@pytest.fixture(scope="module")
def followed(store: Store) -> RunResult:
    return run_backtest(settings(**BUSY), store, counterfactual=True)


def test_the_followed_rules_are_those_behind_check_6() -> None:
    assert not FOLLOWED & {"no_pattern", "outside_hours", "low_probability", "low_strength", "expired"}
    assert next(rule for rule in RULES if rule in FOLLOWED) == "paused"
    assert {"already_open", "low_profit", "correlated", "insufficient_capital", "below_min_size"} <= FOLLOWED


def test_every_refusal_behind_check_6_is_followed(followed: RunResult) -> None:
    assert followed.followed is not None
    found = Counter((signal.symbol, signal.timeframe, signal.rule) for signal in followed.followed)
    counted = {
        (*stream, rule): count for stream, rules in followed.funnel.items() for rule, count in rules.items()
        if rule in FOLLOWED
    }  # fmt: skip
    assert found == counted
    assert len({rule for _, _, rule in found}) >= 4
    assert sum(found.values()) > 100


def test_following_changes_nothing_else_and_is_off_unless_asked_for(store: Store, followed: RunResult) -> None:
    plain = run_backtest(settings(**BUSY), store)
    assert plain.followed is None
    assert msgspec.json.encode(plain.trades) == msgspec.json.encode(followed.trades)
    assert plain.final_equity == followed.final_equity


def test_the_same_run_follows_to_the_same_results(store: Store, followed: RunResult) -> None:
    again = run_backtest(settings(**BUSY), store, counterfactual=True)
    assert msgspec.json.encode(again.followed) == msgspec.json.encode(followed.followed)


def test_progress_reaches_the_number_of_signals(store: Store) -> None:
    said: list[tuple[str, int, int]] = []
    result = run_backtest(settings(**BUSY), store, progress=lambda *told: said.append(told), counterfactual=True)
    assert result.followed is not None
    assert said[-1] == ("following refused signals", len(result.followed), len(result.followed))


def test_only_refusals_of_the_followed_rules_are_kept() -> None:
    reading = Reading("BTCUSDT", M1, 2.0, 1.0, 0.1, Signal(Pattern.DOUBLE_BOTTOM, 0.9, 0.9))
    refusals = [Refused(START, reading, Refusal("", rule)) for rule in ("low_strength", "cooldown", "no_pattern")]
    audience = RefusedSignals()
    for note in (*refusals, GuardChanged(START, "cooldown", True, "")):
        audience.note(note)
    assert audience.notes == [refusals[1]]


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"MARKET": "futures", "LEVERAGE": 50, "REVERSAL": {"enable": True, "min_probability": 0.6}},
        {"MARKET": "futures", "TARGET_LADDER": {"enable": True}, "STOP_MODE": "atr"},
    ],
    ids=["spot", "futures with reversal", "futures with ladder"],
)
def test_the_shadows_of_trades_that_were_taken_are_those_trades(store: Store, rules: dict[str, Any]) -> None:
    chosen = settings(**{**BUSY, **rules})
    result = run_backtest(chosen, store)
    shadows = _shadows(chosen, store)
    turns = turns_of(chosen, [_opinions(chosen, store, *stream) for stream in result.streams])
    reasons = Counter(trade.parts[-1].reason for trade in result.trades)
    assert len(result.trades) > 50
    assert len(reasons) >= 3
    assert ("reversal" in reasons) == chosen.REVERSAL.enable
    for trade in result.trades:
        own = turns.get((trade.symbol, trade.timeframe), {})
        shadow = shadows[trade.symbol].follow(_reading(trade), trade.signal_time, own)
        _assert_same(trade, shadow)


def _shadows(settings: Settings, store: Store) -> dict[str, Shadows]:
    grids, _ = instruments(store, settings, COINS)
    tables = {coin: history(store, settings.MARKET, coin, M1, START, END) for coin in COINS}
    return {coin: Shadows(settings, table, grids[coin]) for coin, table in tables.items()}


def _opinions(settings: Settings, store: Store, symbol: str, timeframe: Timeframe) -> StreamOpinions:
    table = stream_table(store, settings.MARKET, symbol, M1, timeframe, START, END)
    return stream_opinions(table, schedule_of(settings), START)


def _reading(trade: Trade) -> Reading:
    """Return a reading that leads to the trade: its EMA50 on the side that a symmetrical triangle needs."""
    signal = Signal(Pattern(trade.pattern), trade.probability, trade.strength)
    return Reading(trade.symbol, trade.timeframe, 2.0, 2.0 - trade.direction, trade.atr14, signal)


def _assert_same(trade: Trade, shadow: Shadow | None) -> None:
    assert shadow is not None
    assert (shadow.entry_time, shadow.entry_price) == (trade.entry_time, trade.entry_price)
    parts = [(part.time, part.price, part.reason) for part in trade.parts]
    assert [(fill.time, fill.price, fill.reason) for fill in shadow.fills] == parts
    assert shadow.net_return == pytest.approx(trade.net / (trade.quantity * trade.entry_price), abs=1e-6)
