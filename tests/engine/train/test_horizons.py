"""Over random spans: nothing that a fold learns or calibrates from looks into what judges it.

The rows of every fit are written down while a fold is really learned. Where their labels end is then recomputed from
the fold, the samples and the shadow trades, row by row and by the definition; `split` and `hold_back` are not asked.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import hypothesis
import msgspec
import numpy as np
import pytest
from hypothesis import Phase, assume, given
from hypothesis import strategies as some
from numpy.typing import NDArray

from tests.builders import settings
from tests.engine.train.lessons import COINS, DAYS, QUICK, START_MS, tables
from tests.trading.worlds import FILTERS
from trader.core.errors import ConfigError, ModelError
from trader.core.instrument import Instrument
from trader.core.signal import Reading
from trader.core.timeframe import DAY_MS, MINUTE_MS, Timeframe
from trader.engine.train.fold import Learned, Lesson, Plan, Stream
from trader.engine.train.samples import Samples, samples_of
from trader.engine.train.success import Entered
from trader.engine.train.walk import Keep, walk
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.ml.fitting import Trees
from trader.ml.inputs import INPUTS
from trader.ml.pattern_model import EXPECTED, NONE, RECOGNISER, SUCCESS
from trader.ml.splits import Fold
from trader.patterns.labels import LabelRules
from trader.simulation.shadow import Shadows
from trader.strategy.base import signal_of

FIRST = f"{RECOGNISER} of the earlier part"
GRID = Instrument.from_filters("BTCUSDT", FILTERS)
RULES = settings(COINS=COINS)
#: Trees that know next to nothing, and are grown in no time.
TINY = Plan(
    Trees(max_depth=4, eta=0.6, rounds=8, patience=8, min_child_weight=3.0),
    Trees(max_depth=2, eta=0.5, rounds=3, patience=2, min_child_weight=5.0),
)
Rows = NDArray[np.intp]


@cache
def streams() -> tuple[Stream, ...]:
    """Return the streams of the lessons with every second of their samples: learned from in a moment."""
    return tuple(Stream(thinned(samples_of(table)), table, GRID) for table in tables())


def thinned(samples: Samples) -> Samples:
    columns = {name: getattr(samples, name) for name in Samples.__struct_fields__}
    kept = {name: each[::2].copy() for name, each in columns.items() if isinstance(each, np.ndarray)}
    return msgspec.structs.replace(samples, **kept)


class Witness(Lesson):
    """A lesson that writes down which rows each part was fitted and ended by, and the entries it came to."""

    def __init__(self, fold: Fold) -> None:
        super().__init__(streams(), fold, RULES, TINY, lambda *how: None)
        self.fits: dict[str, tuple[Rows, Rows]] = {}
        self.asked: list[Rows] = []
        self.learned_from: Entered | None = None
        self.calibrated_on: Entered | None = None

    def _fit(self, name: str, inputs: Any, target: Any, learn: Rows, stop: Rows, trees: Trees) -> Any:
        self.fits[name] = (learn, stop)
        return super()._fit(name, inputs, target, learn, stop, trees)

    def entered(self, rows: Rows, probabilities: Any) -> Entered:
        self.asked.append(rows)
        return super().entered(rows, probabilities)

    def _entries(self) -> Entered:
        self.learned_from = super()._entries()
        return self.learned_from

    def _judged(self, *how: Any) -> Entered:
        self.calibrated_on = super()._judged(*how)
        return self.calibrated_on


@some.composite
def folds(draw: some.DrawFn) -> Fold:
    """Draw spans to the minute: training ends about where calibration begins, or in the test, or behind it."""
    day, end = 24 * 60, DAYS * 24 * 60
    train = draw(some.integers(0, day))
    goes_on = draw(some.booleans())
    calibrate = draw(some.integers(17 * day if goes_on else 9 * day, 18 * day))
    test = draw(some.integers(calibrate + 2 * day, 21 * day))
    calibrated = draw(some.just(test) | some.integers(calibrate + day, test))
    edges = (calibrate, calibrated, test, draw(some.integers(test + 1, 22 * day)))
    train_end = draw(some.integers(test, end)) if goes_on else draw(some.integers(calibrate - day, calibrate + day))
    embargo = draw(some.integers(0, day))
    return Fold(*(START_MS + edge * MINUTE_MS for edge in (train, train_end, *edges)), embargo_ms=embargo * MINUTE_MS)


@given(folds())
@hypothesis.settings(max_examples=10, deadline=None, phases=[Phase.reuse, Phase.generate])  # to shrink takes minutes
def test_no_label_of_what_is_learned_from_overlaps_what_judges_it(fold: Fold) -> None:
    lesson = Witness(fold)
    try:
        lesson.learn()
    except (ConfigError, ModelError):
        assume(False)  # too little to learn from in these spans
    assert set(lesson.fits) == {FIRST, RECOGNISER, SUCCESS, EXPECTED}
    time, end = horizons()
    for name in (FIRST, RECOGNISER):
        learn, stop = lesson.fits[name]
        for rows in (learn, stop):
            assert apart(fold, time[rows], end[rows])
        assert end[learn].max() < time[stop].min()
    learned, judged = lesson.learned_from, lesson.calibrated_on
    assert learned is not None
    assert judged is not None
    check_success(fold, lesson, learned)
    assert (judged.time >= fold.calibrate_start).all()
    assert (ends_of(judged) < fold.test_start).all()


def check_success(fold: Fold, lesson: Witness, entries: Entered) -> None:
    """Check the entries of which the success model learns: known in time, and not to the recogniser that enters."""
    time, end = horizons()
    assert end[np.concatenate(lesson.fits[FIRST])].max() < time[lesson.asked[0]].min() <= entries.time.min()
    ended = ends_of(entries)
    assert ended.tolist() == entries.label_end.tolist()
    assert apart(fold, entries.time, ended)
    for part in (SUCCESS, EXPECTED):
        learn, stop = lesson.fits[part]
        assert ended[learn].max() < entries.time[stop].min()


@given(folds())
@hypothesis.settings(max_examples=15, deadline=None)
def test_no_label_of_what_calibrates_reaches_its_test(fold: Fold) -> None:
    time, end = horizons()
    rows = Witness(fold).parts.calibrate
    assert (time[rows] >= fold.calibrate_start).all()
    assert (end[rows] < fold.test_start).all()


def horizons() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for every sample when it is decided and the close of the last candle that its label may look at."""
    times, ends = [], []
    for stream in streams():
        closes = stream.exits.open_time + stream.exits.timeframe.ms
        last = np.minimum(stream.samples.row + LabelRules().horizon, len(closes) - 1)
        times.append(closes[stream.samples.row])
        ends.append(closes[last])
    return np.concatenate(times), np.concatenate(ends)


def apart(fold: Fold, time: NDArray[np.int64], end: NDArray[np.int64]) -> bool:
    """Tell whether all of `time` to `end` lies before calibration and test, or the embargo behind them."""
    spans = ((fold.calibrate_start, fold.calibrate_end), (fold.test_start, fold.test_end))
    return all(
        known < start or decided >= stop + fold.embargo_ms
        for decided, known in zip(time.tolist(), end.tolist(), strict=True)
        for start, stop in spans
    )


def ends_of(entries: Entered) -> NDArray[np.int64]:
    """Return when each entry's trade ends, each followed anew."""
    shadows = [Shadows(RULES, stream.exits, GRID) for stream in streams()]
    ends = []
    for at in range(len(entries)):
        number, reading = reading_of(entries, at)
        shadow = shadows[number].follow(reading, int(entries.time[at]))
        assert shadow is not None
        ends.append(shadow.fills[-1].time)
    return np.array(ends, np.int64)


def reading_of(entries: Entered, at: int) -> tuple[int, Reading]:
    """Return the number of an entry's stream, and what that showed."""
    wide, sample = entries.inputs[at], int(entries.sample[at])
    number = next(number for number, stream in enumerate(streams()) if is_of(stream.samples, entries, at))
    samples = streams()[number].samples
    pattern = int(wide[len(INPUTS) + 3 :].argmax())
    signal = signal_of(pattern, float(wide[len(INPUTS) + 1]), 0.0)
    values = (float(samples.close[sample]), float(samples.ema50[sample]), float(samples.atr14[sample]))
    return number, Reading(samples.symbol, samples.timeframe, *values, signal)


def is_of(samples: Samples, entries: Entered, at: int) -> bool:
    sample = int(entries.sample[at])
    if sample >= len(samples) or samples.time[sample] != entries.time[at]:
        return False
    return np.array_equal(samples.inputs[sample], entries.inputs[at, : len(INPUTS)], equal_nan=True)


# --- the same, seen from outside: what is changed there changes nothing here ------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
def test_a_walk_learns_the_same_whatever_is_in_what_judges_it(at: int, tmp_path: Any) -> None:
    fold = Fold(*(START_MS + day * DAY_MS for day in (0, DAYS, 17, 20, 20, 22)), embargo_ms=DAY_MS // 4)
    start = (fold.calibrate_start, fold.test_start)[at]
    kept, changed = (learned(fold, given, tmp_path / name) for name, given in spoilt_from(start, fold.test_end).items())
    assert kept.content == changed.content
    assert (kept.calibration == changed.calibration) is (start == fold.test_start)


def learned(fold: Fold, given: tuple[Stream, ...], folder: Any) -> Learned:
    (walked,) = walk(given, [fold], RULES, QUICK, Keep(folder), lambda *how: None)
    return walked.learned


def spoilt_from(start: int, end: int) -> dict[str, tuple[Stream, ...]]:
    """Return the streams; and so that samples which need a moment of `[start, end)` are others, as are candles from
    `start` on: training may go on behind the test, trades that are learned from may not."""
    other = SyntheticMarket(77, COINS, START_MS)
    return {"kept": streams(), "changed": tuple(spoilt(each, other, start, end) for each in streams())}


def spoilt(stream: Stream, other: SyntheticMarket, start: int, end: int) -> Stream:
    samples = stream.samples
    reach = (samples.time < end) & (samples.label_end >= start)
    label, inputs = samples.label.copy(), samples.inputs.copy()
    label[reach] = (label[reach] + 5) % (NONE + 1)
    inputs[reach] = inputs[reach][::-1]
    return Stream(
        msgspec.structs.replace(samples, label=label, inputs=inputs), later_others(stream.exits, other, start), GRID
    )


def later_others(table: CandleTable, other: SyntheticMarket, start: int) -> CandleTable:
    """Return `table` with other candles from `start` on."""
    later = other.candles(table.symbol, Timeframe.MIN_1, start, START_MS + DAYS * DAY_MS)
    count = int(np.searchsorted(table.open_time, start))
    columns = {
        name: np.concatenate((getattr(table, name)[:count], getattr(later, name)))
        for name in CandleTable.__struct_fields__
        if isinstance(getattr(table, name), np.ndarray)
    }
    return CandleTable(table.symbol, table.timeframe, **columns)
