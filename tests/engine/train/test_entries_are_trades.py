"""Entries that a success model learns from are trades of the real backtest with that classifier: what it is given, what
became of them, and when that was known."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.builders import settings
from tests.engine.runs import stored
from tests.engine.train.lessons import DAYS, M1, START_MS, learned, tables
from tests.simulation.test_outcomes import FREE
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.engine.train.samples import Samples, samples_of
from trader.engine.train.success import Entered, entered
from trader.market.history import history, stream_table
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.ml.calibration import Lookup
from trader.ml.forest import Forest, logistic
from trader.ml.inputs import INPUTS
from trader.ml.pattern_model import EXPECTED, SUCCESS, PatternModel
from trader.strategy.base import PATTERNS
from trader.strategy.classifier import ClassifierStrategy
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.strategy.schedule import Schedule

COIN = "BTCUSDT"
END_MS = START_MS + DAYS * DAY_MS
MARKETS: dict[str, dict[str, Any]] = {
    "spot": {},
    "futures with ladder": {"MARKET": "futures", "TARGET_LADDER": {"enable": True}, "STOP_MODE": "atr"},
}


@cache
def model() -> PatternModel:
    """Return the model that was learned from the first three weeks of the same candles."""
    parts = learned()
    return PatternModel({name: Forest.read(each) for name, each in parts.content.items()}, parts.calibration)


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Store:
    root = tmp_path_factory.mktemp("data")
    stored(root, tables()[:1], "futures")
    return stored(root, tables()[:1])


class OfStream:
    """What a training makes of the candles of one stream."""

    def __init__(self, rules: Settings, store: Store, timeframe: Timeframe) -> None:
        self.table: CandleTable = stream_table(store, rules.MARKET, COIN, M1, timeframe, START_MS, END_MS)
        self.samples: Samples = samples_of(self.table)
        self.made = self._entered(rules, store)

    def _entered(self, rules: Settings, store: Store) -> Entered:
        base = history(store, rules.MARKET, COIN, M1, START_MS, END_MS)
        grids, _ = instruments(store, rules, [COIN])
        said = model().probabilities_of(self.samples.inputs)
        return entered(self.samples, said, np.arange(len(said)), base, grids[COIN], rules)

    def known(self, trade: Any) -> bool:
        """Tell whether a training can know of a trade: candle and label lie so far from the end that all is known."""
        time = trade.signal_time
        return time in self.samples.time and time <= self.made.time[-1]


@pytest.mark.parametrize("rules", MARKETS.values(), ids=MARKETS)
def test_each_trade_is_an_entry_with_the_same_result(store: Store, rules: dict[str, Any]) -> None:
    run = run_backtest(settings(**{**FREE, **rules}), store, schedule=Schedule.of(ClassifierStrategy(model())))
    for _, timeframe in run.streams:
        stream = OfStream(run.settings, store, timeframe)
        trades = [trade for trade in run.trades if trade.timeframe == timeframe]
        known = [trade for trade in trades if stream.known(trade)]
        assert len(known) > max(20, 0.95 * len(trades))
        at = stream.made.time.searchsorted([trade.signal_time for trade in known])
        assert stream.made.time[at].tolist() == [trade.signal_time for trade in known]
        net = [trade.net / (trade.quantity * trade.entry_price) for trade in known]
        assert stream.made.net[at] == pytest.approx(net, abs=1e-9)
        assert stream.made.label_end[at].tolist() == [trade.exit_time for trade in known]
        told = stream.made.inputs[at, len(INPUTS) :]
        assert told[:, 0].tolist() == [trade.direction for trade in known]
        assert [PATTERNS[number] for number in told[:, 3:].argmax(axis=1)] == [trade.pattern for trade in known]
        assert told[:, 1].tolist() == [np.float32(trade.probability) for trade in known]


@pytest.mark.parametrize("timeframe", ["1min", "5min"])
def test_what_a_success_model_is_asked_of_a_candle_is_what_it_learns_from(store: Store, timeframe: str) -> None:
    stream = OfStream(settings(**FREE), store, Timeframe.parse(timeframe))
    seen: StreamOpinions = stream_opinions(stream.table, ClassifierStrategy(model()), START_MS)
    at = seen.time.searchsorted(stream.made.time)
    forests = {part: Forest.read(learned().content[part]) for part in (SUCCESS, EXPECTED)}
    curves = {part: Lookup(learned().calibration[part][0]) for part in (SUCCESS, EXPECTED)}
    margins = {part: forests[part].margins(stream.made.inputs) for part in forests}
    assert len(at) > 20
    assert seen.success[at].tobytes() == curves[SUCCESS](logistic(margins[SUCCESS])).tobytes()
    assert seen.expected[at].tobytes() == curves[EXPECTED](margins[EXPECTED][:, 0]).tobytes()
