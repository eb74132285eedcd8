"""The candles of one stream that were appended one by one and wait to be folded into its month files.

Rewriting a month for each candle would cost milliseconds and megabytes; a record here costs 84 bytes. A record that
`append` has returned from survives the end of the process; it survives a loss of power once the system has written
it out (some 30 s by default). Each record carries a checksum, so a torn one is skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import numpy as np

from trader.core.candle import VALUE_COLUMNS, Candle
from trader.core.timeframe import Timeframe
from trader.market.overlay import select
from trader.market.table import CandleTable

NAME = "tail.bin"
_BODY = struct.Struct("<q9d")
_CHECK = struct.Struct("<I")
RECORD_BYTES = _BODY.size + _CHECK.size
_DTYPE = np.dtype([("open_time", "<i8"), *((name, "<f8") for name in VALUE_COLUMNS), ("check", "<u4")])


def append(path: Path, candles: Iterable[Candle]) -> int:
    """Append `candles` under the stream's lock; return how many records the file has now."""
    records = b"".join(map(_record, candles))
    with path.open("ab") as file:
        whole = file.tell() // RECORD_BYTES * RECORD_BYTES
        if whole != file.tell():  # a crash cut the last record
            file.truncate(whole)
        file.write(records)
    return (whole + len(records)) // RECORD_BYTES


def _record(candle: Candle) -> bytes:
    body = _BODY.pack(candle.open_time, *(getattr(candle, name) for name in VALUE_COLUMNS))
    return body + _CHECK.pack(crc32(body))


def layers(path: Path, symbol: str, timeframe: Timeframe) -> list[CandleTable]:
    """Return the waiting candles as tables to lay over each other in turn, each strictly ascending.

    There is one, unless a time was appended more than once.
    """
    waiting = _read(path, symbol, timeframe)
    found = []
    while len(waiting):
        _, first = np.unique(waiting.open_time, return_index=True)
        found.append(select(waiting, first))
        rest = np.ones(len(waiting), np.bool_)
        rest[first] = False
        waiting = select(waiting, rest)
    return found


def _read(path: Path, symbol: str, timeframe: Timeframe) -> CandleTable:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return CandleTable.empty(symbol, timeframe)
    view = memoryview(data)
    records = np.frombuffer(data, _DTYPE, len(data) // RECORD_BYTES)
    starts = range(0, len(records) * RECORD_BYTES, RECORD_BYTES)
    checks = np.fromiter((crc32(view[start : start + _BODY.size]) for start in starts), np.uint32, len(records))
    sound = records[checks == records["check"]]
    times = sound["open_time"].astype(np.int64)
    return CandleTable.build(symbol, timeframe, times, **{name: sound[name] for name in VALUE_COLUMNS})
