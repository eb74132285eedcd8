"""How fast and how small frames are: `python -m bench.bench_frames`.

Appending is held against reading the same ten fields of each candle and doing nothing with them, in the same run;
memory against 100 coins, 6 timeframes, 1,000 candles each.
"""

from __future__ import annotations

from bench.measure import median_s, resident_mb, show
from tests.builders import walk
from trader.core.candle import EXTRA_COLUMNS, Candle
from trader.core.timeframe import Timeframe
from trader.market.frames import Frame, Frames

CANDLES = 100_000
LENGTHS = (100, 1_000, 43_300)
STREAMS = [(f"C{coin}USDT", timeframe) for coin in range(100) for timeframe in list(Timeframe)[3:9]]


def read_fields(candles: list[Candle]) -> None:
    """Look at every field of each candle: what any frame must do."""
    for candle in candles:
        _ = candle.open_time
        _ = candle.open, candle.high, candle.low, candle.close, candle.volume
        _ = candle.quote_volume, candle.count, candle.taker_buy_volume, candle.taker_buy_quote_volume


def append_all(candles: list[Candle], length: int) -> None:
    """Append all candles to a new frame."""
    append = Frame("BTCUSDT", Timeframe.MIN_1, length, EXTRA_COLUMNS).append
    for candle in candles:
        append(candle)


def fill() -> tuple[Frames, float]:
    """Return full frames of many streams, moved once, and by how many MB the process grew."""
    tables = {tf: walk(1_200, timeframe=tf, **dict.fromkeys(EXTRA_COLUMNS, 2.0)) for _, tf in STREAMS}
    later = {tf: list(table.rows(1_000, 1_200).candles()) for tf, table in tables.items()}
    before = resident_mb()
    frames = Frames(STREAMS, 1_000, EXTRA_COLUMNS)
    for frame in frames:
        frame.repair(tables[frame.timeframe].rows(0, 1_000))
        for candle in later[frame.timeframe]:
            frame.append(candle)
    return frames, resident_mb() - before


def main() -> None:
    """Print the figures."""
    table = walk(CANDLES, **dict.fromkeys(EXTRA_COLUMNS, 2.0))
    candles = list(table.candles())
    least = median_s(lambda: read_fields(candles)) / CANDLES
    show("fields of a candle read", least * 1e6, "µs")
    for length in LENGTHS:
        each = median_s(lambda length=length: append_all(candles, length)) / CANDLES
        show(f"append to a frame of {length:,}", each * 1e6, "µs a candle", each / least, "reading its fields")
    frame = Frame("BTCUSDT", Timeframe.MIN_1, 1_000)
    frame.repair(table)
    view = median_s(lambda: [frame.column("close") for _ in range(10_000)]) / 10_000
    show("contiguous view of a column", view * 1e6, "µs")
    show("DataFrame of 1,000 candles", median_s(frame.to_pandas) * 1e6, "µs")
    for length in LENGTHS:
        used = Frame("BTCUSDT", Timeframe.MIN_1, length, EXTRA_COLUMNS).nbytes
        show(f"memory of a frame of {length:,}", used / 1e6, "MB", used / (length * 80), "its data")
    frames, grown = fill()
    show(f"{len(frames)} frames of 1,000 candles", grown, "MB", grown * 1e6 / (len(frames) * 80_000), "their data")


if __name__ == "__main__":
    main()
