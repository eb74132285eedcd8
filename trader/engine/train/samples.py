"""What a recogniser is trained on: the candidates of a stream, their inputs, and what hindsight calls them."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.ml.candidates import is_candidate
from trader.ml.chunks import feature_chunks
from trader.ml.features import FEATURES
from trader.ml.inputs import inputs_of
from trader.patterns.labels import UNKNOWN, LabelRules, pattern_labels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Rows of features that are held at once.
CHUNK_ROWS = 4_096


class Samples(msgspec.Struct, frozen=True, eq=False):
    """The candidates of one stream whose label is known, n of them in the order of time.

    `row` int64: the candle's index in its table. `time` int64 ms: its close. `inputs` float32[n, len(INPUTS)]. `label`
    int8: the class, 0 to 11; `lead` int64: candles until the break, -1 for "none". `label_end` int64 ms: the close of
    the last candle on which the label depends, after `time`. `close`, `ema50`, `atr14`: float64, quote currency.
    """

    symbol: str
    timeframe: Timeframe
    row: Integers
    time: Integers
    inputs: NDArray[np.float32]
    label: NDArray[np.int8]
    lead: Integers
    label_end: Integers
    close: Floats
    ema50: Floats
    atr14: Floats

    def __len__(self) -> int:
        return len(self.row)


def samples_of(table: CandleTable, rules: LabelRules | None = None) -> Samples:
    """Return the samples of a table; the kernel and the geometry start with its first candle, and behind each gap.

    Memory beyond the answer is a chunk of features and a few columns.
    """
    ema50, atr14 = np.full(len(table), np.nan), np.full(len(table), np.nan)
    rows, inputs = _candidates(table, ema50, atr14)
    labels = pattern_labels(table, atr14, rules)
    known = labels.label[rows] != UNKNOWN
    rows, inputs = rows[known], inputs[known]
    closes = table.open_time + table.timeframe.ms
    return Samples(
        table.symbol,
        table.timeframe,
        rows,
        closes[rows],
        inputs,
        labels.label[rows],
        labels.lead[rows],
        closes[labels.label_end[rows]],
        table.close[rows],
        ema50[rows],
        atr14[rows],
    )


def _candidates(table: CandleTable, ema50: Floats, atr14: Floats) -> tuple[Integers, NDArray[np.float32]]:
    """Return the indices of the candidates with their inputs; `ema50` and `atr14` get the values of every candle."""
    found: list[Integers] = [np.empty(0, np.int64)]
    made: list[NDArray[np.float32]] = [inputs_of(np.empty((0, len(FEATURES))))]
    for where, rows in feature_chunks(table, 0, CHUNK_ROWS, ema50, atr14):
        asked = np.flatnonzero(is_candidate(rows))
        found.append(where[asked])
        made.append(inputs_of(rows[asked]))
    return np.concatenate(found), np.concatenate(made)
