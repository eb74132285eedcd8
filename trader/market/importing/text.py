"""CSV with or without headings, any usual delimiter, times of any unit.

Sound files go through pyarrow, a hundred times as fast; at the first thing that it stumbles over the file is read
again line by line, so that each refused line has its number and its reason.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from trader.core.errors import DataError
from trader.market.importing import times
from trader.market.importing.headings import Layout, bare_layout, layout_of
from trader.market.importing.names import Kind
from trader.market.importing.raw import FLAGS, NO_TIME, TEXTS, TIMES, Array, RawTable, Refusals

_SNIFF_BYTES = 65_536
_TRUE, _FALSE = ("true", "1", "t"), ("false", "0", "f")


class Sheet(msgspec.Struct, frozen=True):
    """What the first lines of a CSV tell: how many to skip, its delimiter, columns, and what they are."""

    skip: int
    delimiter: str
    width: int
    layout: Layout


def read_text(data: bytes, kind: Kind | None) -> RawTable | None:
    """Return the table in `data`; None when its headings are none that we know. `kind` counts without headings.

    Raise `DataError` when it is not text, empty, or ends in the middle of a line.
    """
    sheet = _sniff(data, kind)
    if sheet is None:
        return None
    table = _quick(data, sheet) or _careful(data, sheet)
    if data[-1:] in (b"\n", b"\r"):
        return table
    note = "the last line has no end: if the file was cut, its last number may be wrong"
    return msgspec.structs.replace(table, notes=(note,))


def _sniff(data: bytes, kind: Kind | None) -> Sheet | None:
    head = _decoded(data[:_SNIFF_BYTES], "ignore").splitlines()
    skip = next((at for at, line in enumerate(head) if _matters(line)), None)
    if skip is None:
        raise DataError("the file is empty")
    delimiter = max(",;\t|", key=head[skip].count)
    first = [field.strip() for field in head[skip].replace('"', "").split(delimiter)]
    if any(_is_number(field) for field in first):
        return Sheet(skip, delimiter, len(first), bare_layout(kind, len(first)))
    layout = layout_of(first)
    return Sheet(skip + 1, delimiter, len(first), layout) if layout else None


def _decoded(data: bytes, errors: str = "strict") -> str:
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise DataError(f"not text: {error.reason} at byte {error.start}") from error


def _matters(line: str) -> bool:
    """Tell a heading or row from an empty line, a remark, or the address that some sites put on top."""
    return bool(line.strip()) and not line.startswith(("#", "http://", "https://"))


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _quick(data: bytes, sheet: Sheet) -> RawTable | None:
    """Read a file in which every line is a row as expected; None when any is not."""
    names = [str(position) for position in range(sheet.width)]
    fields = sheet.layout.fields
    types = {str(at): pa.float64() for name, at in fields.items() if name not in (*TEXTS, *TIMES, *FLAGS)}
    types |= {str(fields[name]): pa.string() for name in TEXTS if name in fields}
    types |= {str(fields[name]): pa.bool_() for name in FLAGS if name in fields}
    try:
        table = pv.read_csv(
            io.BytesIO(data),
            pv.ReadOptions(column_names=names, skip_rows=sheet.skip),
            pv.ParseOptions(delimiter=sheet.delimiter),
            pv.ConvertOptions(column_types=types, include_columns=sorted({str(at) for at in fields.values()})),
        )
        columns = {name: table[str(at)] for name, at in fields.items()}
        converted = {name: _converted(name, column) for name, column in columns.items()}
    except (pa.ArrowException, ValueError):
        return None
    arrays = {name: values for name, (values, _) in converted.items()} | {"exact": converted["time"][1]}
    if table.num_rows + sheet.skip != data.count(b"\n") + (not data.endswith(b"\n")):
        return None  # an empty line among the rows: pyarrow's count is not that of the lines
    lines = np.arange(table.num_rows) + sheet.skip + 1
    return RawTable(sheet.layout.kind, arrays, lines, Refusals("line"))


def _converted(name: str, column: pa.ChunkedArray) -> tuple[Array, Array]:
    """Return a column's values and which of them are exact; raise `ValueError` when the careful way must decide."""
    sure = np.ones(len(column), np.bool_)
    if name in TIMES:
        if column.null_count:
            raise ValueError(name)
        return column_times(column)
    if name in FLAGS:
        if column.null_count:
            raise ValueError(name)
        return column.to_numpy(), sure
    if name not in TEXTS and column.null_count:
        column = pc.fill_null(column, np.nan)
    return column.to_numpy(), sure


def column_times(column: pa.ChunkedArray) -> tuple[Array, Array]:
    """Return the ms of a column of numbers, dates or times, and which are whole; raise `ValueError` otherwise."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        whole = column.cast(pa.timestamp("ms", getattr(column.type, "tz", None)))
        return pc.fill_null(whole.cast(pa.int64()), NO_TIME).to_numpy(), np.ones(len(column), np.bool_)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise ValueError(f"a time of type {column.type}")
    return times.from_numbers(column.to_numpy())


def _careful(data: bytes, sheet: Sheet) -> RawTable:
    """Read line by line; a line that is no row is refused, a last line that is cut condemns the file."""
    refusals = Refusals("line")
    fields = sheet.layout.fields
    wanted = [(name, at, _READERS.get(name, _number)) for name, at in fields.items()]
    rows: list[list[object]] = []
    lines: list[int] = []
    for line, row, last in _rows(_decoded(data), sheet):
        if last and len(row) < sheet.width and not data.endswith((b"\n", b"\r")):
            raise DataError(f"cut off in the middle of line {line}: {len(row)} of {sheet.width} columns")
        if len(row) != sheet.width:
            refusals.add(line, f"{len(row)} columns, {sheet.width} expected", "wrong number of columns")
            continue
        try:
            rows.append([read(name, row[at]) for name, at, read in wanted])
        except ValueError as error:
            refusals.add(line, str(error), "unreadable")
            continue
        lines.append(line)
    return _assembled(sheet.layout, rows, np.array(lines, np.int64), refusals)


def _rows(text: str, sheet: Sheet) -> Iterator[tuple[int, list[str], bool]]:
    """Yield line number, fields, and whether it is the last line; empty lines are passed over."""
    lines = io.StringIO(text, newline=None).readlines()
    last = max((at for at, line in enumerate(lines) if line.strip()), default=-1)
    for at in range(sheet.skip, last + 1):
        line = lines[at].strip().replace('"', "")
        if line:
            yield at + 1, line.split(sheet.delimiter), at == last


def _assembled(layout: Layout, rows: Sequence[Sequence[object]], lines: Array, refusals: Refusals) -> RawTable:
    columns: dict[str, Array] = {}
    exact = np.ones(len(rows), np.bool_)
    for name, values in zip(layout.fields, zip(*rows, strict=True) if rows else [()] * len(layout.fields), strict=True):
        if name in TIMES:
            columns[name] = np.array([time for time, _ in values], np.int64)
            exact = np.array([whole for _, whole in values], np.bool_) if name == "time" else exact
        else:
            columns[name] = np.array(values, object if name in TEXTS else bool if name in FLAGS else np.float64)
    return RawTable(layout.kind, columns | {"exact": exact}, lines, refusals)


def _number(name: str, field: str) -> float:
    try:
        return float(field) if field.strip() else np.nan
    except ValueError:
        raise ValueError(f"{name} {field!r} is not a number") from None


def _time(name: str, field: str) -> tuple[int, bool]:
    found = times.from_text(field)
    if found[0] == NO_TIME:
        raise ValueError(f"{name} {field!r} is not a time")
    return found


def _flag(name: str, field: str) -> bool:
    word = field.strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"{name} {field!r} is neither true nor false")
    return word in _TRUE


def _text(_: str, field: str) -> str:
    return field


_READERS: dict[str, Callable[[str, str], object]] = (
    dict.fromkeys(TIMES, _time) | dict.fromkeys(TEXTS, _text) | dict.fromkeys(FLAGS, _flag)
)
