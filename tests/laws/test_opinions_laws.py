"""A run does not depend on whether opinions were worked out before it or come candle by candle: random histories."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from tests.builders import START_MS, walk
from tests.engine.runs import daemon_run, loose, same_run, stored, without
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.market.resample import resample
from trader.market.table import CandleTable

COINS = ("BTCUSDT", "ETHUSDT", "SUIUSDT")
BASES = [Timeframe.MIN_1, Timeframe.MIN_1, Timeframe.MIN_5]


def histories(seed: int, minutes: int, lost: int) -> list[CandleTable]:
    """Return candles of three coins, of random bases, which begin at random times and have random gaps."""
    chance = random.Random(seed)
    tables = []
    for coin in COINS:
        late = 15 * chance.randrange(8)
        base = walk(minutes - late, seed=chance.randrange(1_000), symbol=coin, sigma=0.002,
                    start_ms=START_MS + late * MINUTE_MS)  # fmt: skip
        table = resample(base, chance.choice(BASES))
        tables.append(without(table, chance.sample(range(len(table)), min(lost, len(table) // 4))))
    return tables


def overrides(chance: random.Random) -> dict[str, Any]:
    """Return random settings under which much is traded."""
    return {
        "COINS": chance.sample(COINS, 3),
        "MARKET": chance.choice(["spot", "futures"]),
        "TIMEFRAMES": chance.choice([["5min"], ["5min", "1min"], ["1min", "5min", "15min"], ["5min", "15min"]]),
        "PRELOAD_CANDLES": chance.choice([60, 100, 1_000]),
        "MIN_PROBABILITY": chance.choice([0.1, 0.5]),
        "MIN_STRENGTH": 0.1,
        "MIN_NET_PROFIT_PCT": -1.0,
        "TREND_ALIGNMENT": chance.random() < 0.5,
        "MAX_CONCURRENT_TRADES": chance.choice([1, 3, 8]),
        "TRADING_HOURS": {"enable": chance.random() < 0.3, "start_hour": 3, "end_hour": 1, "timezone": "Asia/Tokyo"},
        "DRAWDOWN_PROTECTION": {"reduce_at": 0.002, "pause_at": 0.01, "close_at": 0.03, "resume_after_hours": 2},
        "DAILY_LOSS_LIMIT": chance.choice([0.0, 0.01]),
    }


@given(seed=some.integers(0, 10_000), minutes=some.integers(200, 1_500), lost=some.sampled_from([0, 1, 40]))
@settings(max_examples=40)
def test_opinions_before_the_run_and_candle_by_candle_make_the_same_trades(seed: int, minutes: int, lost: int) -> None:
    chance = random.Random(seed)
    values = loose(**overrides(chance))
    start = START_MS + chance.choice([0, 60, 61, 97]) * MINUTE_MS
    end = START_MS + minutes * MINUTE_MS
    with tempfile.TemporaryDirectory() as folder:
        store = stored(Path(folder), histories(seed, minutes, lost), values.MARKET)
        result = run_backtest(values, store, start, end)
        assert same_run(result, daemon_run(values, store, start, end))
