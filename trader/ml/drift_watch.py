"""Has the market moved away from what a model was made on? Counts by day over some days, held against its reference.

Three things are looked at: how each input is spread among candidates (population stability index), how many candles are
candidates, and whether the success model's probabilities come true. Of rows and trades only counts and sums are kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ConfigError, ModelError
from trader.core.timeframe import DAY_MS
from trader.ml.candidates import is_candidate
from trader.ml.drift import BINS, CALENDAR, Reference, encode
from trader.ml.inputs import inputs_of
from trader.ml.scores import LEAST_SHARE

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Bands of the stability index by custom (Siddiqi, Credit Risk Scorecards, 2006): below the first nothing has moved,
#: above the second much has.
MOVED, FAR = 0.1, 0.25
#: A measured share or score alarms when it is so many standard errors off, and is quiet again below the second.
ERRORS, QUIET_ERRORS = 3.0, 2.0
#: An alarm of an input ends below this part of its limit, so that it does not come and go.
QUIET_PART = 0.8
#: A rate of candidates must also be off by this part of the expected one: with a million candles any change is certain.
FAR_RATE = 0.2
#: Fewer say nothing: days with candles, candidates, closed trades.
LEAST_DAYS, LEAST_ROWS, LEAST_TRADES = 3, 1_000, 20
#: Rows of inputs that are counted at once.
BUFFER_ROWS = 64

INPUT, CANDIDATES, BRIER, WON = "input", "candidates", "brier", "won"


class Moved(msgspec.Struct, frozen=True):
    """One input, and its stability index; NaN with too few candidates."""

    name: str
    index: float


class Measured(msgspec.Struct, frozen=True):
    """What was seen of `count` candles or trades, beside what is expected, and the standard error of their distance.

    NaN where there was none; `error` is infinite where there are too few for a judgement.
    """

    name: str
    count: int
    value: float
    expected: float
    error: float

    @property
    def errors(self) -> float:
        """How many standard errors it lies above what is expected, or below (negative); 0 where that is unknown."""
        if not math.isfinite(self.error) or not self.error or math.isnan(self.value):
            return 0.0
        return (self.value - self.expected) / self.error


class Alarm(msgspec.Struct, frozen=True):
    """What has drifted: `kind` is input, candidates, brier or won; `limit` is what `value` has passed."""

    kind: str
    name: str
    value: float
    limit: float
    words: str


class Drift(msgspec.Struct, frozen=True):
    """How far the market is from the reference: `days` of it and `rows` candidates; `inputs` with the worst first,
    `rates` by timeframe, the Brier score of closed trades and the share of them that was won."""

    days: int
    rows: int
    inputs: tuple[Moved, ...]
    rates: tuple[Measured, ...]
    brier: Measured
    won: Measured
    alarms: tuple[Alarm, ...]


class Day(msgspec.Struct):
    """The counts of one UTC day. `bins` int[inputs][BINS]; `candles`: candles and candidates by timeframe.

    Sums over closed trades with probability p and outcome y, 0 or 1: of 1, y, p, p(1-p), (p-y)², p(1-p)(1-2p)².
    """

    day: int
    bins: list[list[int]]
    candles: dict[str, tuple[int, int]] = {}
    trades: tuple[float, ...] = (0.0,) * 6


class _State(msgspec.Struct):
    reference: str
    days: list[Day]
    alarmed: list[tuple[str, str]]


_STATE = msgspec.msgpack.Decoder(_State)


class DriftWatch:
    """Counts what a model is asked and what became of it, over the last `days` UTC days, the present one among them.

    Not for several threads.
    """

    def __init__(self, reference: Reference, days: int = 14) -> None:
        if days < LEAST_DAYS:
            raise ConfigError(f"a window of {days} days for drift; allowed: {LEAST_DAYS} and more")
        self._reference = reference
        self._window = days
        self._digest = hashlib.sha256(encode(reference)).hexdigest()
        self._edges = np.full((BINS - 1, len(reference.inputs)), np.inf, np.float32)
        self._shares = np.full((len(reference.inputs), BINS), np.nan)
        for at, each in enumerate(reference.inputs):
            self._edges[: len(each.edges), at] = each.edges
            self._shares[at, : len(each.shares)] = each.shares
        self._first = np.arange(len(reference.inputs)) * BINS
        self._buffer = np.empty((BUFFER_ROWS, len(reference.inputs)), np.float32)
        self._filled = 0
        self._bins = np.zeros(len(reference.inputs) * BINS, np.int64)
        self._past = np.zeros_like(self._bins)
        self._days = [Day(0, [])]
        self._alarmed: set[tuple[str, str]] = set()

    # --- what is counted ------------------------------------------------------------------------------------------

    def see(self, time_ms: int, timeframes: Sequence[str], rows: Floats) -> None:
        """Count the candles of an instant that are ready: their timeframes, and float64[n, len(FEATURES)]."""
        candidates = is_candidate(rows)
        self.take(time_ms, timeframes, candidates, inputs_of(rows[candidates]))

    def take(
        self, time_ms: int, timeframes: Sequence[str], candidates: NDArray[np.bool_], inputs: NDArray[np.float32]
    ) -> None:
        """Count the candles of an instant: which of them are candidates, and the inputs of those, in their order."""
        today = self._today(time_ms)
        for timeframe, candidate in zip(timeframes, candidates.tolist(), strict=True):
            seen, asked = today.candles.get(timeframe, (0, 0))
            today.candles[timeframe] = (seen + 1, asked + candidate)
        at = 0
        while at < len(inputs):
            part = inputs[at : at + BUFFER_ROWS - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            at += len(part)
            if self._filled == BUFFER_ROWS:
                self._count()

    def closed(self, time_ms: int, probability: float, won: bool) -> None:
        """Count a trade that has closed: what the model had said of its success, NaN where nothing, and its outcome."""
        if math.isnan(probability):
            return
        today, chance = self._today(time_ms), probability * (1 - probability)
        own = (1.0, won, probability, chance, (probability - won) ** 2, chance * (1 - 2 * probability) ** 2)
        today.trades = tuple(held + more for held, more in zip(today.trades, own, strict=True))

    def _today(self, time_ms: int) -> Day:
        """Return the counts of a day; what comes late belongs to the present one."""
        day = time_ms // DAY_MS
        if day > self._days[-1].day:
            self._close_day()
            self._days = [*(each for each in self._days if each.day > day - self._window), Day(day, [])]
            self._past = self._bins_of(self._days)
        return self._days[-1]

    def _close_day(self) -> None:
        """Keep the bins of the present day with it."""
        self._count()
        if self._bins.any():
            self._days[-1].bins = self._bins.reshape(-1, BINS).tolist()
        self._bins[:] = 0

    def _bins_of(self, days: Iterable[Day]) -> Integers:
        return sum((np.array(each.bins, np.int64).ravel() for each in days if each.bins), np.zeros_like(self._bins))

    def _count(self) -> None:
        """Put the rows of the buffer into their bins."""
        if self._filled:
            rows, places = self._buffer[: self._filled], np.tile(self._first, (self._filled, 1))
            for edges in self._edges:
                places += rows > edges
            self._bins += np.bincount(places.ravel(), minlength=len(self._bins))
            self._filled = 0

    # --- what it comes to -----------------------------------------------------------------------------------------

    def look(self) -> Drift:
        """Return how far the market of the last days is from the reference, with the alarms that are on."""
        self._count()
        bins = (self._past + self._bins).reshape(-1, BINS)
        rows = int(bins[0].sum()) if len(bins) else 0
        days = sum(bool(each.candles) for each in self._days)
        judged = days >= LEAST_DAYS and rows >= LEAST_ROWS
        names = [each.name for each in self._reference.inputs]
        indices = _stability(self._shares, bins) if judged else np.full(len(names), np.nan)
        inputs = [Moved(*each) for each in zip(names, indices.tolist(), strict=True) if each[0] not in CALENDAR]
        inputs.sort(key=lambda each: -each.index if judged else 0.0)
        rates = tuple(self._rates())
        brier, won = self._outcomes()
        alarms = tuple(self._alarms(inputs, rates, brier, won))
        self._alarmed = {(each.kind, each.name) for each in alarms}
        return Drift(days, rows, tuple(inputs), rates, brier, won, alarms)

    def _rates(self) -> Iterator[Measured]:
        """Yield the rate of candidates of each timeframe; its error: chance, and that days differ."""
        for timeframe, rate in self._reference.rates.items():
            counts = np.array([each.candles[timeframe] for each in self._days if timeframe in each.candles])
            if not len(counts):
                yield Measured(timeframe, 0, math.nan, rate.share, math.inf)
                continue
            candles, candidates = counts.sum(axis=0).tolist()
            spread = rate.spread**2 * ((counts[:, 0] / candles) ** 2).sum()
            chance = max(rate.share * (1 - rate.share), LEAST_SHARE) * (1 / candles + 1 / rate.candles)
            error = math.sqrt(chance + spread) if len(counts) >= LEAST_DAYS else math.inf
            yield Measured(timeframe, candles, candidates / candles, rate.share, error)

    def _outcomes(self) -> tuple[Measured, Measured]:
        """Return the Brier score and the share won of closed trades, beside what their own probabilities make expected.

        The errors are those of a right model (Spiegelhalter, Probabilistic Prediction in Patient Management, 1986), or,
        where that is more, those over days: trades of one day go together. Where the model was off already when it was
        made, so much more is expected.
        """
        days = np.array([each.trades for each in self._days if each.trades[0]]).reshape(-1, 6)
        count, hits, said, chance, missed, varied = days.sum(axis=0).tolist()
        if not count:
            nothing = Measured(BRIER, 0, math.nan, math.nan, math.inf)
            return nothing, msgspec.structs.replace(nothing, name=WON)
        known = self._reference.outcomes
        excess = max(0.0, known.brier - known.brier_expected)
        enough = count >= LEAST_TRADES
        score_error = max(math.sqrt(varied), _error_over_days(days[:, 4] - days[:, 3], days[:, 0])) / count
        share_error = max(math.sqrt(chance), _error_over_days(days[:, 1] - days[:, 2], days[:, 0])) / count
        return (
            Measured(BRIER, int(count), missed / count, chance / count + excess, score_error if enough else math.inf),
            Measured(WON, int(count), hits / count, said / count, share_error if enough else math.inf),
        )

    # --- alarms ---------------------------------------------------------------------------------------------------

    def _alarms(
        self, inputs: Sequence[Moved], rates: Sequence[Measured], brier: Measured, won: Measured
    ) -> Iterator[Alarm]:
        for each in inputs:
            limit = FAR * (QUIET_PART if (INPUT, each.name) in self._alarmed else 1.0)
            if each.index > limit:
                yield Alarm(INPUT, each.name, each.index, FAR, f"{each.name} has moved: PSI {each.index:.2f}")
        for rate in rates:
            far = abs(rate.value - rate.expected) > FAR_RATE * rate.expected
            if far and (alarm := self._measured(CANDIDATES, rate, f"candidates among candles of {rate.name}")):
                yield alarm
        if brier.errors > 0 and (alarm := self._measured(BRIER, brier, "Brier score of closed trades")):
            yield alarm
        if alarm := self._measured(WON, won, "share of closed trades that was won"):
            yield alarm

    def _measured(self, kind: str, seen: Measured, what: str) -> Alarm | None:
        limit = QUIET_ERRORS if (kind, seen.name) in self._alarmed else ERRORS
        if abs(seen.errors) <= limit:
            return None
        bound = seen.expected + math.copysign(ERRORS * seen.error, seen.errors)
        words = f"{what}: {seen.value:.3g}, expected {seen.expected:.3g} ± {seen.error:.2g}"
        return Alarm(kind, seen.name, seen.value, bound, words)

    # --- over restarts --------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """Return what was counted, for `restore`."""
        self._count()
        *closed, today = self._days
        bins = self._bins.reshape(-1, BINS).tolist() if self._bins.any() else []
        days = [*closed, msgspec.structs.replace(today, bins=bins)]
        return msgspec.msgpack.encode(_State(self._digest, days, sorted(self._alarmed)))

    def restore(self, content: bytes) -> None:
        """Go on from what `save` gave; raise `ModelError`, and count on as before, where it is of another model."""
        try:
            found = _STATE.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ModelError(f"no counts of drift: {error}; they begin anew") from error
        if found.reference != self._digest or not found.days:
            raise ModelError("the counts of drift are those of another model; they begin anew")
        shape = {(len(each.bins), *map(len, each.bins)) for each in found.days if each.bins}
        inputs = len(self._reference.inputs)
        sound = {(inputs, *[BINS] * inputs)}
        if not shape <= sound or any(len(each.trades) != len(Day(0, []).trades) for each in found.days):
            raise ModelError("the counts of drift have another form; they begin anew")
        self._days = found.days[-self._window :]
        today = self._days[-1]
        self._bins, self._past = self._bins_of([today]), self._bins_of(self._days[:-1])
        self._filled = 0
        self._alarmed = set(found.alarmed)


def _stability(expected: Floats, bins: Integers) -> Floats:
    """Return the stability index of each input: `expected` shares, NaN for no bin, and counts, both [inputs, BINS]."""
    before = np.maximum(expected, LEAST_SHARE)
    after = np.maximum(bins / bins.sum(axis=1, keepdims=True), LEAST_SHARE)
    found: Floats = np.nansum((after - before) * np.log(after / before), axis=1)
    return found


def _error_over_days(off: Floats, count: Floats) -> float:
    """Return the standard error of the sum of `off`, with days as what is drawn; 0 with too few of them.

    Source: the ratio estimator of cluster sampling (Cochran, Sampling Techniques, 1977, chapter 9A).
    """
    if len(off) < LEAST_DAYS:
        return 0.0
    apart = off - count * off.sum() / count.sum()
    return math.sqrt(len(off) / (len(off) - 1) * float((apart**2).sum()))
