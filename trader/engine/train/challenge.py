"""Is a new model better than the one in force? Both are judged on the same later span, which neither has learned from.

The candidate takes over where both hold:
1. its recogniser's log loss on the candidates of the span is lower, by more than one standard error of the difference;
2. the mean net return of the entries that it would have made is not lower by more than one standard error of the
   difference.
Both differences are paired by day: on one day both models see the same market, and what is drawn are days. With too
little to judge by, the current one stays. A current model that cannot be used cannot be beaten: there the candidate
must be better than the shares of the classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ModelError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, utc
from trader.engine.train.fold import CLASSES, Stream
from trader.engine.train.success import entered
from trader.ml.pattern_model import PatternModel
from trader.ml.registry.metadata import Description
from trader.ml.registry.store import Registry, Stored
from trader.ml.scores import LEAST_PROBABILITY

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Less than this is too little to judge by: days with candidates, candidates, entries of each model.
LEAST_DAYS, LEAST_ROWS, LEAST_ENTRIES = 7, 500, 100
#: A difference within so many standard errors is none.
ERRORS = 1.0
#: The uses of a span by which a model knows it.
LEARNED = ("train", "calibrate")


class Compared(msgspec.Struct, frozen=True):
    """A figure of both models, and the standard error of their difference, paired by day; NaN where unknown."""

    candidate: float
    current: float
    error: float

    @property
    def difference(self) -> float:
        """How much more the candidate has."""
        return self.candidate - self.current


class Challenge(msgspec.Struct, frozen=True):
    """What came of it, with the reason in words. The span is ms UTC; figures are None where nothing was compared."""

    candidate: str
    current: str
    promote: bool
    reason: str
    start: int
    end: int
    rows: int = 0
    log_loss: Compared | None = None
    net: Compared | None = None


class _Opened(NamedTuple):
    name: str
    model: PatternModel
    known_until: int


class _Trades(NamedTuple):
    time: Integers
    net: Floats


def challenge(
    registry: Registry, name: str, version: str, streams: Sequence[Stream], rules: Settings, end: int
) -> Challenge:
    """Hold a version of a model against the current one, on what `streams` have behind both trainings and before `end`.

    Nothing is promoted. Raise `ModelError` where the candidate itself cannot be used.
    """
    timeframes = sorted({stream.samples.timeframe for stream in streams}, key=lambda timeframe: timeframe.ms)
    candidate = _open(registry.open(name, version), timeframes)
    current, trouble = _current(registry, name, timeframes)
    start = max(candidate.known_until, current.known_until if current else 0)
    arena = _Arena(streams, rules, start, end)
    known_as = current.name if current else registry.current(name) or "none"
    answer = Challenge(candidate.name, known_as, False, "", start, end, arena.rows)
    if lacking := arena.lacking():
        return msgspec.structs.replace(answer, reason=f"too little to judge by: {lacking}")
    return _against(answer, arena, candidate, current) if current else _alone(answer, arena, candidate, trouble)


def known_until(description: Description) -> int:
    """Return the end of what a model has learned from, ms UTC; all of its spans where none is called so."""
    ends = [span.end for span in description.spans if span.use in LEARNED]
    return max(ends or [span.end for span in description.spans], default=0)


def _open(stored: Stored, timeframes: Sequence[str]) -> _Opened:
    return _Opened(
        str(stored.reference), PatternModel.open(stored, timeframes), known_until(stored.metadata.description)
    )


def _current(registry: Registry, name: str, timeframes: Sequence[str]) -> tuple[_Opened | None, str]:
    """Return the model in force, or None and why there is none."""
    if registry.current(name) is None:
        return None, "none was promoted"
    try:
        return _open(registry.open(name), timeframes), ""
    except ModelError as error:
        return None, str(error)


def _against(answer: Challenge, arena: _Arena, candidate: _Opened, current: _Opened) -> Challenge:
    ours, theirs = (arena.losses(each.model) for each in (candidate, current))
    loss = Compared(float(ours.mean()), float(theirs.mean()), _paired_error((arena.time, ours), (arena.time, theirs)))
    made, before = arena.trades(candidate.model, current.model)
    answer = msgspec.structs.replace(answer, log_loss=loss)
    if min(len(made.net), len(before.net)) < LEAST_ENTRIES:
        told = f"{len(made.net)} entries of the candidate, {len(before.net)} of the current model"
        return msgspec.structs.replace(
            answer, reason=f"too little to judge by: {told}; needed: {LEAST_ENTRIES} of each"
        )
    net = Compared(float(made.net.mean()), float(before.net.mean()), _paired_error(made, before))
    learned, earned = loss.difference < -ERRORS * loss.error, net.difference >= -ERRORS * net.error
    reason = f"{_loss_words(loss, learned)}; {_net_words(net, earned)}; {arena.words()}"
    return msgspec.structs.replace(answer, promote=learned and earned, reason=reason, net=net)


def _alone(answer: Challenge, arena: _Arena, candidate: _Opened, trouble: str) -> Challenge:
    ours, shares = arena.losses(candidate.model), arena.losses_of_shares()
    loss = Compared(float(ours.mean()), float(shares.mean()), _paired_error((arena.time, ours), (arena.time, shares)))
    better = loss.difference < -ERRORS * loss.error
    words = f"log loss {loss.candidate:.4f}, of the classes' shares {loss.current:.4f} (± {loss.error:.4f})"
    reason = (
        f"no current model can be used ({trouble}); {words}: {'better' if better else 'not better'}; {arena.words()}"
    )
    return msgspec.structs.replace(answer, promote=better, reason=reason, log_loss=loss)


def _loss_words(loss: Compared, better: bool) -> str:
    verdict = "lower" if better else "not lower by more than its error"
    told = f"{loss.difference:+.4f} ± {loss.error:.4f}"
    return f"log loss {loss.candidate:.4f}, current {loss.current:.4f} ({told}): {verdict}"


def _net_words(net: Compared, fair: bool) -> str:
    verdict = "not lower" if fair else "lower"
    told = f"{net.difference:+.4%} ± {net.error:.4%}"
    return f"mean net of an entry {net.candidate:+.4%}, current {net.current:+.4%} ({told}): {verdict}"


class _Arena:
    """The samples of a span, stream behind stream; those whose label looks behind its end are left out."""

    def __init__(self, streams: Sequence[Stream], rules: Settings, start: int, end: int) -> None:
        self._streams, self._rules, self._span = streams, rules, (start, end)
        self._which = [
            np.flatnonzero((each.samples.time >= start) & (each.samples.label_end < end)) for each in streams
        ]
        parts = [(each.samples, which) for each, which in zip(streams, self._which, strict=True)]
        self.time = np.concatenate([samples.time[which] for samples, which in parts])
        self._label = np.concatenate([samples.label[which] for samples, which in parts]).astype(np.intp)
        self.rows = len(self.time)

    def lacking(self) -> str:
        """Return what there is too little of, "" where there is enough."""
        days = len(np.unique(self.time // DAY_MS))
        if days >= LEAST_DAYS and self.rows >= LEAST_ROWS:
            return ""
        return f"{self.words()}; needed: {LEAST_DAYS} days, {LEAST_ROWS} candidates"

    def words(self) -> str:
        """Say what there is."""
        days = len(np.unique(self.time // DAY_MS))
        start, end = self._span
        return f"{self.rows:,} candidates of {days} days, {utc(start)} to {utc(end)}"

    def losses(self, model: PatternModel) -> Floats:
        """Return the log loss of each sample."""
        return self._losses(np.concatenate([model.probabilities_of(inputs) for inputs in self._inputs()]))

    def losses_of_shares(self) -> Floats:
        """Return the same of who always says the shares that the classes have here: the best that knows nothing."""
        shares = np.bincount(self._label, minlength=CLASSES) / self.rows
        return self._losses(np.broadcast_to(shares, (self.rows, CLASSES)))

    def trades(self, candidate: PatternModel, current: PatternModel) -> tuple[_Trades, _Trades]:
        """Return what became of the entries of both, over the time in which those of both have ended."""
        found: tuple[list[_Trades], list[_Trades]] = ([], [])
        for stream, which, inputs in zip(self._streams, self._which, self._inputs(), strict=True):
            both = [self._entered(stream, which, inputs, model) for model in (candidate, current)]
            until = min((int(each.time[-1]) for each in both if len(each.time)), default=0)
            for trades, into in zip(both, found, strict=True):
                into.append(_Trades(trades.time[trades.time <= until], trades.net[trades.time <= until]))
        ours, theirs = (_Trades(*map(np.concatenate, zip(*each, strict=True))) for each in found)
        return ours, theirs

    def _entered(
        self, stream: Stream, which: NDArray[np.intp], inputs: NDArray[np.float32], model: PatternModel
    ) -> _Trades:
        said = model.probabilities_of(inputs)
        seen = entered(stream.samples, said, which.astype(np.int64), stream.exits, stream.instrument, self._rules)
        return _Trades(seen.time, seen.net)

    def _inputs(self) -> list[NDArray[np.float32]]:
        return [each.samples.inputs[which] for each, which in zip(self._streams, self._which, strict=True)]

    def _losses(self, probabilities: Floats) -> Floats:
        said: Floats = probabilities[np.arange(self.rows), self._label]
        return -np.log(np.clip(said, LEAST_PROBABILITY, 1.0))


def _paired_error(ours: tuple[Integers, Floats], theirs: tuple[Integers, Floats]) -> float:
    """Return the standard error of the difference of two means, with days as what is drawn, the same for both.

    Each is (time, values). Infinite with fewer than two days. Source: the linearised ratio estimator of cluster
    sampling (Cochran, Sampling Techniques, 1977, chapters 6 and 9A).
    """
    days = np.unique(np.concatenate((ours[0], theirs[0])) // DAY_MS)
    if len(days) < 2:
        return math.inf
    apart = _of_days(*ours, days) - _of_days(*theirs, days)
    return math.sqrt(len(days) / (len(days) - 1) * float((apart**2).sum()))


def _of_days(time: Integers, values: Floats, days: Integers) -> Floats:
    """Return by how much each day moves the mean of `values`."""
    day = np.searchsorted(days, time // DAY_MS)
    off: Floats = np.bincount(day, weights=values - values.mean(), minlength=len(days)) / len(values)
    return off
