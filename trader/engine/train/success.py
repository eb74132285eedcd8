"""What a success model is trained on: the entries that a recogniser would make, and what became of each."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.engine.train.samples import Samples
from trader.market.table import CandleTable
from trader.ml.inputs import qualities_of
from trader.ml.pattern_model import NONE, with_extra
from trader.simulation.outcomes import Entries, follow_entries

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Entered(msgspec.Struct, frozen=True, eq=False):
    """Entries of one stream whose end is known, m of them in the order of time.

    `sample` int64: which of the stream's samples. `inputs` float32[m, len(INPUTS) + len(EXTRA)]. `net` float64: the
    result as a fraction of the notional, after costs. `time`, `label_end` int64 ms: when it was decided, when it ended.
    """

    sample: Integers
    inputs: NDArray[np.float32]
    net: Floats
    time: Integers
    label_end: Integers

    def __len__(self) -> int:
        return len(self.sample)


def entered(
    samples: Samples,
    probabilities: Floats,
    which: Integers,
    table: CandleTable,
    instrument: Instrument,
    rules: Settings,
) -> Entered:
    """Return what became of the entries at the samples `which`, as a recogniser with `probabilities` would make them.

    `probabilities` float64[len(which), 12], calibrated; where "none" is the most probable nothing is entered. `table`
    is the coin's exit stream. A side that the market does not allow is left out. The last entries, of which some have
    not ended, are left out whole: the quick ones alone would be a sample chosen by outcome.
    """
    pattern = probabilities[:, :NONE].argmax(axis=1)
    probability = probabilities[np.arange(len(which)), pattern]
    seen = probability > probabilities[:, NONE]
    which, pattern, probability = which[seen], pattern[seen], probability[seen]
    entries = Entries(
        samples.symbol,
        samples.timeframe,
        samples.time[which],
        pattern.astype(np.int8),
        probability,
        samples.close[which],
        samples.ema50[which],
        samples.atr14[which],
    )
    found = follow_entries(rules, table, instrument, entries)
    whole = found.complete(entries.time[found.entry])
    allowed = (found.direction > 0) | (rules.MARKET == "futures")
    kept, at = whole & allowed, found.entry[whole & allowed]
    strength = qualities_of(samples.inputs[which[at]])[np.arange(len(at)), pattern[at]]
    return Entered(
        which[at],
        with_extra(samples.inputs[which[at]], pattern[at], probability[at], strength),
        found.net[kept],
        entries.time[at],
        found.label_end[kept],
    )
