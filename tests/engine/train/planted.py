"""Builders: a market of generated candles on which broken formations pay, and how a model of it is judged."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.builders import settings
from tests.trading.worlds import FILTERS
from trader.core.candle import Candle
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import PATTERN_DIRECTION
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.train.evidence import gather
from trader.engine.train.fold import Plan, Stream
from trader.engine.train.proof.facts import Evidence
from trader.engine.train.samples import samples_of
from trader.engine.train.walk import Keep, Walked, walk
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.ml.features import EMA50, FEATURES, READY, FeatureKernel
from trader.ml.fitting import Trees
from trader.ml.splits import walk_forward
from trader.strategy.base import PATTERNS
from trader.strategy.geometry import GeometryStrategy

START_MS, M5 = 1_735_689_600_000, Timeframe.MIN_5
COINS, DAYS, TEST_DAYS = ("BTCUSDT", "ETHUSDT"), 64, 12
#: Deviation of a candle's return; what follows a break, as a fraction of the price, and over how many candles.
SIGMA, DRIFT, CANDLES = 0.0015, 0.03, 24
#: A formation pays when it breaks with this score.
PAYS_FROM = 0.5
#: Small trees, grown fast.
QUICK = Plan(
    Trees(max_depth=3, eta=0.3, rounds=30, patience=5),
    Trees(max_depth=2, eta=0.2, rounds=20, patience=5, min_child_weight=20.0),
)
GRID = Instrument.from_filters("BTCUSDT", FILTERS)


def rules(**overrides: Any) -> Settings:
    """Return settings of the coins, under which both sides are traded and weak signals too."""
    wanted = {"MARKET": "futures", "COINS": list(COINS), "TIMEFRAMES": ["5min"], "MIN_ATR_PCT": 0.0}
    return settings(**wanted | {"MIN_PROBABILITY": 0.4, "MIN_STRENGTH": 0.3} | overrides)


@cache
def market(pays: bool = True, days: int = DAYS) -> tuple[CandleTable, ...]:
    """Return candles of the coins: random walks; where a formation `pays`, its break is followed by a drift."""
    return tuple(_walk(coin, number, pays, days) for number, coin in enumerate(COINS))


def _walk(coin: str, seed: int, pays: bool, days: int) -> CandleTable:
    count, random = days * DAY_MS // M5.ms, np.random.default_rng((11, seed))
    noise, shadow = random.normal(0, SIGMA, count), np.abs(random.normal(0, SIGMA / 2, (2, count)))
    volume = np.round(random.lognormal(2, 1, count), 3)
    kernel, strategy, row = FeatureKernel(M5), GeometryStrategy(), np.full((1, len(FEATURES)), np.nan)
    prices, last, drift, until = np.empty((count, 4)), 100.0, 0.0, -1
    for at in range(count):
        close = last * float(np.exp(noise[at] + (drift if at < until else 0.0)))
        high, low = max(last, close) * (1 + shadow[0, at]), min(last, close) * (1 - shadow[1, at])
        prices[at] = last, high, low, close
        candle = Candle(coin, M5, START_MS + at * M5.ms, last, high, low, close, volume[at])
        ready, last = kernel.write(candle, row, 0) == READY, close
        if pays and ready and at >= until:
            seen = strategy.evaluate(row)
            if seen.probability[0] >= PAYS_FROM:
                side = PATTERN_DIRECTION.get(PATTERNS[seen.pattern[0]], 1 if close > row[0, EMA50] else -1)
                drift, until = side * DRIFT / CANDLES, at + 1 + CANDLES
    times = START_MS + np.arange(count, dtype=np.int64) * M5.ms
    columns = dict(zip(("open", "high", "low", "close"), prices.T.copy(), strict=True))
    return CandleTable.build(coin, M5, times, volume=volume, **columns)


def streams_of(tables: tuple[CandleTable, ...]) -> list[Stream]:
    """Return the streams of a training on these candles."""
    return [Stream(samples_of(table), table, GRID) for table in tables]


def stored(root: Path, tables: tuple[CandleTable, ...]) -> Store:
    """Return a store with these candles."""
    store = Store(root)
    for table in tables:
        store.merge("futures", table)
    return store


def walked(streams: list[Stream], chosen: Settings, folder: Path) -> list[Walked]:
    """Return two folds, learned."""
    end = int(streams[0].exits.open_time[-1]) + M5.ms
    folds = walk_forward(START_MS, end, folds=2, test_ms=TEST_DAYS * DAY_MS, calibrate_ms=10 * DAY_MS)
    return list(walk(streams, folds, chosen, QUICK, Keep(folder), lambda *how: None))


def judged(streams: list[Stream], chosen: Settings, root: Path, draws: int = 300) -> Evidence:
    """Return the evidence on two folds of these streams."""
    store = stored(root / "data", tuple(stream.exits for stream in streams))
    found = walked(streams, chosen, root / "folds")
    return gather(streams, found, chosen, store, trials=10, seed=1, draws=draws, progress=lambda *how: None)
