"""The sheet of hedges: the run with them beside the same run without, with the curves of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.chart.legend import Legend

from trader import metrics
from trader.engine.result import RunResult
from trader.reports.hedging import Hedging
from trader.reports.hedging_words import Row, compared, of_hedges, verdict
from trader.reports.sheet import Column, Sheet
from trader.reports.sheet_equity import chart, scale, series
from trader.reports.thin import thin

#: Points of each curve.
MAX_POINTS = 1_000
_COLUMNS = (
    Column("", width=34), Column("with hedges", "money", 16), Column("without", "money", 16),
    Column("difference", "money", 16), Column("what it means", width=70),
)  # fmt: skip
_CURVES = (
    Column("time (UTC)", "time"), Column("equity with", "money", 15), Column("equity without", "money", 16),
    Column("drawdown with", "percent", 16), Column("drawdown without", "percent", 18),
)  # fmt: skip
_WITH, _WITHOUT = "2E6F9E", "B07D1A"


def hedging(workbook: Workbook, found: Hedging, quote: str) -> Sheet:
    """Write the verdict and its figures, and return the sheet: `curves` draws on it."""
    note = "What hedging was worth. Money is in quote currency."
    sheet = Sheet(workbook, "hedging", note, _COLUMNS, frozen=1)
    for line in verdict(found, quote):
        sheet.add_mixed([("text", line)], bold=True)
    if found.hedges.opened:
        for row in (*compared(found), *of_hedges(found)):
            _add(sheet, row)
    return sheet


def _add(sheet: Sheet, row: Row) -> None:
    values = [(row.kind, value) for value in (row.hedged, row.without, row.difference)]
    sheet.add_mixed([("text", row.label), *values, ("text", row.meaning)])


def curves(workbook: Workbook, home: Sheet, result: RunResult, other: RunResult) -> None:
    """Write both runs at the same moments on a sheet of their own, and draw them on `home`, beside the figures."""
    pools = [(run.equity.time, run.equity.equity) for run in (result, other)]
    shown = [time[thin(equity, MAX_POINTS)] for time, equity in pools]
    times = np.unique(np.concatenate([*shown, [result.end]]))  # the last step lasts until the end of the run
    equities = [metrics.values_at(time, equity, times) for time, equity in pools]
    falls = [metrics.values_at(time, metrics.drawdown(equity), times) for time, equity in pools]
    note = "Both pools at the same moments, highs and lows kept. Times are UTC."
    sheet = Sheet(workbook, "hedging curves", note, _CURVES)
    for line in zip(times.tolist(), *(column.tolist() for column in (*equities, *falls)), strict=True):
        sheet.add(line)
    if len(times) > 1:
        _charts(home.sheet, sheet.sheet, equities, result)


def _charts(home: Any, curves: Any, equities: list[metrics.Floats], result: RunResult) -> None:
    points = len(equities[0])
    money = chart("Equity, with hedges and without", f"equity, {result.settings.QUOTE}", "#,##0", result)
    scale(money.y_axis, *equities)
    fall = chart("Drawdown, with hedges and without", "drawdown", "0%", result)
    fall.y_axis.scaling.orientation, fall.y_axis.scaling.min, fall.x_axis.tickLblPos = "maxMin", 0, "high"
    for place, (shade, name) in enumerate(((_WITH, "with hedges"), (_WITHOUT, "without"))):
        money.series.append(series(curves, 2 + place, points, shade, name))
        fall.series.append(series(curves, 4 + place, points, shade, name))
    for each, cell in ((money, "G3"), (fall, "G28")):
        each.legend = Legend(legendPos="b")
        home.add_chart(each, cell)
