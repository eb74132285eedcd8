"""How fast history becomes instants: `python -m bench.bench_replay_instants`.

Held against making the same candles and instants in a plain loop over Python floats, in the same run. Also how fast
the market is generated that stands in for history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median

from bench.measure import show
from tests.builders import START_MS, walk
from trader.core.candle import PRICE_COLUMNS, Candle
from trader.core.events import Instant
from trader.core.timeframe import DAY_MS, MINUTE_MS, Timeframe
from trader.market.replay import replay, replay_streams
from trader.market.resample import resample
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable

MINUTES = 525_600
RUNS = 5
END = START_MS + MINUTES * MINUTE_MS
FUNDING = {"BTCUSDT": [(time, 0.0001) for time in range(START_MS + 8 * 60 * MINUTE_MS, END, 8 * 60 * MINUTE_MS)]}


def plain(table: CandleTable) -> Iterable[Instant]:
    """Make the instants of one coin in a loop."""
    columns = [getattr(table, name).tolist() for name in PRICE_COLUMNS]
    for open_time, *values in zip(table.open_time.tolist(), *columns, strict=True):
        candle = Candle(table.symbol, table.timeframe, open_time, *values)
        yield Instant(open_time + table.timeframe.ms, (candle,))


def instants_a_second(make: Callable[[], Iterable[Instant]]) -> float:
    """Return the median rate at which `make` gives instants."""
    rates = []
    for _ in range(RUNS):
        start = time.perf_counter()
        count = sum(1 for _ in make())
        rates.append(count / (time.perf_counter() - start))
    return median(rates)


def compare(name: str, rate: float, least: float) -> None:
    """Print one line."""
    show(name, rate, "instants/s", rate / least, "a plain loop over one coin")


def generate() -> None:
    """Print how long a week of minutes of ten coins, and a day of seconds, takes to generate."""
    SyntheticMarket(1, ["A"], START_MS).candles("A", Timeframe.MIN_1, START_MS, START_MS + DAY_MS)
    coins = ["BTCUSDT", "ETHUSDT", *(f"C{number}USDT" for number in range(8))]
    times: list[tuple[float, float]] = []
    for seed in range(RUNS):
        market = SyntheticMarket(seed, coins, START_MS)
        began = time.perf_counter()
        for coin in coins:
            market.candles(coin, Timeframe.MIN_1, START_MS, START_MS + 7 * DAY_MS)
        week = time.perf_counter()
        market.candles("BTCUSDT", Timeframe.SEC_1, START_MS, START_MS + DAY_MS)
        times.append((week - began, time.perf_counter() - week))
    show("generated week of 1min of 10 coins", median(week for week, _ in times) * 1e3, "ms")
    show("generated day of 1s of a coin", median(day for _, day in times) * 1e3, "ms")


def main() -> None:
    """Print the figures."""
    one, two = walk(MINUTES), walk(MINUTES, seed=1, symbol="ETHUSDT")
    longer = resample(two, Timeframe.MIN_5)
    timeframes = [Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.MIN_15, Timeframe.MIN_30]
    least = instants_a_second(lambda: plain(one))
    show("plain loop over one coin", least, "instants/s")
    compare("replay of one coin", instants_a_second(lambda: replay([one], START_MS, END)), least)
    compare("replay of one coin with funding", instants_a_second(lambda: replay([one], START_MS, END, FUNDING)), least)
    compare("replay of two coins", instants_a_second(lambda: replay([one, two], START_MS, END)), least)
    compare("replay of 1min and 5min", instants_a_second(lambda: replay([one, longer], START_MS, END)), least)
    streams = instants_a_second(lambda: replay_streams([one, two], timeframes, START_MS, END))
    compare("replay of two coins with four timeframes", streams, least)
    generate()


if __name__ == "__main__":
    main()
