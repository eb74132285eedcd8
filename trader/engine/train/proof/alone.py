"""Entries that are taken, without a pool: by the thresholds of the settings, one open per stream at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader import metrics
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.train.fold import Stream
from trader.engine.train.judge import error_over_days
from trader.engine.train.proof.facts import Signals
from trader.engine.train.proof.outside import Made
from trader.simulation.outcomes import Entries, Outcomes, follow_entries
from trader.strategy.opinions import StreamOpinions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def thresholds(settings: Settings) -> dict[str, float]:
    """Return the settings that an entry must reach, by name; without `MIN_EXPECTED_RETURN` where it is off."""
    wanted = {name: float(getattr(settings, name)) for name in ("MIN_PROBABILITY", "MIN_STRENGTH")}
    least = getattr(settings, "MIN_EXPECTED_RETURN", None)
    return wanted if least is None else wanted | {"MIN_EXPECTED_RETURN": float(least)}


def taken(made: Made, rules: dict[str, float]) -> Made:
    """Return the entries of one stream that reach the thresholds, one open at a time; `made` in the order of time."""
    passed = (made.probability >= rules["MIN_PROBABILITY"]) & (made.strength >= rules["MIN_STRENGTH"])
    if "MIN_EXPECTED_RETURN" in rules:
        passed &= made.expected >= rules["MIN_EXPECTED_RETURN"]
    chosen = made.only(passed)
    return chosen.only(one_at_a_time(chosen.time, chosen.end))


def one_at_a_time(time: Integers, end: Integers) -> Integers:
    """Return which entries find their stream free, each taken as it comes; those decided as one ends do.

    >>> one_at_a_time(np.array([0, 5, 10, 12]), np.array([10, 11, 20, 13])).tolist()
    [0, 2]
    """
    found: list[int] = []
    free = -1
    for place, (begins, ends) in enumerate(zip(time.tolist(), end.tolist(), strict=True)):
        if begins >= free:
            found.append(place)
            free = ends
    return np.array(found, np.int64)


def followed(
    stream: Stream, shown: StreamOpinions, rows: Integers, pattern: Integers, probability: Floats, rules: Settings
) -> Outcomes:
    """Return what becomes of entries at `rows` of a stream, as `follow_entries` does."""
    entries = Entries.of(shown, rows, pattern.astype(np.int8), probability)
    return follow_entries(rules, stream.exits, stream.instrument, entries)


def taken_by_geometry(stream: Stream, shown: StreamOpinions, inside: Flags, rules: Settings) -> tuple[Integers, Floats]:
    """Return times and net results of the entries that the geometry makes in the candles `inside`, bool[n]."""
    least = thresholds(rules)
    passed = inside & shown.ready & (shown.pattern >= 0)
    passed &= (shown.probability >= least["MIN_PROBABILITY"]) & (shown.strength >= least["MIN_STRENGTH"])
    rows = np.flatnonzero(passed)
    found = followed(stream, shown, rows, shown.pattern[rows].astype(np.int64), shown.probability[rows], rules)
    time = shown.time[rows[found.entry]]
    kept = found.complete(time) & ((found.direction > 0) | (rules.MARKET == "futures"))
    time, end, net = time[kept], found.exit_time[kept], found.net[kept]
    chosen = one_at_a_time(time, end)
    return time[chosen], net[chosen]


def daily(time: Integers, net: Floats, start: int, end: int) -> Floats:
    """Return the sum of the net results of each UTC day of the span, by the day of the decision."""
    first, last = start // DAY_MS, (end - 1) // DAY_MS
    return np.bincount(time // DAY_MS - first, weights=net, minlength=last - first + 1).astype(np.float64)


def signals_of(time: Integers, net: Floats, start: int, end: int) -> Signals:
    """Return the figures of entries that were taken between `start` and `end`, ms."""
    return Signals(
        len(net),
        len(np.unique(time // DAY_MS)),
        metrics.win_rate(net),
        metrics.mean(net),
        error_over_days(time, net) if len(net) else float("nan"),
        metrics.sharpe(daily(time, net, start, end)),
        float(np.sum(net)),
    )


def deflated(time: Integers, net: Floats, start: int, end: int, trials: int) -> float:
    """Return the deflated Sharpe ratio of the daily results, a probability; NaN where it is undefined.

    The trials' own ratios are not kept, so their variance is taken to be what luck alone gives a ratio over as many
    days: `1 / (days - 1)` (Lo, The Statistics of Sharpe Ratios, 2002, at a true ratio of 0).
    """
    days = daily(time, net, start, end)
    return metrics.deflated_sharpe(days, trials, 1 / (len(days) - 1)) if len(days) > 1 else float("nan")


def tested(shown: StreamOpinions, spans: list[tuple[int, int]]) -> Flags:
    """Tell which candles close within one of `spans`, ms, each without its end."""
    inside = np.zeros(len(shown), np.bool_)
    for start, end in spans:
        inside |= (shown.time >= start) & (shown.time < end)
    return inside
