"""The evidence for or against a trained model: everything that its folds did on what they had not seen.

Nothing here looks at a training or calibration span, but for the shares of classes that a score is held against.
Streams are gone through one by one, so memory is that of the candidates and of one stream's candles.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.prepare import Progress
from trader.engine.train.fold import Stream
from trader.engine.train.proof import alone, pooled, scoring, weights
from trader.engine.train.proof.chance import Urn, drawn, urn_of
from trader.engine.train.proof.facts import Evidence, Group, OfFold
from trader.engine.train.proof.outside import Asked, Made, Rows, joined_made, joined_rows, made, seen, shares_of
from trader.engine.train.walk import Walked
from trader.market.resample import resample
from trader.market.store import Store
from trader.metrics import max_drawdown
from trader.ml.calibration import reliability
from trader.ml.pattern_model import RECOGNISER, SUCCESS
from trader.ml.scores import lift
from trader.ml.splits import Fold
from trader.patterns.labels import CLASSES
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import StreamOpinions, stream_opinions

__all__ = ["Evidence", "gather"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Outside(msgspec.Struct, frozen=True, eq=False):
    """All streams side by side: candidates, entries, those that are taken, those of the geometry, random ones."""

    rows: Rows
    made: Made
    taken: Made
    geometry_time: Integers
    geometry_net: Floats
    urns: list[Urn]


def gather(
    streams: Sequence[Stream],
    walked: Sequence[Walked],
    settings: Settings,
    store: Store,
    *,
    trials: int,
    seed: int,
    draws: int = 1000,
    progress: Progress,
) -> Evidence:
    """Return the evidence of a walk over `streams`, by the rules of `settings`; the same for equal arguments.

    `store` has the candles of the streams' coins, for the backtests. `trials`: how many models were tried before these
    were chosen, themselves included. `draws`: how often chance is asked. Raise `ConfigError` without streams or folds,
    and for folds that learn from what lies behind their test.
    """
    if not streams or not walked:
        raise ConfigError(f"{len(streams)} streams and {len(walked)} folds to judge; allowed: one of each at least")
    _check_forward([each.fold for each in walked])
    models = [Asked(each.learned) for each in walked]
    span = min(each.fold.test_start for each in walked), max(each.fold.test_end for each in walked)
    found = _outside(streams, walked, models, settings, seed, progress)
    scored = scoring.Scored(found.rows, np.array([shares_of(streams, each.fold) for each in walked]))
    progress("judging what was said", 0, 3)
    important = {RECOGNISER: weights.of_recogniser(streams, found.rows, walked, models, seed)}
    progress("judging what was said", 1, 3)
    important[SUCCESS] = weights.of_success(streams, found.made, walked, models, seed)
    progress("judging what was said", 2, 3)
    chance = drawn(found.urns, found.taken.net, draws, np.random.default_rng((seed, 2)))
    progress("judging what was said", 3, 3)
    model, geometry = pooled.runs(streams, walked, settings, store, span, progress)
    lines = pooled.curves(model, geometry)
    taken, samples = found.taken, [stream.samples for stream in streams]
    likeliest, right = scored.likeliest()
    won = found.made.net > 0
    return Evidence(
        market=settings.MARKET,
        coins=tuple(dict.fromkeys(each.symbol for each in samples)),
        timeframes=tuple(dict.fromkeys(each.timeframe.value for each in samples)),
        start=span[0],
        end=span[1],
        trials=trials,
        seed=seed,
        rules=alone.thresholds(settings),
        classes=CLASSES,
        folds=tuple(_of_fold(number, each, scored, found, span) for number, each in enumerate(walked)),
        recognised=scored.classes(np.ones(len(found.rows), np.bool_)),
        early=scored.classes(found.rows.lead > 0),
        called=reliability(*scored.called()),
        likeliest=reliability(likeliest, right),
        lift=lift(likeliest, right),
        chances=scoring.chances(found.made),
        reliability_won=reliability(found.made.chance, won),
        lift_won=lift(found.made.chance, won),
        net_by_expected=lift(found.made.expected, found.made.net),
        weights=important,
        **_groups(streams, scored, taken, span),
        signals=alone.signals_of(taken.time, taken.net, *span),
        geometry=alone.signals_of(found.geometry_time, found.geometry_net, *span),
        chance=chance,
        deflated=alone.deflated(taken.time, taken.net, *span, trials),
        pooled={"model": pooled.pooled(model), "geometry": pooled.pooled(geometry)},
        hold=lines.hold[-1] - 1,
        hold_drawdown=max_drawdown(np.array(lines.hold)),
        curves=lines,
    )


def _check_forward(folds: Sequence[Fold]) -> None:
    """Refuse folds of which one knows its own future, or begins before the one before has ended."""
    free = 0
    for fold in folds:
        if max(fold.train_end, free) > fold.test_start:
            raise ConfigError(f"fold {fold.words()}: allowed are tests behind their training, one behind the other")
        free = fold.test_end


def _outside(
    streams: Sequence[Stream],
    walked: Sequence[Walked],
    models: Sequence[Asked],
    settings: Settings,
    seed: int,
    progress: Progress,
) -> Outside:
    """Go through the streams one by one."""
    spans = [(each.fold.test_start, each.fold.test_end) for each in walked]
    parts: list[tuple[Rows, Made, Made, Integers, Floats, Urn]] = []
    for number, stream in enumerate(streams):
        progress("following entries out of sample", number, len(streams))
        rows = seen(stream, number, walked, models)
        entries = made(stream, rows, models, settings)
        taken = alone.taken(entries, alone.thresholds(settings))
        shown = _shown(stream, spans[0][0], settings)
        inside = alone.tested(shown, spans)
        random = np.random.default_rng((seed, 1, number))
        urn = urn_of(stream, shown, inside, taken, settings, random)
        parts.append((rows, entries, taken, *alone.taken_by_geometry(stream, shown, inside, settings), urn))
    progress("following entries out of sample", len(streams), len(streams))
    every_rows, every_made, every_taken, times, nets, urns = zip(*parts, strict=True)
    return Outside(
        joined_rows(every_rows),
        joined_made(every_made),
        joined_made(every_taken),
        np.concatenate(times),
        np.concatenate(nets),
        list(urns),
    )


def _shown(stream: Stream, start: int, settings: Settings) -> StreamOpinions:
    """Return what the geometry shows on the stream from `start` on, ms, after the program's own warm-up."""
    timeframe = stream.samples.timeframe
    first = start - settings.PRELOAD_CANDLES * timeframe.ms
    table = resample(stream.exits.between(first, int(stream.exits.open_time[-1]) + 1), timeframe)
    return stream_opinions(table, GeometryStrategy(), start - timeframe.ms)


def _of_fold(number: int, walked: Walked, scored: scoring.Scored, found: Outside, span: tuple[int, int]) -> OfFold:
    fold, rows, taken = walked.fold, found.rows, found.taken
    own, entries = rows.fold == number, taken.only(taken.fold == number)
    return OfFold(
        fold.words(),
        fold.test_start,
        fold.test_end,
        scored.classes(own),
        scored.classes(own & (rows.lead > 0)),
        scoring.chances(found.made.only(found.made.fold == number)),
        alone.signals_of(entries.time, entries.net, fold.test_start, fold.test_end),
    )


def _groups(
    streams: Sequence[Stream], scored: scoring.Scored, taken: Made, span: tuple[int, int]
) -> dict[str, tuple[Group, ...]]:
    coins = [stream.samples.symbol for stream in streams]
    timeframes = [stream.samples.timeframe.value for stream in streams]

    def pattern(each: Rows | Made) -> scoring.Names:
        return scoring.named_by(CLASSES, each.pattern if isinstance(each, Made) else each.label)

    named = {
        "by_month": lambda each: scoring.month(each.time),
        "by_coin": lambda each: scoring.named_by(coins, each.stream),
        "by_timeframe": lambda each: scoring.named_by(timeframes, each.stream),
        "by_pattern": pattern,
    }
    return {name: tuple(scoring.groups(scored, taken, by, span)) for name, by in named.items()}
