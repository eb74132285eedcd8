"""A plot of a soak as PNG: memory above, tasks in the middle, open trades below, each from 0 to its highest."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.soak.quarters import Sample

WIDTH, HEIGHT, GAP = 900, 160, 10
COLOURS = ((31, 119, 180), (214, 39, 40), (44, 160, 44))
WHITE, GREY = (255, 255, 255), (225, 225, 225)


def plot(samples: Sequence[Sample], path: Path) -> None:
    """Write the plot; vertical lines part the quarters."""
    series = [
        [each.memory_mb for each in samples],
        [float(each.tasks) for each in samples],
        [float(each.trades) for each in samples],
    ]
    times = [each.time for each in samples]
    rows: list[list[tuple[int, int, int]]] = []
    for values, colour in zip(series, COLOURS, strict=True):
        rows += _panel(times, values, colour) + [[WHITE] * WIDTH] * GAP
    path.write_bytes(_png(rows))


def _panel(
    times: Sequence[int], values: Sequence[float], colour: tuple[int, int, int]
) -> list[list[tuple[int, int, int]]]:
    rows = [[GREY if x % (WIDTH // 4) == 0 else WHITE for x in range(WIDTH)] for _ in range(HEIGHT)]
    span, most = max(1, times[-1] - times[0]), max(*values, 1e-9)
    for time, value in zip(times, values, strict=True):
        x, y = (time - times[0]) * (WIDTH - 1) // span, HEIGHT - 1 - int(value / most * (HEIGHT - 2))
        for thick in (0, 1):
            rows[min(HEIGHT - 1, y + thick)][x] = colour
    return rows


def _png(rows: Sequence[Sequence[tuple[int, int, int]]]) -> bytes:
    raw = b"".join(b"\0" + b"".join(bytes(pixel) for pixel in row) for row in rows)
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
