"""Parquet of any origin whose columns have names that we know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trader.core.errors import DataError
from trader.market.importing.headings import layout_of
from trader.market.importing.raw import FLAGS, TEXTS, TIMES, Array, RawTable, Refusals
from trader.market.importing.text import column_times


def read_parquet(path: Path) -> RawTable | None:
    """Return the table of `path`; None when its columns are none that we know; raise `DataError` when it is broken."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            headings = file.schema_arrow.names
            layout = layout_of(headings)
            if layout is None:
                return None
            table = file.read([headings[at] for at in layout.fields.values()])
        columns = {name: table[headings[at]] for name, at in layout.fields.items()}
        converted = {name: _converted(name, column) for name, column in columns.items()}
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"broken Parquet: {error}") from error
    arrays = {name: values for name, (values, _) in converted.items()}
    arrays["exact"] = converted["time"][1]
    return RawTable(layout.kind, arrays, np.arange(table.num_rows) + 1, Refusals("row"))


def _converted(name: str, column: Any) -> tuple[Array, Array]:
    sure = np.ones(len(column), np.bool_)
    if name in TIMES:
        texts = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        return column_times(pc.cast(column, pa.int64()) if texts else column)
    if name in TEXTS:
        return column.to_numpy(), sure
    if name in FLAGS:
        return pc.cast(column, pa.bool_()).to_numpy(), sure
    return pc.cast(column, pa.float64()).to_numpy(), sure
