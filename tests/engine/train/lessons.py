"""Builders: a generated market of some weeks, and a fold that is learned from it in a second."""

from __future__ import annotations

from functools import cache

from tests.builders import settings
from tests.trading.worlds import FILTERS
from trader.core.instrument import Instrument
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.train.fold import Learned, Lesson, Plan, Stream
from trader.engine.train.samples import samples_of
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.ml.fitting import Trees
from trader.ml.splits import Fold

START_MS, DAYS, M1 = 1_767_571_200_000, 24, Timeframe.MIN_1
COINS = ["BTCUSDT", "ETHUSDT"]
FOLD = Fold(*(START_MS + day * DAY_MS for day in (0, 14, 14, 20, 20, DAYS)))
QUICK = Plan(
    Trees(max_depth=3, eta=0.3, rounds=25, patience=4),
    Trees(max_depth=2, eta=0.2, rounds=15, patience=4, min_child_weight=20.0),
)
#: Trees that know next to nothing and are there at once, for tests of what goes on around them.
TINY = Plan(
    Trees(max_depth=2, eta=0.5, rounds=4, patience=3),
    Trees(max_depth=2, eta=0.5, rounds=4, patience=2, min_child_weight=5.0),
)


@cache
def tables() -> tuple[CandleTable, ...]:
    """Return the minutes of two coins."""
    market = SyntheticMarket(5, COINS, START_MS)
    return tuple(market.candles(coin, M1, START_MS, START_MS + DAYS * DAY_MS) for coin in COINS)


@cache
def streams() -> tuple[Stream, ...]:
    """Return the streams of a training on them."""
    return streams_of(tables())


def streams_of(minutes: tuple[CandleTable, ...]) -> tuple[Stream, ...]:
    """Return the streams of a training on these candles."""
    grid = Instrument.from_filters("BTCUSDT", FILTERS)
    return tuple(Stream(samples_of(table), table, grid) for table in minutes)


def lesson(minutes: tuple[CandleTable, ...], plan: Plan = QUICK, fold: Fold = FOLD) -> Lesson:
    """Return a lesson on these candles."""
    made = streams() if minutes is tables() else streams_of(minutes)
    return Lesson(made, fold, settings(COINS=COINS), plan, lambda *how: None)


@cache
def learned() -> Learned:
    """Return what is learned from them."""
    return lesson(tables()).learn()
