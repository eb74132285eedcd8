"""The cascade: the candles about which a model is asked at all, seen by a loosened geometry.

The geometry scores a formation once its line is broken. Loosened, it also lets through what is about to break. All that
the geometry itself gives a score is a candidate, so a model can confirm or refuse whatever the geometry would trade,
and be earlier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled
from trader.core.signal import Pattern
from trader.ml.features import FEATURES

Floats = NDArray[np.float64]

#: A pending formation is a candidate from this nearness on: the close is within two ATR14 of its line. Of what
#: this lets in a third is about to complete; of what lies farther away less and less (docs/features.md).
NEAR_ENOUGH = 0.5
#: And from this quality on. A score is at most its formation's quality, so one below could not come to half of the
#: usual threshold (0.65).
GOOD_ENOUGH = 0.3

_PATTERNS = len(Pattern)


def _first_of(kind: str) -> int:
    """Return where the columns `kind_PATTERN` begin; they stand in the order of `Pattern`."""
    return FEATURES.index(f"{kind}_{next(iter(Pattern))}")


_SCORE, _NEAR, _QUALITY = _first_of("score"), _first_of("near"), _first_of("quality")


def is_candidate(rows: Floats) -> NDArray[np.bool_]:
    """Tell of each row of features, float64[n, len(FEATURES)], whether a model is asked about it: bool[n].

    >>> row = np.zeros((1, len(FEATURES)))
    >>> row[0, [_NEAR + 3, _QUALITY + 3]] = 0.9, 0.5
    >>> is_candidate(row).tolist(), is_candidate(0.5 * row).tolist()
    ([True], [False])
    """
    out = np.empty(len(rows), np.bool_)
    _judge(np.ascontiguousarray(rows, np.float64), out)
    return out


def qualities(rows: Floats) -> Floats:
    """Return the shape of each pattern's pending or just broken formation, 0 without one: float64[n, 11], a view.

    It is the geometric mean of fit, balance, size and context, and so grows with each of them.
    """
    return rows[:, _QUALITY : _QUALITY + _PATTERNS]


@compiled
def _judge(rows: Floats, out: NDArray[np.bool_]) -> None:
    for k in range(len(rows)):
        out[k] = False
        for pattern in range(_PATTERNS):
            near = rows[k, _NEAR + pattern] >= NEAR_ENOUGH and rows[k, _QUALITY + pattern] >= GOOD_ENOUGH
            if near or rows[k, _SCORE + pattern] > 0.0:
                out[k] = True
                break
