"""The program over history: prepare data and opinions side by side, then one pass through the engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import msgspec

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.model_notes import model_notes
from trader.engine.narrator import Narrator
from trader.engine.opinions import merged_counts
from trader.engine.passage import Funding, Passage, Prepared, funnel_of, pass_through
from trader.engine.prepare import Preparation, Progress, Span
from trader.engine.result import Hold, RunResult
from trader.engine.run_notes import data_notes, day_text, ending_notes, span_notes
from trader.engine.shadow import RefusedSignals, follow_refused
from trader.engine.streams import StreamPlan, plan_streams
from trader.market.history import finest_stored
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.strategy.registry import schedule_of
from trader.strategy.schedule import Schedule
from trader.trading.notes import Audience

#: The passes, for who watches how far a run is.
TRADING, WITHOUT_HEDGES = "trading, candles", "trading without hedges, candles"

log = logging.getLogger(__name__)


def run_backtest(
    settings: Settings,
    store: Store,
    start_ms: int | None = None,
    end_ms: int | None = None,
    overrides: Sequence[tuple[str, str, str]] = (),
    progress: Progress | None = None,
    counterfactual: bool = False,
    compare_hedging: bool = False,
    schedule: Schedule | None = None,
    listeners: Sequence[Audience] = (),
) -> RunResult:
    """Run the settings' coins and timeframes over the stored candles from `start_ms` to `end_ms`.

    None is as far as anything is stored. The result does not depend on the number of workers.
    `counterfactual`: follow the signals that a rule refused behind check 6 as shadow trades, after the run.
    `compare_hedging`: where hedges were opened, pass through the same history again without them.
    `schedule`: who is asked from when on; None: whom the settings name. `listeners` hear the notes of the run, too.
    Raise `ConfigError` when there is no data to run on, `ModelError` when there is no model that can be asked.
    """
    began = time.perf_counter()
    report = progress or _silent
    prepared, fallbacks = _prepare(settings, store, start_ms, end_ms, schedule, report)
    refused = RefusedSignals()
    audiences: list[Audience] = [Narrator(brief=True), *([refused] if counterfactual else []), *listeners]
    passage = pass_through(prepared, settings, audiences, report, TRADING)
    result = _result(prepared, settings, passage, fallbacks)
    notes = [] if schedule is not None else model_notes(settings, prepared.span)
    result = msgspec.structs.replace(result, overrides=list(overrides), notes=[*notes, *result.notes])
    if counterfactual:
        tables = {table.symbol: table for table in prepared.bases}
        followed = follow_refused(settings, refused.notes, tables, prepared.grids, prepared.opinions, report)
        result = msgspec.structs.replace(result, followed=followed)
    if compare_hedging and any(trade.hedge for trade in result.trades):
        unhedged = _without_hedges(prepared, settings, fallbacks, report)
        result = msgspec.structs.replace(result, unhedged=unhedged)
    return msgspec.structs.replace(result, elapsed_s=time.perf_counter() - began)


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody how far the run is."""


def _prepare(
    settings: Settings,
    store: Store,
    start_ms: int | None,
    end_ms: int | None,
    wanted: Schedule | None,
    report: Progress,
) -> tuple[Prepared, list[str]]:
    """Return what a pass needs, and the coins without stored filters."""
    plan = plan_streams(settings, {symbol: finest_stored(store, settings.MARKET, symbol) for symbol in settings.COINS})
    span = chosen_span(stored_span(store, settings.MARKET, plan), start_ms, end_ms)
    schedule = wanted or schedule_of(settings)
    # Shadow trades, too, end where their stream turns: what it shows must be known wherever one may be open.
    preparation = Preparation(settings, store, plan, span, schedule, everywhere=settings.REVERSAL.enable)
    bases = preparation.bases(report)
    if not any(map(len, bases)):
        raise ConfigError(_no_candles(store, settings, plan, span))
    opinions = preparation.opinions(report)
    grids, fallbacks = instruments(store, settings, list(plan.exits))
    funding, hours = _funding(store, settings, plan, span), preparation.hours(report)
    return Prepared(plan, span, bases, opinions, schedule, funding, grids, hours), list(fallbacks)


def _without_hedges(prepared: Prepared, settings: Settings, fallbacks: Sequence[str], report: Progress) -> RunResult:
    """Pass through the same history with all settings but the hedges; nobody is told what it trades."""
    log.info("the same run again, without hedges")
    began = time.perf_counter()
    # Not validated: DATA_SOURCE=backtest_hedging insists on hedges, and this is the run that it is compared with.
    without = settings.model_copy(update={"HEDGING": settings.HEDGING.model_copy(update={"enable": False})})
    passage = pass_through(prepared, without, [], report, WITHOUT_HEDGES)
    result = _result(prepared, without, passage, fallbacks)
    return msgspec.structs.replace(result, elapsed_s=time.perf_counter() - began)


def _result(prepared: Prepared, settings: Settings, passage: Passage, fallbacks: Sequence[str]) -> RunResult:
    plan, span, bases = prepared.plan, prepared.span, prepared.bases
    book, recorder, watch = passage.logic.book, passage.recorder, passage.watch
    funnel = funnel_of(prepared, passage)
    return RunResult(
        settings=settings,
        overrides=[],
        streams=plan.streams,
        exit_streams=plan.exits,
        start=span.start,
        end=span.end,
        initial_capital=settings.BACKTEST_INITIAL_CAPITAL,
        final_equity=book.worth(),
        trades=recorder.trades,
        equity=recorder.curve(),
        funnel=funnel,
        dropped=merged_counts((), book.dropped),
        holds=[_hold(table) for table in bases if len(table)],
        notes=[
            *ending_notes(book),
            *plan.notes,
            *span_notes(bases, span),
            *data_notes(settings, fallbacks, prepared.funding, bases),
        ],
        instants=passage.instants,
        candles=sum(sum(rules.values()) for rules in funnel.values()),
        slippage_paid=recorder.slippage,
        turnover=recorder.turnover,
        elapsed_s=0.0,
        stop_moves=recorder.stop_moves,
        stops_raised=recorder.stops_raised,
        guards=recorder.guards,
        undefined_correlations=dict(book.undefined_correlations),
        hedge_slippage=recorder.hedge_slippage,
        bases={table.symbol: table for table in bases},
        no_hedge="" if watch is None or any(trade.hedge for trade in recorder.trades) else watch.reason(),
    )


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


def _funding(store: Store, settings: Settings, plan: StreamPlan, span: Span) -> Funding:
    if settings.MARKET != "futures":
        return {}
    rates = {symbol: store.funding("futures", symbol, span.start + 1, span.end + 1) for symbol in plan.exits}
    return {symbol: rows for symbol, rows in rates.items() if rows}


def _hold(table: CandleTable) -> Hold:
    return Hold(table.symbol, float(table.open[0]), float(table.close[-1]))


def _no_candles(store: Store, settings: Settings, plan: StreamPlan, span: Span) -> str:
    have = stored_span(store, settings.MARKET, plan)
    return (
        f"there are no candles of {', '.join(plan.exits)} ({settings.MARKET}) from {day_text(span.start)} to "
        f"{day_text(span.end)}; the store has {day_text(have.start)} to {day_text(have.end)}"
    )
