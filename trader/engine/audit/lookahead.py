"""Does anything look ahead? History is cut at many moments, and every earlier decision must be the same.

What is worked out of all candles is compared with what is worked out of those alone that had closed by the cut:
features, inputs and opinions of every candle before it; decisions, trades, exits and equity of a backtest that ends
there. A program that knows nothing of later candles gives the same bits; the first bits that differ are named.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from trader.engine.audit.cuts import Cut, choose_cuts, trade_times
from trader.engine.audit.decisions import compare_decisions
from trader.engine.audit.events import compare_runs
from trader.engine.audit.findings import Difference, Findings
from trader.engine.audit.ground import Ground, Stream, words
from trader.engine.audit.subject import Subject
from trader.engine.audit.views import Columns, Flags, Look
from trader.engine.prepare import Progress, Span
from trader.engine.result import RunResult
from trader.market.table import CandleTable

#: The passes, for who watches how far an audit is.
TRADING, LOOKING = "backtests up to the cuts", "features and opinions up to the cuts"


class LookaheadAudit(msgspec.Struct, frozen=True, eq=False):
    """What was cut, what was compared, and what differs. `leaks` tells whether anything does."""

    ground: Ground
    cuts: list[Cut]
    findings: Findings

    @property
    def leaks(self) -> bool:
        """Whether a later candle changes what was decided before."""
        return self.findings.differing > 0

    @property
    def verdict(self) -> str:
        """The result in a line."""
        found, cuts = self.findings, len(self.cuts)
        if not self.leaks:
            return f"no look-ahead: {found.values:,} values before {cuts} cuts are the same, bit for bit"
        first = found.firsts()
        named = ", ".join(dict.fromkeys(f"{each.group}.{each.column}" for each in first[:3]))
        more = f" and {len(first) - 3} more columns" if len(first) > 3 else ""
        return f"LOOK-AHEAD: later candles change {found.differing:,} of {found.values:,} values: {named}{more}"


def audit_lookahead(ground: Ground, subject: Subject, cuts: int, seed: int, progress: Progress) -> LookaheadAudit:
    """Cut history `cuts` times and compare what `subject` makes of it; equal arguments give equal audits."""
    progress(TRADING, 0, cuts)
    whole, grid = subject.run(ground.span.end), ground.grid_ms
    signals, trades = _signal_times(ground, subject), trade_times(whole.result, grid)
    chosen = choose_cuts(_filled(whole.result), grid, cuts, signals, trades, seed)
    findings = Findings()
    for number, cut in enumerate(chosen):
        progress(TRADING, number, len(chosen))
        short = subject.run(cut.time)
        compare_decisions(whole.decisions, short.decisions, cut.time, findings)
        compare_runs(whole.result, short.result, cut.time, findings)
    progress(TRADING, len(chosen), len(chosen))
    _compare_looks(ground, subject.looks, chosen, findings, progress)
    return LookaheadAudit(ground, chosen, findings)


def _filled(result: RunResult) -> Span:
    """Return the time of a run in which there are candles: before the first nothing can be run on."""
    tables = [table for table in result.bases.values() if len(table)]
    first = min(int(table.open_time[0]) + table.timeframe.ms for table in tables)
    return Span(max(first, result.start), min(max(int(table.open_time[-1]) for table in tables), result.end))


def _signal_times(ground: Ground, subject: Subject) -> list[int]:
    times: list[int] = []
    for stream in ground.plan.streams:
        seen = subject.ask(_whole(ground, stream), ground.span.start)
        times += seen.time[seen.pattern >= 0].tolist()
    return times


def _whole(ground: Ground, stream: Stream) -> CandleTable:
    return ground.table(stream, ground.span.end, ground.settings.PRELOAD_CANDLES)


def _compare_looks(
    ground: Ground, looks: Sequence[Look], cuts: Sequence[Cut], findings: Findings, progress: Progress
) -> None:
    before, total = ground.settings.PRELOAD_CANDLES, len(ground.plan.streams) * len(cuts)
    done = 0
    progress(LOOKING, done, total)
    for stream in ground.plan.streams:
        table = _whole(ground, stream)
        wholes = [look.view(table, _before_cuts(table, ground, look, cuts)) for look in looks]
        for cut in cuts:
            short = ground.table(stream, cut.time, before)
            for look, whole in zip(looks, wholes, strict=True):
                _compare(stream, whole, look.view(short, _before(short, ground, look, cut)), cut.time, findings)
            done += 1
            progress(LOOKING, done, total)


def _before_cuts(table: CandleTable, ground: Ground, look: Look, cuts: Sequence[Cut]) -> Flags:
    """Tell which candles lie before any of the cuts, as far back as a look is compared."""
    wanted = np.zeros(len(table), np.bool_)
    for cut in cuts:
        wanted |= _before(table, ground, look, cut)
    return wanted


def _before(table: CandleTable, ground: Ground, look: Look, cut: Cut) -> Flags:
    """Tell which candles close in the span, by the cut, and not longer before it than a look is compared."""
    closes = table.open_time + table.timeframe.ms
    first = ground.span.start
    if look.depth is not None:
        first = max(first, cut.time - look.depth * table.timeframe.ms)
    wanted: Flags = (closes > first) & (closes <= cut.time)
    return wanted


def _compare(stream: Stream, whole: Columns, short: Columns, cut_ms: int, findings: Findings) -> None:
    """Compare the columns of a table that ends at the cut with those of the same candles in the whole one."""
    if not len(short.time):
        return
    first, last = np.searchsorted(whole.time, (short.time[0], cut_ms + 1))
    times, name = whole.time[first:last], words(stream)
    if not np.array_equal(times, short.time):
        apart = np.setxor1d(times, short.time)
        there, gone = ("a candle" if apart[0] in each else "no candle" for each in (times, short.time))
        findings.differ(Difference("candles", "there", name, int(apart[0]), there, gone, cut_ms), 1, len(apart))
    _, ours, theirs = np.intersect1d(times, short.time, assume_unique=True, return_indices=True)
    for column, values in short.values.items():
        group, _, own = column.partition(".")
        one, other = whole.values[column][first:last][ours], values[theirs]
        findings.compare((group, own, name), times[ours], one, other, cut_ms)
