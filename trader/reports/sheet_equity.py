"""The sheets of the pool over time: equity with its chart, and drawdowns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.chart import Reference, ScatterChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.series_factory import SeriesFactory
from openpyxl.chart.shapes import GraphicalProperties

from trader import metrics
from trader.core.timeframe import DAY_MS
from trader.engine.result import RunResult
from trader.reports.sheet import EPOCH_DAY, Column, Sheet
from trader.reports.thin import thin

#: Rows of the sheet, which are the points of its charts: more can be neither drawn nor read.
MAX_ROWS = 1_000
MAX_DRAWDOWNS = 500

_EQUITY = (
    Column("time (UTC)", "time"), Column("equity", "money"), Column("free", "money"), Column("reserved", "money"),
    Column("drawdown", "percent"),
)  # fmt: skip
_EQUITY_PLACE, _DRAWDOWN_PLACE = 2, 5
_DRAWDOWNS = (
    Column("peak (UTC)", "time"), Column("trough (UTC)", "time"), Column("recovered or end (UTC)", "time", 24),
    Column("depth", "percent"), Column("days", "ratio"), Column("recovered", width=12),
)  # fmt: skip


def equity(workbook: Workbook, result: RunResult) -> None:
    """Write the equity curve, thinned with its highs and lows kept, and its charts."""
    curve = result.equity
    rows = thin(curve.equity, MAX_ROWS)
    cut = f"{len(rows):,} of {len(curve.time):,} rows, highs and lows kept. " if len(rows) < len(curve.time) else ""
    note = f"The pool after each instant that changed it. {cut}Times are UTC."
    sheet = Sheet(workbook, "equity", note, _EQUITY)
    columns = (curve.time, curve.equity, curve.free, curve.reserved, metrics.drawdown(curve.equity))
    for row in zip(*(column[rows].tolist() for column in columns), strict=True):
        sheet.add(row)
    if len(rows) > 1:
        _charts(sheet.sheet, len(rows), result)


def _charts(sheet: Any, points: int, result: RunResult) -> None:
    money = chart("Equity after costs", f"equity, {result.settings.QUOTE}", "#,##0", result)
    scale(money.y_axis, result.equity.equity)
    money.series.append(series(sheet, _EQUITY_PLACE, points, "2E6F9E", "equity"))
    sheet.add_chart(money, "G3")
    fall = chart("Drawdown from the peak", "drawdown", "0%", result)
    fall.y_axis.scaling.orientation = "maxMin"
    fall.y_axis.scaling.min = 0
    fall.x_axis.tickLblPos = "high"
    fall.series.append(series(sheet, _DRAWDOWN_PLACE, points, "B5483A", "drawdown"))
    sheet.add_chart(fall, "G28")


def chart(title: str, label: str, form: str, result: RunResult) -> ScatterChart:
    """Return an empty chart over the time of the run; `form` is how its values are written."""
    chart = ScatterChart()
    chart.title, chart.style, chart.height, chart.width = title, 2, 11, 28
    chart.scatterStyle, chart.legend = "lineMarker", None
    chart.x_axis.number_format, chart.x_axis.title = "yyyy-mm-dd", "UTC"
    chart.x_axis.scaling.min = result.start / DAY_MS + EPOCH_DAY
    chart.x_axis.scaling.max = result.end / DAY_MS + EPOCH_DAY
    chart.y_axis.number_format, chart.y_axis.title = form, label
    for axis in (chart.x_axis, chart.y_axis):
        axis.delete = False  # openpyxl writes no value here, and Excel then hides the axis
        axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=_line("DDDDDD", 6_350)))
    return chart


def scale(axis: Any, *pools: metrics.Floats) -> None:
    """Let an axis begin at a round number below all pools, not at 0: their moves fill the picture."""
    low, high = (float(pick([pick(pool) for pool in pools])) for pick in (np.min, np.max))
    if high > low:
        step = 10.0 ** math.floor(math.log10(high - low))
        axis.scaling.min, axis.scaling.max = math.floor(low / step) * step, math.ceil(high / step) * step


def series(sheet: Any, column: int, points: int, color: str, title: str) -> Any:
    """Return the line of a column over the times in the first."""
    times = Reference(sheet, min_col=1, min_row=3, max_row=points + 2)
    values = Reference(sheet, min_col=column, min_row=3, max_row=points + 2)
    series = SeriesFactory(values, times, title=title)
    series.marker.symbol, series.smooth = "none", False
    series.graphicalProperties = GraphicalProperties(ln=_line(color, 15_875))
    return series


def _line(color: str, width: int) -> Any:
    properties = GraphicalProperties()
    properties.line.solidFill, properties.line.width = color, width
    return properties.line


def drawdowns(workbook: Workbook, result: RunResult) -> None:
    """Write the deepest drawdowns, the deepest first."""
    found = metrics.drawdowns(result.equity.time, result.equity.equity, result.end)
    order = np.argsort(-found.depth, kind="stable")[:MAX_DRAWDOWNS]
    shown = f"The deepest {len(order):,} of {len(found):,} falls" if len(found) > len(order) else "Falls"
    note = f"{shown} of equity from a peak until it was reached again. Times are UTC."
    sheet = Sheet(workbook, "drawdowns", note, _DRAWDOWNS)
    for row in order:
        recovered = "yes" if found.recovered[row] else "not yet"
        times = [int(column[row]) for column in (found.peak_time, found.trough_time, found.end_time)]
        sheet.add((*times, float(found.depth[row]), (times[2] - times[0]) / DAY_MS, recovered))
    sheet.filter()
