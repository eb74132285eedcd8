"""The daemon of a chaos run: `python -m tests.chaos.daemon <what start.py takes>`.

It is the program itself, with a strategy that sees much, and with the sentence that `CHAOS_SENTENCE` names: to die by
SIGKILL at a point. Nothing else differs.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import zlib
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.chaos.points import Sentence, arm
from trader.cli import app
from trader.core.signal import PATTERN_DIRECTION, Direction
from trader.strategy.base import NO_PATTERN, PATTERNS, OpinionArrays
from trader.strategy.registry import STRATEGIES

SENTENCE, NOTE, SHARE, SHORTS = "CHAOS_SENTENCE", "CHAOS_NOTE", "CHAOS_SHARE", "CHAOS_SHORTS"
OF_ROW = 2**32


class EagerStrategy:
    """Sees a pattern in a share of all candles, drawn from their features: the same candle always shows the same."""

    name = "geometry"
    passes_over = False

    def __init__(self) -> None:
        self._share = float(os.environ.get(SHARE, "0.05"))
        both = os.environ.get(SHORTS) == "yes"
        self._seen = [
            number
            for number, pattern in enumerate(PATTERNS)
            if pattern in PATTERN_DIRECTION and (both or PATTERN_DIRECTION[pattern] is Direction.LONG)
        ]

    def evaluate(self, rows: NDArray[np.float64], everywhere: NDArray[np.bool_] | None = None) -> OpinionArrays:
        """Return what is seen in each row."""
        drawn = [zlib.crc32(row.tobytes()) for row in np.ascontiguousarray(rows)]
        sees = np.array([each / OF_ROW < self._share for each in drawn], bool)
        which = np.array([self._seen[each % len(self._seen)] for each in drawn], np.int8)
        sure = np.where(sees, [0.65 + each % 97 / 300 for each in drawn], 0.0)
        return OpinionArrays.of(np.where(sees, which, NO_PATTERN).astype(np.int8), sure, sure.copy())


def main(arguments: list[str]) -> int:
    """Run the program, sentenced or not; what kills it otherwise says where it was."""
    faulthandler.enable()
    STRATEGIES["geometry"] = EagerStrategy
    if sentence := os.environ.get(SENTENCE):
        arm(msgspec.json.decode(sentence, type=Sentence), Path(os.environ[NOTE]))
    return app.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
