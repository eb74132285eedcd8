"""Writes every table to a folder as CSV, JSON lines or Parquet: values in columns, what is nested as JSON text."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, Protocol, get_type_hints

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Table

from trader.core.errors import JournalError
from trader.core.trade import Trade
from trader.journal import records
from trader.journal.codec import COMMANDS, EVENTS, decode, decode_kind
from trader.journal.copies import Progress, no_progress
from trader.journal.place import Place
from trader.journal.reader import Reader, count, stream
from trader.journal.schema import KEPT

Format = Literal["csv", "jsonl", "parquet"]

#: Rows that are written at a time.
BATCH = 2_000
#: What each table's payload is; the kind of an event or command says which one it is.
PAYLOADS: dict[str, type[Any]] = {
    "runs": records.Run,
    "transitions": records.OrderRecord,
    "fills": records.FillRecord,
    "equity": records.EquityPoint,
    "dust": records.DustRecord,
    "operators": records.OperatorRecord,
    "gaps": records.Gap,
    "orders": records.OrderRecord,
    "trades": Trade,
    "decisions": records.DecisionRecord,
    "readings": records.Readings,
    "snapshots": records.Checkpoint,
}
KINDS = {"events": EVENTS, "commands": COMMANDS}
ARROW = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}

Flat = dict[str, Any]


class Sink(Protocol):
    """A file of one table."""

    def write(self, rows: list[Flat]) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Finish the file; it is on the disk."""
        ...


def export(place: Place, folder: Path, form: Format, progress: Progress = no_progress) -> dict[str, int]:
    """Write each table to `<folder>/<table>.<form>` as of one moment, and return how many rows it has.

    The folder comes to be at one stroke, complete; raise `JournalError` when it is there and not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise JournalError(f"{folder} is there already and not empty: name another folder, or move that away")
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        rows = _write_tables(place, temporary, form, progress)
        os.replace(temporary, folder)
    except OSError as error:
        raise JournalError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return rows


def columns_of(table: Table) -> dict[str, type]:
    """Return the columns of an exported table with the type of their values; what is nested is text."""
    found: dict[str, type] = {column.name: column.type.python_type for column in table.columns}
    payload = PAYLOADS.get(table.name)
    for name, hint in (get_type_hints(payload) if payload else {}).items():
        found.setdefault(name, hint if hint in (*ARROW, bytes) else str)
    if table.name in KINDS:
        found["data"] = str
    # Bytes are for this program alone: digests, states of the core.
    return {name: kind for name, kind in found.items() if kind is not bytes and name != "crc"}


def _write_tables(place: Place, folder: Path, form: Format, progress: Progress) -> dict[str, int]:
    written: dict[str, int] = {}
    with Reader(place) as reader, reader.moment() as connection:
        total, done = sum(count(connection, table) for table in KEPT), 0
        for table in KEPT:
            columns = columns_of(table)
            written[table.name] = 0
            with ExitStack() as closing:
                sink = SINKS[form](folder / f"{table.name}.{form}", columns)
                closing.callback(sink.close)
                rows = stream(connection, table)
                while batch := [_flat(table.name, columns, row) for row in islice(rows, BATCH)]:
                    sink.write(batch)
                    written[table.name] += len(batch)
                    done += len(batch)
                    progress(done, total)
    return written


def _flat(table: str, columns: dict[str, type], row: Flat) -> Flat:
    """Return a row with its payload laid out in columns."""
    if table in KINDS:
        value = decode_kind(row["payload"], row["kind"], KINDS[table])
        return {**{name: row[name] for name in columns if name != "data"}, "data": _json(value)}
    fields: Flat = {}
    if table in PAYLOADS:
        value = decode(row["payload"], PAYLOADS[table])
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
    return {name: _cell(row.get(name, fields.get(name)), kind) for name, kind in columns.items()}


def _cell(value: Any, kind: type) -> Any:
    if kind is not str:
        return value
    return str(value) if isinstance(value, str | Decimal) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class _Csv:
    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._file, list(columns))
        self._writer.writeheader()

    def write(self, rows: list[Flat]) -> None:
        self._writer.writerows(rows)

    def close(self) -> None:
        _finish(self._file)


class _JsonLines:
    def __init__(self, path: Path, _: dict[str, type]) -> None:
        self._file = path.open("wb")

    def write(self, rows: list[Flat]) -> None:
        self._file.write(msgspec.json.Encoder().encode_lines(rows))

    def close(self) -> None:
        _finish(self._file)


class _Parquet:
    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        self._schema = pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")

    def write(self, rows: list[Flat]) -> None:
        self._writer.write_table(pa.Table.from_pylist(rows, self._schema))

    def close(self) -> None:
        self._writer.close()
        _finish(self._file)


def _finish(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()


SINKS: dict[Format, Callable[[Path, dict[str, type]], Sink]] = {"csv": _Csv, "jsonl": _JsonLines, "parquet": _Parquet}
