"""What chance would have brought: random entries with the number, sides, patterns, streams and exits of given ones.

Following an entry to its exit is what takes time. So of each kind of entry (stream, pattern, side) many random ones are
followed once, and each draw takes from them, at random and again for each draw, as many as there were; on a stream
no two of them overlap, as no two of the given ones do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader import metrics
from trader.core.settings import Settings
from trader.engine.train.fold import Stream
from trader.engine.train.proof.facts import Chance
from trader.engine.train.proof.outside import Made
from trader.simulation.outcomes import Entries, follow_entries
from trader.strategy.opinions import StreamOpinions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Random entries that are followed for each given one, and the least and the most of one kind. A draw must take a small
#: part of them only: draws that share most of their entries would differ too little.
FOLLOWED_FOR_EACH, LEAST_FOLLOWED, MOST_FOLLOWED = 12, 300, 20_000
#: How often an entry looks for another time where its stream is taken, before it is left out of its draw.
TRIES = 30
#: Cells of the table of draws and entries that is worked on at once.
CELLS = 400_000


class Urn(msgspec.Struct, frozen=True, eq=False):
    """Random entries of one stream that were followed, and which of them each wanted entry may be.

    `time`, `end` (int64 ms) and `net` of each followed one, kind behind kind; the wanted entry k is drawn from
    `first[k]` up to `last[k]`, without it.
    """

    time: Integers
    end: Integers
    net: Floats
    first: Integers
    last: Integers


def urn_of(
    stream: Stream, shown: StreamOpinions, inside: Flags, wanted: Made, rules: Settings, random: np.random.Generator
) -> Urn:
    """Return random entries of a stream in the candles `inside`, as many times as many as are `wanted` there."""
    eligible = np.flatnonzero(inside & shown.ready)
    kinds = sorted(set(zip(wanted.pattern.tolist(), wanted.side.tolist(), strict=True)))
    times, ends, nets = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    first, last, held = [], [], 0
    for pattern, side in kinds:
        own = (wanted.pattern == pattern) & (wanted.side == side)
        count = min(max(LEAST_FOLLOWED, FOLLOWED_FOR_EACH * int(own.sum())), MOST_FOLLOWED, len(eligible))
        rows = np.sort(random.choice(eligible, count, replace=False))
        time, end, net = _outcomes(stream, shown, rows, wanted.only(own), rules, random)
        times.append(time)
        ends.append(end)
        nets.append(net)
        first += [held] * int(own.sum())
        held += len(time)
        last += [held] * int(own.sum())
    return Urn(np.concatenate(times), np.concatenate(ends), np.concatenate(nets), np.array(first), np.array(last))


def _outcomes(
    stream: Stream, shown: StreamOpinions, rows: Integers, kind: Made, rules: Settings, random: np.random.Generator
) -> tuple[Integers, Integers, Floats]:
    pattern, side = int(kind.pattern[0]), int(kind.side[0])
    entries = Entries.of(shown, rows, np.full(len(rows), pattern, np.int8), random.choice(kind.probability, len(rows)))
    # The symmetrical triangle takes the side of the trend: a trend of the wanted side is put below it.
    entries = msgspec.structs.replace(entries, ema50=entries.close * (1 - 0.5 * side))
    found = follow_entries(rules, stream.exits, stream.instrument, entries)
    time = shown.time[rows[found.entry]]
    whole = found.complete(time)
    return time[whole], found.exit_time[whole], found.net[whole]


def drawn(urns: Sequence[Urn], net: Floats, draws: int, random: np.random.Generator) -> Chance:
    """Return `draws` draws of as many entries as the urns want, beside `net`, the results that were had."""
    total, placed = np.zeros(draws), np.zeros(draws, np.int64)
    wanted = sum(len(urn.first) for urn in urns)
    for urn in urns:
        at = 0
        for sums, counts in _draws(urn, draws, random):
            total[at : at + len(sums)] += sums
            placed[at : at + len(sums)] += counts
            at += len(sums)
    means = np.sort(np.divide(total, placed, out=np.full(draws, np.nan), where=placed > 0))
    return Chance(
        draws,
        sum(len(urn.time) for urn in urns),
        metrics.ratio(float(placed.mean()), wanted) if draws else math.nan,
        metrics.mean(means),
        float(means.std()) if draws else math.nan,
        p_value(metrics.mean(net), means),
        tuple(means.tolist()),
    )


def p_value(net: float, means: Floats) -> float:
    """Return `(1 + draws at least as good) / (1 + draws)`: how often chance does as well; NaN without a result.

    Source: Phipson and Smyth, Permutation P-values Should Never Be Zero (2010).

    >>> p_value(0.3, np.array([0.1, 0.2, 0.3])), p_value(0.5, np.array([0.1, 0.2, 0.3]))
    (0.5, 0.25)
    """
    if math.isnan(net) or np.isnan(means).any():
        return math.nan
    return (1 + int((means >= net).sum())) / (1 + len(means))


def _draws(urn: Urn, draws: int, random: np.random.Generator) -> Iterator[tuple[Floats, Integers]]:
    """Yield the sums of net results and the counts of some draws after the other."""
    able = urn.last > urn.first
    first, width = urn.first[able], (urn.last - urn.first)[able]
    at_once = max(1, CELLS // max(1, len(first)))
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        yield _one_chunk(urn, first, width, count, random)


def _one_chunk(
    urn: Urn, first: Integers, width: Integers, count: int, random: np.random.Generator
) -> tuple[Floats, Integers]:
    def pick(rows: int) -> Integers:
        found: Integers = first + (random.random((rows, len(first))) * width).astype(np.int64)
        return found

    chosen = pick(count)
    clash = clashes(urn, chosen)
    for _ in range(TRIES):
        again = np.flatnonzero(clash.any(axis=1))
        if not len(again):
            break
        chosen[again] = np.where(clash[again], pick(len(again)), chosen[again])
        clash[again] = clashes(urn, chosen[again])
    return np.where(clash, 0.0, urn.net[chosen]).sum(axis=1), (~clash).sum(axis=1)


def clashes(urn: Urn, chosen: Integers) -> Flags:
    """Tell of each entry of each draw, int64[draws, k], whether one that began before it is open when it begins."""
    time, end = urn.time[chosen], urn.end[chosen]
    order = np.argsort(time, axis=1, kind="stable")
    begins, ends = np.take_along_axis(time, order, 1), np.take_along_axis(end, order, 1)
    found = np.zeros(chosen.shape, np.bool_)
    if chosen.shape[1] > 1:
        late = begins[:, 1:] < np.maximum.accumulate(ends, axis=1)[:, :-1]
        np.put_along_axis(found, order[:, 1:], late, 1)
    return found
