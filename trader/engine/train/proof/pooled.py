"""The whole program over the test spans: each fold's model in its time, beside the geometry, and beside holding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trader import metrics
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.backtest import run_backtest
from trader.engine.prepare import Progress
from trader.engine.result import RunResult
from trader.engine.train.fold import Stream
from trader.engine.train.proof.facts import Curves, Pooled
from trader.engine.train.walk import Walked
from trader.market.store import Store
from trader.ml.forest import Forest
from trader.ml.pattern_model import PatternModel
from trader.strategy.classifier import ClassifierStrategy
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.schedule import Schedule, Turn

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Points of a curve at most: what a picture can show.
POINTS = 300


def schedule_of(walked: Sequence[Walked]) -> Schedule:
    """Return who is asked when, so that each model is asked about its own test span alone."""
    return Schedule([Turn(each.fold.test_start, _strategy(each), f"fold {at}") for at, each in enumerate(walked, 1)])


def _strategy(walked: Walked) -> ClassifierStrategy:
    learned = walked.learned
    forests = {part: Forest.read(content, part) for part, content in learned.content.items()}
    return ClassifierStrategy(PatternModel(forests, learned.calibration))


def runs(
    streams: Sequence[Stream],
    walked: Sequence[Walked],
    settings: Settings,
    store: Store,
    span: tuple[int, int],
    progress: Progress,
) -> tuple[RunResult, RunResult]:
    """Return the backtest by the models of the folds, and that of the geometry, over `span`, ms."""
    samples = [stream.samples for stream in streams]
    timeframes = sorted({each.timeframe for each in samples}, key=lambda each: each.ms)
    coins = {"COINS": list(dict.fromkeys(each.symbol for each in samples)), "TIMEFRAMES": timeframes}
    # Not validated: what is left out was valid before, and the geometry expects nothing of a trade.
    own = settings.model_copy(update=coins | {"STRATEGY": "classifier"})
    other = settings.model_copy(update=coins | {"STRATEGY": "geometry", "MIN_EXPECTED_RETURN": None})
    model = run_backtest(own, store, *span, progress=progress, schedule=schedule_of(walked))
    geometry = run_backtest(other, store, *span, progress=progress, schedule=Schedule.of(GeometryStrategy()))
    return model, geometry


def pooled(run: RunResult) -> Pooled:
    """Return the figures of a backtest."""
    curve = run.equity
    net = np.array([trade.net for trade in run.trades], np.float64)
    worth = np.array([trade.entry_price * trade.quantity for trade in run.trades], np.float64)
    costs = run.slippage_paid + sum(part.fees + part.funding for trade in run.trades for part in trade.parts)
    return Pooled(
        len(net),
        metrics.win_rate(net),
        metrics.mean(net / worth),
        metrics.total_return(run.initial_capital, run.final_equity),
        metrics.max_drawdown(curve.equity),
        metrics.sharpe(metrics.daily_returns(curve.time, curve.equity, run.start, run.end)),
        costs / run.initial_capital,
    )


def curves(model: RunResult, geometry: RunResult) -> Curves:
    """Return how the pools and the coins went, at midnights UTC, or rarer, and at the end."""
    days = max(1, -(-(model.end - model.start) // DAY_MS // POINTS))
    moments = np.unique(np.append(np.arange(model.start, model.end, days * DAY_MS), model.end))
    return Curves(
        tuple(moments.tolist()),
        _worth(model, moments),
        _worth(geometry, moments),
        tuple(_short(held(model, moments))),
    )


def _worth(run: RunResult, moments: Integers) -> tuple[float, ...]:
    values = metrics.values_at(run.equity.time, run.equity.equity, moments)
    return tuple(_short(values / run.initial_capital))


def held(run: RunResult, moments: Integers) -> Floats:
    """Return what equal amounts of every coin, bought at its first open, are worth at `moments`, 1 at first."""
    total = np.zeros(len(moments))
    tables = [table for table in run.bases.values() if len(table)]
    for table in tables:
        place = np.searchsorted(table.open_time + table.timeframe.ms, moments, side="right") - 1
        total += np.where(place >= 0, table.close[np.maximum(place, 0)] / table.open[0], 1.0)
    return total / max(len(tables), 1)


def _short(values: Floats) -> list[float]:
    return [round(value, 6) for value in values.tolist()]
