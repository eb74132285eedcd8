"""How a span is parted into folds, and what is learned to its end.

Half of the span is for tests, a tenth for calibration before each of them, the rest is what the first fold learns from;
each further fold learns from what the one before was tested on, too.
"""

from __future__ import annotations

from trader.core.errors import ConfigError
from trader.core.timeframe import DAY_MS
from trader.engine.prepare import Span
from trader.engine.run_notes import day_text
from trader.ml.splits import Fold, walk_forward

#: Shares of the span: of all tests together, and of a calibration.
TESTED, CALIBRATED = 0.5, 0.1
#: What lies between two parts: rows next to each other are too alike, even if no label overlaps.
EMBARGO_MS = DAY_MS
#: Shorter tests and calibrations hold too few trades to say anything, ms.
LEAST_TEST_MS, LEAST_CALIBRATION_MS = DAY_MS, 2 * DAY_MS


def folds_of(span: Span, count: int) -> tuple[Fold, ...]:
    """Return `count` folds whose tests end with the span; raise `ConfigError` where it is too short, with a way out.

    >>> [fold.test_end // DAY_MS for fold in folds_of(Span(0, 100 * DAY_MS), 2)]
    [75, 100]
    """
    length = span.end - span.start
    if count < 1 or length < least_ms(count):
        raise ConfigError(_too_short(span, count))
    return walk_forward(
        span.start,
        span.end,
        folds=count,
        test_ms=int(length * TESTED) // count,
        calibrate_ms=int(length * CALIBRATED),
        embargo_ms=EMBARGO_MS,
    )


def last_fold(span: Span) -> Fold:
    """Return the fold of the model that is kept: it learns to the end of the span, but for its calibration.

    It has no test: how good such a model is, the other folds say.
    """
    calibrate = span.end - int((span.end - span.start) * CALIBRATED)
    return Fold(span.start, calibrate - EMBARGO_MS, calibrate, span.end, span.end, span.end, EMBARGO_MS)


def least_ms(count: int) -> int:
    """Return the length of the shortest span that holds so many folds, ms."""
    return max(int(count * LEAST_TEST_MS / TESTED), int(LEAST_CALIBRATION_MS / CALIBRATED))


def _too_short(span: Span, count: int) -> str:
    days, least = (span.end - span.start) / DAY_MS, least_ms(max(count, 1)) / DAY_MS
    fewer = max((each for each in range(1, count) if least_ms(each) <= span.end - span.start), default=0)
    ways = [f"--folds {fewer}"] if fewer else []
    ways += ["a span of that length with --from and --to", "more candles in the store"]
    return (
        f"{day_text(span.start)} to {day_text(span.end)} are {days:.1f} days; {count} folds need {least:.0f} days at "
        f"least, and more teach more; allowed: {', '.join(ways)}"
        if count >= 1
        else f"{count} folds; allowed: 1 or more"
    )
