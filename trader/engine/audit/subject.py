"""Who is audited: opinions on a table, and a backtest up to an end, of one schedule of strategies."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trader.core.settings import Settings
from trader.engine.audit.decisions import Decision, Decisions
from trader.engine.audit.ground import Ground
from trader.engine.audit.views import Ask, Look, features_and_inputs, opinions_by
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.market.table import CandleTable
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.strategy.schedule import Schedule


class Passed(NamedTuple):
    """What a backtest left, and every decision that it took on a signal."""

    result: RunResult
    decisions: list[Decision]


#: A backtest over the candles of a span that have closed by an end, ms.
Run = Callable[[int], Passed]

#: How far behind a cut features and inputs are compared, candles: they are wide, and the longest of them looks back
#: over 540. Opinions, trades and equity are compared from the beginning.
DEPTH = 2_000


class Subject(NamedTuple):
    """What is audited: who sees something in a table, what is traded on it, and all columns that are compared."""

    ask: Ask
    run: Run
    looks: tuple[Look, ...]


def subject_of(ground: Ground, schedule: Schedule) -> Subject:
    """Return what trades under these settings, by the program's own ways: `stream_opinions` and `run_backtest`."""
    settings = ground.settings

    def ask(table: CandleTable, first_ms: int) -> StreamOpinions:
        return stream_opinions(table, schedule, first_ms, everywhere=True)

    def run(end_ms: int) -> Passed:
        return passed(settings, ground, schedule, end_ms)

    return Subject(ask, run, (Look(features_and_inputs, DEPTH), Look(opinions_by(ask), None)))


def passed(settings: Settings, ground: Ground, schedule: Schedule, end_ms: int) -> Passed:
    """Run a backtest from the beginning of a ground's span to `end_ms`."""
    heard = Decisions()
    result = run_backtest(settings, ground.store, ground.span.start, end_ms, schedule=schedule, listeners=[heard])
    return Passed(result, heard.taken)
