"""What a model was made on, small enough to be stored with it: live candles and outcomes are held against it.

Of each input how it was spread among candidates, of each timeframe how many candles were candidates, and how well the
success model's probabilities came true. `trader.ml.drift_watch` compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from trader.core.errors import ModelError
from trader.core.timeframe import DAY_MS
from trader.ml.inputs import INPUTS
from trader.ml.scores import brier, brier_expected

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: The only form of a reference that this program reads and writes.
FORMAT = 1
#: The file of a version in the registry that holds it.
FILE = "reference.json"
#: Bins of equal counts for each input.
BINS = 10
#: All inputs but the calendar's: in a window of days a week's fraction has moved by itself.
NAMES = tuple(each.name for each in INPUTS)
CALENDAR = ("day_fraction", "week_fraction")


class DayCounts(NamedTuple):
    """Candles of each day and how many of them were candidates, int64[days]."""

    candles: Integers
    candidates: Integers


class InputShares(msgspec.Struct, frozen=True):
    """How one input was spread: `shares[k]` of the rows lay above `edges[k - 1]`, and at `edges[k]` or below."""

    name: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]


class CandidateRate(msgspec.Struct, frozen=True):
    """Candles and candidates of one timeframe. `spread`: by how much days differ beyond chance, as a share."""

    candles: int
    candidates: int
    spread: float

    @property
    def share(self) -> float:
        """The share of candles that were candidates."""
        return self.candidates / self.candles


class Outcomes(msgspec.Struct, frozen=True):
    """Entries out of sample: how many, the mean probability of success, the share that was won, their Brier score, and
    the one that these probabilities would have if they were right. Without entries all are 0."""

    entries: int = 0
    probability: float = 0.0
    won: float = 0.0
    brier: float = 0.0
    brier_expected: float = 0.0


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was made on; `rows` candidates, `rates` by timeframe."""

    format: int = FORMAT
    rows: int
    inputs: tuple[InputShares, ...]
    rates: dict[str, CandidateRate]
    outcomes: Outcomes


_REFERENCE = msgspec.json.Decoder(Reference)


def reference_of(
    inputs: NDArray[np.float32],
    counts: Mapping[str, DayCounts],
    probability: ArrayLike,
    won: ArrayLike,
    names: Sequence[str] = NAMES,
) -> Reference:
    """Return the reference of a training.

    `inputs` float32[n, len(names)], those of candidates; `counts` by timeframe (`day_counts`); `probability` the
    calibrated one of success of entries out of sample, `won` whether each netted more than 0. Raise `ModelError` for
    what no reference can be made of.
    """
    if inputs.ndim != 2 or inputs.shape[1] != len(names) or not len(inputs):
        raise ModelError(f"inputs of candidates are {list(inputs.shape)}; allowed: [1 and more, {len(names)}]")
    said, hit = np.asarray(probability, np.float64), np.asarray(won, np.float64)
    if said.shape != hit.shape:
        raise ModelError(f"{said.size} probabilities of success and {hit.size} outcomes; allowed: as many")
    return Reference(
        rows=len(inputs),
        inputs=tuple(_shares(name, inputs[:, at]) for at, name in enumerate(names)),
        rates={timeframe: _rate(timeframe, days) for timeframe, days in counts.items()},
        outcomes=_outcomes(said, hit),
    )


def day_counts(candles: Integers, candidates: Integers) -> DayCounts:
    """Return the counts by UTC day of the closes of candles, and of those that were candidates: int64 ms, any order.

    >>> day_counts(np.array([1, 2, DAY_MS + 1]), np.array([2]))
    DayCounts(candles=array([2, 1]), candidates=array([1, 0]))
    """
    days, of_candle = np.unique(candles // DAY_MS, return_inverse=True)
    where = np.searchsorted(days, candidates // DAY_MS)
    return DayCounts(np.bincount(of_candle, minlength=len(days)), np.bincount(where, minlength=len(days)))


def encode(reference: Reference) -> bytes:
    """Return a reference as JSON."""
    return msgspec.json.format(msgspec.json.encode(reference), indent=1) + b"\n"


def decode(content: bytes, place: str) -> Reference:
    """Return the reference that `content` has; `place` is named in errors. Raise `ModelError` for anything else."""
    try:
        found = _REFERENCE.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{place} is no reference for drift: {error}; train the model again") from error
    if found.format != FORMAT:
        raise ModelError(f"{place}: format {found.format}; allowed: {FORMAT}; use the program that wrote it")
    for each in found.inputs:
        _check_input(each, place)
    for timeframe, rate in found.rates.items():
        if not 0 <= rate.candidates <= rate.candles or not rate.candles or not rate.spread >= 0:
            told = f"{rate.candidates} candidates of {rate.candles} candles, spread {rate.spread}"
            raise ModelError(f"{place}: {timeframe}: {told}; allowed: candles, no more candidates, a spread from 0 on")
    return found


def _check_input(each: InputShares, place: str) -> None:
    edges, shares = np.array(each.edges), np.array(each.shares)
    sound = len(shares) == len(edges) + 1 and len(shares) <= BINS and (shares >= 0).all() and (np.diff(edges) > 0).all()
    if not sound or abs(shares.sum() - 1) > 1e-6:
        told = f"{len(edges)} edges and {len(shares)} shares that sum to {shares.sum():.6g}"
        raise ModelError(f"{place}: {each.name} has {told}; allowed: rising edges, a share more, {BINS} at most, sum 1")


def _shares(name: str, values: NDArray[np.float32]) -> InputShares:
    if not np.isfinite(values).all():
        raise ModelError(f"input {name} of {int((~np.isfinite(values)).sum())} candidates is no number; allowed: none")
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="lower"))  # lower: float32 as they come
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return InputShares(name, tuple(edges.tolist()), tuple((counts / len(values)).tolist()))


def _rate(timeframe: str, days: DayCounts) -> CandidateRate:
    """Return the rate of a timeframe; the spread is that of a random effect of days, by the method of moments."""
    candles, candidates = int(days.candles.sum()), int(days.candidates.sum())
    if not 0 <= candidates <= candles or not candles:
        raise ModelError(f"{timeframe}: {candidates} candidates of {candles} candles; allowed: candles, and no more")
    share, weight = candidates / candles, days.candles / candles
    seen = float((weight * (days.candidates / np.maximum(days.candles, 1) - share) ** 2).sum())
    chance = share * (1 - share) * len(days.candles) / candles
    return CandidateRate(candles, candidates, max(0.0, seen - chance) ** 0.5)


def _outcomes(said: Floats, hit: Floats) -> Outcomes:
    if not said.size:
        return Outcomes()
    return Outcomes(said.size, float(said.mean()), float(hit.mean()), brier(said, hit), brier_expected(said))
