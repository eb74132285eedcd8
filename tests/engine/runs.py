"""Small stores of generated candles, and what a daemon would make of them: the other way to the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.builders import START_MS, settings
from trader.core.candle import Candle
from trader.core.events import FundingRate, Instant
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.engine import Engine
from trader.engine.opinions import merged_counts
from trader.engine.recorder import Recorder
from trader.engine.result import RunResult
from trader.engine.streams import StreamPlan, plan_streams
from trader.market.history import finest_stored, history, stream_table
from trader.market.instruments import instruments
from trader.market.resample import Resampler
from trader.market.store import Store
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.strategy.opinions import LiveOpinions
from trader.strategy.registry import schedule_of
from trader.trading.attention import held_streams
from trader.trading.logic import TradingLogic

COINS = ("BTCUSDT", "ETHUSDT")

#: Bars so low that four days of two coins have dozens of trades.
LOOSE = {"MIN_PROBABILITY": 0.5, "MIN_STRENGTH": 0.5, "MIN_ATR_PCT": 0.0}


def generated(
    days: float = 4, timeframe: Timeframe = Timeframe.MIN_1, coins: Sequence[str] = COINS, seed: int = 7
) -> list[CandleTable]:
    """Return some days of the generated market from `START_MS` on, one table a coin."""
    market = SyntheticMarket(seed, coins, START_MS)
    return [market.candles(coin, timeframe, START_MS, START_MS + int(days * DAY_MS)) for coin in coins]


def without(table: CandleTable, missing: Iterable[int]) -> CandleTable:
    """Return `table` without some of its rows."""
    gone = set(missing)
    kept = [row for row in range(len(table)) if row not in gone]
    columns = {name: getattr(table, name)[kept] for name in table.__struct_fields__[3:]}
    return CandleTable.build(table.symbol, table.timeframe, table.open_time[kept], **columns)


def stored(root: Path, tables: Iterable[CandleTable], market: str = "spot") -> Store:
    """Return a store at `root` with these candles."""
    store = Store(root)
    for table in tables:
        store.merge(market, table)
    return store


def loose(**overrides: Any) -> Settings:
    """Return settings under which much is traded."""
    return settings(**{**LOOSE, **overrides})


class DaemonRun(msgspec.Struct):
    """What a daemon makes of the candles of a store: trades, and counts per stream."""

    trades: list[Any]
    funnel: dict[tuple[str, Timeframe], dict[str, int]]
    dropped: dict[tuple[str, Timeframe], dict[str, int]]
    equity: float


def daemon_run(values: Settings, store: Store, start_ms: int, end_ms: int) -> DaemonRun:
    """Feed the base candles of `[start_ms, end_ms)` one by one: resampler, kernels and core as in a daemon."""
    market = values.MARKET
    plan = plan_streams(values, {coin: finest_stored(store, market, coin) for coin in values.COINS})
    schedule = schedule_of(values)
    opinions = LiveOpinions(None, plan.streams)
    for symbol, timeframe in plan.streams:
        start = start_ms - values.PRELOAD_CANDLES * timeframe.ms
        opinions.preload(stream_table(store, market, symbol, plan.exits[symbol], timeframe, start, start_ms))
    grids, _ = instruments(store, values, list(plan.exits))
    recorder = Recorder()
    logic = TradingLogic(values, plan.exits, grids, opinions, recorder)
    engine = Engine(logic, SimulatedBroker(values, plan.exits, grids, logic))
    opinions.held = lambda: held_streams(logic.book)
    for instant in _instants(values, store, plan, start_ms, end_ms):
        turn = schedule.at(instant.time)
        opinions.strategy = turn.strategy if turn else None
        engine.step(instant)
    engine.finish()
    book = logic.book
    funnel, dropped = merged_counts(plan.streams, book.funnel), merged_counts((), book.dropped)
    return DaemonRun(recorder.trades, funnel, dropped, book.worth())


def _instants(values: Settings, store: Store, plan: StreamPlan, start_ms: int, end_ms: int) -> Iterable[Instant]:
    """Yield the instants of a run, the longer candles built one by one from each coin's base."""
    rank = {symbol: index for index, symbol in enumerate(values.COINS)}
    closing: dict[int, list[Candle]] = {}
    for symbol, base in plan.exits.items():
        wanted = [timeframe for name, timeframe in plan.streams if name == symbol and timeframe is not base]
        build = _builder(
            symbol, base, wanted, history(store, values.MARKET, symbol, base, start_ms - DAY_MS, start_ms - base.ms + 1)
        )
        for candle in history(
            store, values.MARKET, symbol, base, start_ms - base.ms + 1, end_ms - base.ms + 1
        ).candles():
            closing.setdefault(candle.close_time, []).extend([candle, *build(candle)])
    due = _funding(values, store, plan, start_ms, end_ms)
    before = start_ms
    for time in sorted(closing):
        candles = sorted(closing[time], key=lambda candle: (candle.timeframe.ms, rank[candle.symbol]))
        yield Instant(time, tuple(candles), tuple(rate for rate in due if before < rate.time <= time))
        before = time


def _builder(
    symbol: str, base: Timeframe, timeframes: Sequence[Timeframe], earlier: CandleTable
) -> Callable[[Candle], list[Candle]]:
    """Return what gives the longer candles that a base candle completes."""
    resamplers = [Resampler(symbol, base, timeframe) for timeframe in timeframes]
    for resampler in resamplers:
        resampler.seed(earlier)

    def build(candle: Candle) -> list[Candle]:
        built = [resampler.push(candle) for resampler in resamplers]
        return [each for each in built if each is not None]

    return build


def _funding(values: Settings, store: Store, plan: StreamPlan, start_ms: int, end_ms: int) -> list[FundingRate]:
    if values.MARKET != "futures":
        return []
    return [
        FundingRate(symbol, time, rate)
        for symbol in plan.exits
        for time, rate in store.funding("futures", symbol, start_ms + 1, end_ms + 1)
    ]


def same_run(result: RunResult, daemon: DaemonRun) -> bool:
    """Tell whether backtest and daemon made the same, bit for bit."""
    return (
        msgspec.json.encode(result.trades) == msgspec.json.encode(daemon.trades)
        and {stream: rules for stream, rules in result.funnel.items() if rules}
        == {stream: rules for stream, rules in daemon.funnel.items() if rules}
        and result.dropped == daemon.dropped
        and result.final_equity == daemon.equity
    )
