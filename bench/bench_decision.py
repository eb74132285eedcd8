"""How long a decision takes live: `python -m bench.bench_decision`.

From the bytes of the kline messages that close an instant to the commands of the core: decoding, the instant, longer
candles, indicators, geometry, every check, counts and the narrator. The reference, in the same run, is decoding alone
with `msgspec` into the same fields. Memory is that of a whole process, as `start.py` loads it, with all streams warm.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import msgspec

from bench.measure import resident_mb, show
from tests.builders import START_MS, settings, walk
from trader.core.candle import EXTRA_COLUMNS, Candle
from trader.core.instrument import Instrument
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.engine.engine import Engine
from trader.engine.live.feed import KlineFeed
from trader.engine.live.instants import InstantAssembler
from trader.engine.narrator import Narrator
from trader.exchange.binance.codec import decode
from trader.exchange.binance.wire import KlineFrameWire
from trader.market.resample import resample
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import LiveOpinions
from trader.trading.logic import TradingLogic

M1, H4 = Timeframe.MIN_1, Timeframe.HOUR_4
SIX = [M1, Timeframe.MIN_5, Timeframe.MIN_15, Timeframe.MIN_30, Timeframe.HOUR_1, H4]
PRELOAD = 1_000
COINS = [f"C{number}USDT" for number in range(100)]
CANDLES = 10_000
INSTANTS = 12
EXTRAS = dict.fromkeys(EXTRA_COLUMNS, 2.0)


def message(candle: Candle) -> bytes:
    """Return the closed kline as the venue writes it."""
    names = ("open", "close", "high", "low", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
    kline = dict(zip("ochlvqVQ", (f"{getattr(candle, name):.8f}" for name in names), strict=True))
    begin, symbol = candle.open_time, candle.symbol
    kline |= {"t": begin, "T": begin + M1.ms - 1, "s": symbol, "i": "1m", "f": 4_512_345_678, "L": 4_512_346_789}
    kline |= {"n": int(candle.count), "x": True, "B": "0"}
    event = {"e": "kline", "E": begin + M1.ms + 4, "s": symbol, "k": kline}
    return json.dumps({"stream": f"{symbol.lower()}@kline_1m", "data": event}, separators=(",", ":")).encode()


class Daemon:
    """What of the daemon lies between the socket and the broker, warm at `end`."""

    def __init__(self, bases: Sequence[CandleTable], timeframes: Sequence[Timeframe], end: int) -> None:
        values = settings(MARKET="futures", COINS=[base.symbol for base in bases], TIMEFRAMES=list(timeframes))
        exits = {base.symbol: M1 for base in bases}
        self.streams = [(symbol, timeframe) for timeframe in timeframes for symbol in exits]
        self.opinions = LiveOpinions(GeometryStrategy(), self.streams)
        self.assembler = InstantAssembler(exits, self.streams, end, 0.5)
        self.feeds = {f"{symbol.lower()}@kline_1m": KlineFeed("futures", symbol, M1) for symbol in exits}
        grids = {symbol: Instrument.from_filters(symbol, values.DEFAULT_FILTERS.model_dump()) for symbol in exits}
        logic = TradingLogic(values, exits, grids, self.opinions, Narrator(brief=False))
        self.engine = Engine(logic, SimulatedBroker(values, exits, grids, logic))
        for base in bases:
            self._warm(base.between(0, end), timeframes, end)

    def _warm(self, base: CandleTable, timeframes: Sequence[Timeframe], end: int) -> None:
        """Bring a coin's kernels to `end`: from its base, from a walk where the base is too short."""
        for timeframe in timeframes:
            built = resample(base, timeframe)
            start = end - PRELOAD * timeframe.ms
            short = walk(PRELOAD, symbol=base.symbol, timeframe=timeframe, start_ms=start, sigma=0.003, **EXTRAS)
            self.opinions.preload(built if len(built) >= PRELOAD else short)
        self.assembler.seed(base)

    def take(self, frames: Sequence[bytes]) -> None:
        """Do what the daemon does with the messages that come at one time."""
        for frame in frames:
            said = decode(frame)
            for candle in self.feeds[said.stream].take(said):
                self.assembler.push(candle)
        while (instant := self.assembler.next(0.0)) is not None:
            self.engine.step(instant)


def bases_of(coins: Sequence[str], minutes: int) -> list[CandleTable]:
    """Return walks that end at the same time, with all columns."""
    return [walk(minutes, seed=seed, symbol=coin, sigma=0.001, **EXTRAS) for seed, coin in enumerate(coins)]


def minutes_after(bases: Sequence[CandleTable], end: int) -> Iterator[list[bytes]]:
    """Yield the messages of each minute after `end`."""
    later = (base.between(end, 2**62).candles() for base in bases)
    return ([message(candle) for candle in minute] for minute in zip(*later, strict=True))


def one_stream() -> tuple[float, float]:
    """Return the median µs from bytes to decision of one stream, and of decoding alone."""
    bases = bases_of(["BTCUSDT"], PRELOAD + CANDLES)
    end = START_MS + PRELOAD * M1.ms
    daemon, bare = Daemon(bases, [M1], end), msgspec.json.Decoder(KlineFrameWire, strict=False).decode
    ours, alone = [], []
    for frames in minutes_after(bases, end):
        ours.append(timed(lambda frames=frames: daemon.take(frames)))
        alone.append(timed(lambda frames=frames: bare(frames[0])))
    return median(ours) * 1e6, median(alone) * 1e6


def all_streams() -> tuple[float, float]:
    """Return the median ms of an instant in which all streams of all coins close, and of decoding alone."""
    hours = 4 * (INSTANTS + 5)
    bases = bases_of(COINS, hours * 60)
    end = START_MS + 4 * 4 * HOUR_MS
    daemon, bare = Daemon(bases, SIX, end), msgspec.json.Decoder(KlineFrameWire, strict=False).decode
    ours, alone = [], []
    for minute, frames in enumerate(minutes_after(bases, end), 1):
        took = timed(lambda frames=frames: daemon.take(frames))
        if minute % 240 == 0:
            ours.append(took)
            alone.append(timed(lambda frames=frames: [bare(frame) for frame in frames]))
    return median(ours) * 1e3, median(alone) * 1e3


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def memory() -> tuple[float, float, float]:
    """Return the MB of this process before the first candle, with 100 coins on six timeframes, and of their candles."""
    before, hours = resident_mb(), 20  # more than 1,000 minutes, and an end at which a candle of every timeframe closes
    daemon = Daemon(bases_of(COINS, hours * 60), SIX, START_MS + hours * HOUR_MS)
    return before, resident_mb(), sum(frame.nbytes for frame in daemon.opinions.frames) / 1e6


def main() -> None:
    """Print the figures."""
    logging.getLogger("trader").addHandler(logging.NullHandler())
    ours, alone = one_stream()
    show("candle close to decision, one stream", ours, "µs", ours / alone, "decoding alone")
    ours, alone = all_streams()
    show("600 streams of 100 coins close in one instant", ours, "ms", ours / alone, "decoding alone")
    as_started = "import json, trader.cli.app, bench.bench_decision as bench; print(json.dumps(bench.memory()))"
    answer = subprocess.run([sys.executable, "-c", as_started], capture_output=True, check=True).stdout
    before, used, candles = msgspec.json.decode(answer)
    show("whole process, before its first candle", before, "MB")
    show("whole process, 600 streams of 1,000 candles", used, "MB", used / candles, "their candles")


if __name__ == "__main__":
    main()
