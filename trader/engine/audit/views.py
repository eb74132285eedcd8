"""What is audited: anything that turns a table of candles into named columns of values, one a candle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.market.table import CandleTable
from trader.ml.features import FEATURES, columns_of, new_state, run
from trader.ml.inputs import INPUTS, inputs_of
from trader.strategy.opinions import StreamOpinions

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Rows of features that are held at once while a table is read.
CHUNK_ROWS = 4_096


class Columns(NamedTuple):
    """Values of some candles of a stream, in the order of time.

    `time` int64[n] ms: when each closes. `values`: arrays of n by name; a name is `group.column`, as `features.ema12`.
    """

    time: NDArray[np.int64]
    values: dict[str, NDArray[Any]]


#: Works out the columns of the candles of a table that are `wanted`, bool[n], from all candles of that table.
View = Callable[[CandleTable, Flags], Columns]

#: Says what a strategy sees in the candles with `open_time >= first_ms`: `stream_opinions` with the strategy filled in.
Ask = Callable[[CandleTable, int], StreamOpinions]


class Look(NamedTuple):
    """A view, and how many candles behind a cut it is compared; None is all of them."""

    view: View
    depth: int | None


def features_and_inputs(table: CandleTable, wanted: Flags) -> Columns:
    """Return every feature and every input of the candles, NaN where the stream is warming up.

    The kernel is the program's own; it starts with the first candle of the table.
    """
    place, count = np.cumsum(wanted) - 1, int(wanted.sum())
    features = np.full((count, len(FEATURES)), np.nan, order="F")
    inputs = np.full((count, len(INPUTS)), np.nan, np.float32, order="F")
    f, i = new_state(table.timeframe)
    candles = columns_of(table)
    rows, kept = np.empty((CHUNK_ROWS, len(FEATURES))), np.empty(CHUNK_ROWS, np.int64)
    ema50, atr14 = np.empty(len(table)), np.empty(len(table))
    at = 0
    while at < len(table):
        at, filled = run(f, i, at, 0, candles, rows, kept, ema50, atr14)
        chosen = np.flatnonzero(wanted[kept[:filled]])
        where = place[kept[chosen]]
        features[where] = rows[chosen]
        inputs[where] = inputs_of(rows[chosen])
    named = {f"features.{name}": features[:, k] for k, name in enumerate(FEATURES)}
    named |= {f"inputs.{each.name}": inputs[:, k] for k, each in enumerate(INPUTS)}
    return Columns(_closes(table, wanted), named)


def opinions_by(ask: Ask) -> View:
    """Return the view of what a strategy sees: every array of `StreamOpinions`."""

    def view(table: CandleTable, wanted: Flags) -> Columns:
        first = int(np.argmax(wanted)) if wanted.any() else len(table)
        seen = ask(table, int(table.open_time[first]) if first < len(table) else _end(table))
        columns = {name: getattr(seen, name) for name in seen.__struct_fields__ if name != "time"}
        arrays = {name: each for name, each in columns.items() if isinstance(each, np.ndarray)}
        return Columns(
            _closes(table, wanted), {f"opinions.{name}": each[wanted[first:]] for name, each in arrays.items()}
        )

    return view


def _closes(table: CandleTable, wanted: Flags) -> NDArray[np.int64]:
    return table.open_time[wanted] + table.timeframe.ms


def _end(table: CandleTable) -> int:
    return int(table.open_time[-1]) + table.timeframe.ms if len(table) else 0
