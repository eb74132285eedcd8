"""The classifier for who has a plain DataFrame and no daemon: the same features, the same model, the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trader.core.candle import PRICE_COLUMNS
from trader.core.errors import DataError, ModelError
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.ml.chunks import feature_chunks
from trader.ml.pattern_model import NONE, PATTERNS, PatternModel
from trader.ml.registry.paths import METADATA
from trader.ml.registry.store import Registry, stored_in

#: The classes in the order of the columns of `probabilities`.
CLASSES = (*PATTERNS, "none")
#: Candles before the first that is judged. With so few the slowest averages still remember where they began; the daemon
#: loads 1,000 (`PRELOAD_CANDLES`), and `start.py analyse recursive` shows what fewer cost.
WARM_UP = 60

_CHUNK_ROWS = 1_024


class EnhancedForexPatternClassifier:
    """A stored model asked about candles in a DataFrame.

    classifier = EnhancedForexPatternClassifier().load_model("models/patterns")
    predictions, probabilities = classifier.predict(candles)
    """

    def __init__(self) -> None:
        self._model: PatternModel | None = None
        self._timeframes: tuple[str, ...] = ()

    def load_model(self, path: str | Path) -> EnhancedForexPatternClassifier:
        """Take a version (`models/patterns/v0001`), or the current one of a model (`models/patterns`).

        Raise `ModelError` where there is none, or it was made for other inputs than this program gives.
        """
        folder = Path(path)
        is_version = (folder / METADATA).is_file()
        stored = stored_in(folder) if is_version else Registry(folder.parent).open(folder.name)
        self._timeframes = stored.metadata.description.inputs.timeframes
        self._model = PatternModel.open(stored, self._timeframes)
        return self

    def predict(self, df_ohlcv: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
        """Return the class of each of n candles, and float64[n, 12]: how probable each of `CLASSES` is.

        `df_ohlcv`: columns open, high, low, close, volume (taker_buy_volume, where it is there, helps), oldest first;
        its index, or a column `open_time`, is when each candle opens, UTC; what opens a row are datetimes, or integers
        in ms. The timeframe is the step between two rows and must be one that the model knows. A missing candle is a
        gap: behind it the features warm up anew. Candles that warm up are "none" with NaN; those in which the loosened
        geometry sees no candidate are "none" with 1, as for the daemon.

        Raise `ModelError` without a model, `DataError` for a frame that is none of that or has `WARM_UP` rows at most.
        """
        if self._model is None:
            raise ModelError("no model is loaded; load_model(path) takes one, such as models/patterns")
        table = _table_of(df_ohlcv, self._timeframes)
        probabilities = np.full((len(table), NONE + 1), np.nan)
        averages = np.empty(len(table)), np.empty(len(table))
        for where, rows in feature_chunks(table, 0, _CHUNK_ROWS, *averages):
            probabilities[where] = self._model.probabilities(rows)
        return _called(probabilities), probabilities


def _called(probabilities: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return the pattern that is most probable, where it is more so than "none"."""
    known = np.nan_to_num(probabilities)
    best = known[:, :NONE].argmax(axis=1)
    best[known[np.arange(len(known)), best] <= known[:, NONE]] = NONE
    return np.array([CLASSES[each] for each in best.tolist()])


def _table_of(frame: pd.DataFrame, timeframes: tuple[str, ...]) -> CandleTable:
    if missing := [name for name in PRICE_COLUMNS if name not in frame.columns]:
        raise DataError(f"the frame has no column {', '.join(missing)}; needed are {', '.join(PRICE_COLUMNS)}")
    if len(frame) <= WARM_UP:
        raise DataError(f"the frame has {len(frame)} rows; needed are more than {WARM_UP}, for the features to warm up")
    times = _times(frame)
    columns = {name: _numbers(frame, name) for name in (*PRICE_COLUMNS, "taker_buy_volume") if name in frame.columns}
    return CandleTable.build("frame", _timeframe(times, timeframes), times, **columns)


def _numbers(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    try:
        values = frame[name].to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name}: {error}; allowed: numbers") from error
    if name in PRICE_COLUMNS and not (np.isfinite(values) & (values >= 0)).all():
        at = int(np.flatnonzero(~(np.isfinite(values) & (values >= 0)))[0])
        raise DataError(f"column {name}, row {at}: {values[at]}; allowed: finite numbers of 0 and more")
    return values


def _times(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return when each candle opens, ms UTC."""
    given = pd.Series(frame["open_time"].array if "open_time" in frame.columns else frame.index.array)
    if pd.api.types.is_integer_dtype(given):
        times = given.to_numpy(np.int64)
    elif pd.api.types.is_datetime64_any_dtype(given):
        times = pd.to_datetime(given, utc=True).dt.as_unit("ms").astype(np.int64).to_numpy()
    else:
        raise DataError(f"the rows open at values of type {given.dtype}; allowed: datetimes, or integers in ms UTC")
    behind = np.flatnonzero(np.diff(times) <= 0)
    if len(behind):
        raise DataError(f"row {behind[0] + 1} opens no later than the one before it; allowed: oldest first, each once")
    return times


def _timeframe(times: NDArray[np.int64], timeframes: tuple[str, ...]) -> Timeframe:
    steps, counts = np.unique(np.diff(times), return_counts=True)
    step = int(steps[counts.argmax()])
    for name in timeframes:
        if Timeframe.parse(name).ms == step:
            return Timeframe.parse(name)
    raise DataError(f"the rows are {step / 1000:g} s apart; this model knows {', '.join(timeframes)}")
