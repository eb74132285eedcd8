"""The classifier says the same of every candle of a month, live and in batch, bit for bit; a trade open or not.

A daemon asks candle by candle; a backtest once `everywhere` and once not, and takes what fits. In the hours of the
month in which a trade is taken to be open the daemon must see the one, in all others the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.indicators.samples import real
from tests.ml.models import START_MS
from tests.ml.shipped import shipped_settings
from trader.core.events import Instant
from trader.core.signal import Reading
from trader.core.timeframe import DAY_MS, Timeframe
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.strategy.base import NO_PATTERN, PATTERNS, Strategy
from trader.strategy.opinions import LiveOpinions, StreamOpinions, stream_opinions
from trader.strategy.registry import model_turn

ROWS, WARM = 30 * 24 * 60, 1_000
#: Hours of every four in which a trade is open.
OPEN_FOR, OF = 90, 240
NUMBERS = ("close", "ema50", "atr14", "probability", "strength", "success", "expected")


def that_ships() -> Strategy:
    """Return the one that comes with the repository."""
    values = shipped_settings()
    strategy = model_turn(values, values.MODEL, 0).strategy
    assert strategy is not None
    return strategy


def generated_minutes() -> CandleTable:
    """Return a month of a generated market with candles before it."""
    market, end = SyntheticMarket(21, ["BTCUSDT"], START_MS), START_MS + 31 * DAY_MS
    return market.candles("BTCUSDT", Timeframe.MIN_1, START_MS, end).rows(0, WARM + ROWS)


def real_minutes() -> CandleTable:
    """Return the first month of BTC's 2025 with candles before it."""
    return real("spot/BTCUSDT-1m-2025", WARM + ROWS)


def live(table: CandleTable, strategy: Strategy, held: NDArray[np.bool_]) -> list[Reading]:
    """Return what a daemon reads of each candle behind the first `WARM`; `held`: whether a trade is open then."""
    opinions, stream = LiveOpinions(strategy, [(table.symbol, table.timeframe)]), (table.symbol, table.timeframe)
    opinions.preload(table.rows(0, WARM))
    readings = []
    for candle, is_open in zip(table.rows(WARM, len(table)).candles(), held.tolist(), strict=True):
        opinions.held = (lambda: {stream}) if is_open else tuple
        readings += opinions.read(Instant(candle.close_time, (candle,)))
    return readings


def columns_of(readings: list[Reading]) -> dict[str, list[float | int | bool]]:
    """Return readings as columns named as those of `StreamOpinions`."""
    found: dict[str, list[float | int | bool]] = {name: [] for name in ("pattern", "held_only", "ready", *NUMBERS)}
    for reading in readings:
        for name in ("close", "ema50", "atr14", "ready"):
            found[name].append(getattr(reading, name))
        signal = reading.signal
        found["pattern"].append(NO_PATTERN if signal is None else PATTERNS.index(signal.pattern))
        found["held_only"].append(signal is not None and signal.held_only)
        for name in ("probability", "strength", "success", "expected"):
            missing = np.nan if name in ("success", "expected") else 0.0
            found[name].append(missing if signal is None else getattr(signal, name))
    return found


def chosen(
    held: NDArray[np.bool_], everywhere: StreamOpinions, asked: StreamOpinions, name: str
) -> NDArray[np.generic]:
    return np.where(held, getattr(everywhere, name), getattr(asked, name))


@pytest.mark.parametrize("minutes", [generated_minutes, real_minutes], ids=["generated minutes", "real minutes"])
def test_live_and_batch_are_the_same_on_all_rows(minutes: Callable[[], CandleTable]) -> None:
    strategy, table = that_ships(), minutes()
    first = int(table.open_time[WARM])
    held = np.arange(len(table) - WARM) % OF < OPEN_FOR
    everywhere, asked = (stream_opinions(table, strategy, first, everywhere=each) for each in (True, False))
    read = columns_of(live(table, strategy, held))
    assert len(everywhere) == len(asked) == len(read["close"]) == ROWS
    for name in NUMBERS:
        assert np.array(read[name], np.float64).tobytes() == chosen(held, everywhere, asked, name).tobytes(), name
    for name in ("pattern", "held_only", "ready"):
        assert read[name] == chosen(held, everywhere, asked, name).tolist(), name
    assert all(read["ready"])
    assert len({number for number in read["pattern"] if number != NO_PATTERN}) > 3
    assert np.isfinite(np.array(read["expected"])[np.array(read["pattern"]) != NO_PATTERN]).all()
    check_what_is_held(everywhere, asked, held)


def check_what_is_held(everywhere: StreamOpinions, asked: StreamOpinions, held: NDArray[np.bool_]) -> None:
    """Check that a look everywhere adds what is `held_only`, and changes nothing else."""
    added = everywhere.held_only
    assert not asked.held_only.any()
    assert (asked.pattern[added] == NO_PATTERN).all()
    assert (everywhere.pattern[added] != NO_PATTERN).all()
    for name in ("pattern", *NUMBERS):
        assert getattr(everywhere, name)[~added].tobytes() == getattr(asked, name)[~added].tobytes(), name
    assert (added & held).any()
