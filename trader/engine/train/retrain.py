"""A new version of a model, and whether it takes over: trained on what is stored but for the last days, which judge."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.backtest import stored_span
from trader.engine.prepare import Progress
from trader.engine.train.challenge import Challenge, challenge
from trader.engine.train.fold import Plan
from trader.engine.train.loading import load_streams, plan_of
from trader.engine.train.reference import reference_of_training
from trader.engine.train.training import Request, store_model, train
from trader.market.store import Store
from trader.ml.drift import FILE, encode
from trader.ml.registry.paths import parse
from trader.ml.registry.store import Registry
from trader.patterns.labels import LabelRules

log = logging.getLogger(__name__)

#: Folds of a retraining: they say what is expected of the model (drift), not whether there is an edge at all.
FOLDS = 2
DEFAULT = Plan()
NOTE = "retrained beside the trading"


class Spans(NamedTuple):
    """From `start` to `judge` is learned from, from `judge` to `end` is judged; ms UTC."""

    start: int
    judge: int
    end: int


def spans_of(settings: Settings, store: Store, end: int | None = None) -> Spans:
    """Return the spans of a retraining that ends at `end`, or where the candles do; raise `ConfigError` for too few."""
    stored = stored_span(store, settings.MARKET, plan_of(settings, store))
    until = min(stored.end, end) if end is not None else stored.end
    judge = until - settings.RETRAIN.judge_days * DAY_MS
    start = max(stored.start, until - settings.RETRAIN.span_days * DAY_MS)
    if start >= judge:
        days = (until - stored.start) / DAY_MS
        raise ConfigError(
            f"RETRAIN.judge_days = {settings.RETRAIN.judge_days}: stored are {days:.1f} days; allowed: fewer"
        )
    return Spans(start, judge, until)


def retrain(
    settings: Settings,
    store: Store,
    registry: Registry,
    now_ms: Callable[[], int],
    progress: Progress,
    end: int | None = None,
    folds: int = FOLDS,
    plan: Plan = DEFAULT,
) -> Challenge:
    """Train a version of `MODEL`, store it, hold it against the current one, and promote it where it is better.

    Raise `ConfigError` where the candles are too few, `ModelError` where the version cannot be stored or used.
    """
    name, _ = parse(settings.MODEL)
    spans = spans_of(settings, store, end)
    threads = settings.RETRAIN.threads
    request = Request(name=name, start=spans.start, end=spans.judge, folds=folds, threads=threads, plan=plan)
    trained = train(request, settings, store, progress)
    reference = reference_of_training(trained.streams, trained.walked, settings)
    version = store_model(registry, name, trained, {FILE: encode(reference)}, NOTE).version
    later = load_streams(settings, store, spans.judge, spans.end, LabelRules(), progress)
    found = challenge(registry, name, version, later.streams, settings, spans.end)
    if found.promote:
        registry.promote(name, version, at=now_ms())
    return found


def words_of(found: Challenge) -> str:
    """Say in a line what came of it."""
    if found.promote:
        return f"promoted {found.candidate}, before it was {found.current}: {found.reason}"
    return f"kept {found.current}, {found.candidate} is not better: {found.reason}"
