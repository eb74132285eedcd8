"""One month of candles, or the funding of one coin, as one Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trader.core.candle import CANDLE_COLUMNS, EXTRA_COLUMNS, PRICE_COLUMNS
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market.durable import write_atomic
from trader.market.table import CandleTable

#: A stretch that can be read alone: a day of 1s candles; a month of 1min candles is one.
ROW_GROUP = 86_400
NEEDED = ("open_time", *PRICE_COLUMNS)
INTEGERS = ("open_time", "count")


def write_candles(path: Path, table: CandleTable) -> None:
    """Replace `path` by `table`; optional columns without any value stay out."""
    columns: dict[str, Any] = {name: getattr(table, name) for name in NEEDED}
    for name in EXTRA_COLUMNS:
        values = getattr(table, name)
        lacking = np.isnan(values)
        if lacking.all():
            continue
        typed = np.where(lacking, 0, values).astype(np.int64) if name in INTEGERS else values
        columns[name] = pa.array(typed, mask=lacking)
    _write(path, pa.table(columns), ("open_time",))


def read_candles(path: Path, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
    """Return the candles of `path` with `start_ms <= open_time < end_ms`; raise `DataError` when it is broken."""
    with _Opened(path, NEEDED) as file:
        wanted = [name for name in CANDLE_COLUMNS if name in file.schema_arrow.names]
        groups = [group for group in range(file.num_row_groups) if _overlaps(file, group, start_ms, end_ms)]
        columns = file.read_row_groups(groups, wanted)
        values = {name: _numpy(column) for name, column in zip(wanted, columns, strict=True)}
        if not (np.diff(values["open_time"]) > 0).all():
            raise DataError(f"{path} is out of order: move it away and import it instead")
        return CandleTable.build(symbol, timeframe, **values).between(start_ms, end_ms)


def _overlaps(file: Any, group: int, start_ms: int, end_ms: int) -> bool:
    times = file.metadata.row_group(group).column(0).statistics
    return times is None or (times.min < end_ms and times.max >= start_ms)


def _numpy(column: Any) -> NDArray[Any]:
    return np.asarray(column.to_numpy())


def write_funding(path: Path, times: NDArray[np.int64], rates: NDArray[np.float64]) -> None:
    """Replace `path` by funding times (ms) and rates."""
    _write(path, pa.table({"funding_time": times, "funding_rate": rates}), ("funding_time",))


def read_funding(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return funding times (ms) and rates of `path`; raise `DataError` when it is broken."""
    names = ("funding_time", "funding_rate")
    with _Opened(path, names) as file:
        times, rates = file.read(list(names))
        return _numpy(times), _numpy(rates)


def _write(path: Path, table: Any, delta: tuple[str, ...]) -> None:
    # Times are equally spaced and prices hardly repeat: differences for the former, no dictionaries for the latter
    # make the file half as large and as quick again to write. The checksums cost nothing and find a flipped bit,
    # four of five of which would else be read as prices.
    options: dict[str, Any] = {
        "compression": "zstd",
        "use_dictionary": False,
        "column_encoding": dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        "row_group_size": ROW_GROUP,
        "write_page_checksum": True,
    }
    write_atomic(path, lambda file: pq.write_table(table, file, **options))


class _Opened:
    """An open Parquet file with the columns `needed`; foreign errors become `DataError`s that name the file."""

    def __init__(self, path: Path, needed: tuple[str, ...]) -> None:
        self._path = path
        self._needed = needed

    def __enter__(self) -> Any:
        try:
            self._file = pq.ParquetFile(self._path, page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise self._broken(error) from error
        missing = [name for name in self._needed if name not in self._file.schema_arrow.names]
        if missing:
            self._file.close()
            raise self._broken(f"column {', '.join(missing)} is missing")
        return self._file

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._file.close()
        if isinstance(error, (OSError, pa.ArrowException)):
            raise self._broken(error) from error

    def _broken(self, error: object) -> DataError:
        return DataError(f"{self._path} is broken ({error}): delete it, and import or download its candles again")
