"""The program over history: prepare data and opinions side by side, then one pass through the engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from trader.core.errors import ConfigError
from trader.core.events import Instant
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.engine import Engine
from trader.engine.narrator import Audiences, Narrator
from trader.engine.opinions import BatchOpinions, merged_counts, quiet_counts
from trader.engine.prepare import Preparation, Progress, Span
from trader.engine.recorder import Recorder
from trader.engine.result import Hold, RunResult
from trader.engine.shadow import RefusedSignals, follow_refused
from trader.engine.streams import StreamPlan, plan_streams
from trader.market.history import finest_stored
from trader.market.instruments import instruments
from trader.market.replay import replay
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.strategy.opinions import StreamOpinions
from trader.trading.logic import TradingLogic

#: Instants between two words about how far the run is.
PROGRESS_EVERY = 20_000


def run_backtest(
    settings: Settings,
    store: Store,
    start_ms: int | None = None,
    end_ms: int | None = None,
    overrides: Sequence[tuple[str, str, str]] = (),
    progress: Progress | None = None,
    counterfactual: bool = False,
) -> RunResult:
    """Run the settings' coins and timeframes over the stored candles from `start_ms` to `end_ms`.

    None is as far as anything is stored. The result does not depend on the number of workers.
    `counterfactual`: follow the signals that a rule refused behind check 6 as shadow trades, after the run.
    Raise `ConfigError` when there is no data to run on.
    """
    began = time.perf_counter()
    report = progress or _silent
    plan = plan_streams(settings, {symbol: finest_stored(store, settings.MARKET, symbol) for symbol in settings.COINS})
    span = chosen_span(stored_span(store, settings.MARKET, plan), start_ms, end_ms)
    preparation = Preparation(settings, store, plan, span)
    bases = preparation.bases(report)
    if not any(map(len, bases)):
        raise ConfigError(_no_candles(store, settings, plan, span))
    opinions = preparation.opinions(report)
    funding = _funding(store, settings, plan, span)
    grids, fallbacks = instruments(store, settings, list(plan.exits))
    recorder, refused = Recorder(), RefusedSignals()
    audience = Audiences([recorder, Narrator(brief=True), *([refused] if counterfactual else [])])
    logic = TradingLogic(settings, plan.exits, grids, BatchOpinions(opinions, settings.COINS), audience)
    engine = Engine(logic, SimulatedBroker(settings, plan.exits, grids, logic))
    instants = _replay(engine, recorder, replay(bases, span.start, span.end, funding), span, opinions, report)
    tables = {table.symbol: table for table in bases}
    followed = follow_refused(settings, refused.notes, tables, grids, opinions, report) if counterfactual else None
    funnel = _funnel(plan, opinions, logic)
    return RunResult(
        settings=settings,
        overrides=list(overrides),
        streams=plan.streams,
        exit_streams=plan.exits,
        start=span.start,
        end=span.end,
        initial_capital=settings.BACKTEST_INITIAL_CAPITAL,
        final_equity=logic.book.worth(),
        trades=recorder.trades,
        equity=recorder.curve(),
        funnel=funnel,
        dropped=merged_counts((), logic.book.dropped),
        holds=[_hold(table) for table in bases if len(table)],
        notes=[
            *_ending_notes(logic),
            *plan.notes,
            *_span_notes(bases, span),
            *_data_notes(settings, fallbacks, funding, bases),
        ],
        instants=instants,
        candles=sum(sum(rules.values()) for rules in funnel.values()),
        slippage_paid=recorder.slippage,
        turnover=recorder.turnover,
        followed=followed,
        elapsed_s=time.perf_counter() - began,
        stop_moves=recorder.stop_moves,
    )


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody how far the run is."""


def _replay(
    engine: Engine,
    recorder: Recorder,
    instants: Iterable[Instant],
    span: Span,
    opinions: Sequence[StreamOpinions],
    progress: Progress,
) -> int:
    """Take all instants, and close what is open at the last of them; return how many there were."""
    book, step, mark = engine.logic.book, engine.step, recorder.mark
    candles = sum(map(len, opinions))
    mark(span.start, book)
    count = 0
    for count, instant in enumerate(instants, 1):
        step(instant)
        mark(instant.time, book)
        if count % PROGRESS_EVERY == 0:
            progress("trading, candles", _closed(opinions, instant.time), candles)
    engine.finish()
    mark(span.end, book)
    progress("trading, candles", candles, candles)
    return count


def _closed(opinions: Sequence[StreamOpinions], time_ms: int) -> int:
    return sum(int(np.searchsorted(stream.time, time_ms, "right")) for stream in opinions)


def _funnel(
    plan: StreamPlan, opinions: Sequence[StreamOpinions], logic: TradingLogic
) -> dict[tuple[str, Timeframe], dict[str, int]]:
    """Count every candle of every stream under the rule that ended its decision."""
    quiet: dict[str, dict[str, dict[str, int]]] = {}
    for stream in opinions:
        quiet.setdefault(stream.symbol, {})[stream.timeframe] = quiet_counts(stream, logic.settings)
    return merged_counts(plan.streams, quiet, logic.book.funnel)


def stored_span(store: Store, market: str, plan: StreamPlan) -> Span:
    """Return the time over which the coins of a plan have candles of any timeframe that serves their base."""
    firsts, lasts = [], []
    for symbol, base in plan.exits.items():
        for timeframe in store.timeframes(market, symbol):
            manifest = store.manifest(market, symbol, timeframe)
            if timeframe.ms <= base.ms and manifest.first is not None and manifest.last is not None:
                firsts.append(manifest.first)
                lasts.append(manifest.last + timeframe.ms)
    return Span(min(firsts), max(lasts))


def chosen_span(stored: Span, start_ms: int | None, end_ms: int | None) -> Span:
    """Return the time that was asked for, what is stored where nothing was; raise `ConfigError` when it is empty."""
    span = Span(stored.start if start_ms is None else start_ms, stored.end if end_ms is None else end_ms)
    if span.start >= span.end:
        have = f"stored are {day_text(stored.start)} to {day_text(stored.end)}"
        raise ConfigError(f"from {day_text(span.start)} to {day_text(span.end)} there is no time to run over; {have}")
    return span


def _funding(store: Store, settings: Settings, plan: StreamPlan, span: Span) -> dict[str, list[tuple[int, float]]]:
    if settings.MARKET != "futures":
        return {}
    rates = {symbol: store.funding("futures", symbol, span.start + 1, span.end + 1) for symbol in plan.exits}
    return {symbol: rows for symbol, rows in rates.items() if rows}


def _hold(table: CandleTable) -> Hold:
    return Hold(table.symbol, float(table.open[0]), float(table.close[-1]))


def _ending_notes(logic: TradingLogic) -> list[str]:
    book = logic.book
    guards = book.guards
    notes = []
    if guards.drawdown_pause:
        since = day_text(guards.paused_at)
        notes.append(f"the run ended paused: the drawdown stopped entries on {since}, and nobody resumed them")
    if book.pool.free <= 0:
        notes.append("the pool has run out of free capital")
    return notes


def _span_notes(tables: Iterable[CandleTable], span: Span) -> list[str]:
    """Say which coins have candles of a part of the run only: figures by the year are then of that part."""
    notes = []
    for table in tables:
        if not len(table):
            notes.append(f"{table.symbol} has no candles in the run")
            continue
        first, last = int(table.open_time[0]), int(table.open_time[-1]) + table.timeframe.ms
        if first - span.start >= DAY_MS or span.end - last >= DAY_MS:
            notes.append(f"{table.symbol} has candles only from {day_text(first)} to {day_text(last)}")
    return notes


def _data_notes(
    settings: Settings,
    fallbacks: Sequence[str],
    funding: dict[str, list[tuple[int, float]]],
    tables: Iterable[CandleTable],
) -> list[str]:
    notes = []
    if fallbacks:
        notes.append(f"no stored filters for {', '.join(fallbacks)}: DEFAULT_FILTERS stand in (import an exchangeInfo)")
    if settings.MARKET == "futures":
        without = [table.symbol for table in tables if table.symbol not in funding]
        if without:
            notes.append(f"no funding rates for {', '.join(without)}: funding is not in the result")
    return notes


def _no_candles(store: Store, settings: Settings, plan: StreamPlan, span: Span) -> str:
    have = stored_span(store, settings.MARKET, plan)
    return (
        f"there are no candles of {', '.join(plan.exits)} ({settings.MARKET}) from {day_text(span.start)} to "
        f"{day_text(span.end)}; the store has {day_text(have.start)} to {day_text(have.end)}"
    )


def day_text(time_ms: int) -> str:
    """Return a time as a person reads it, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
