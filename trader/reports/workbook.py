"""`backtest_report_<time>.xlsx`: the run as a workbook, written row by row."""

from __future__ import annotations

from pathlib import Path

from openpyxl import Workbook

from trader.reports import book, sheet_equity, sheet_hedging, sheet_rules, sheet_summary, sheet_trades
from trader.reports.digest import Digest


def write_workbook(digest: Digest, path: Path) -> None:
    """Write the workbook to `path`; times in it are UTC."""
    result = digest.result
    workbook = Workbook(write_only=True)
    sheet_summary.summary(workbook, digest)
    hedging = digest.hedging
    home = sheet_hedging.hedging(workbook, hedging, result.settings.QUOTE) if hedging is not None else None
    sheet_trades.trades(workbook, result)
    sheet_trades.parts(workbook, result)
    sheet_trades.groups(workbook, "by coin", "Trades of each coin of the run.", book.by_coin(result))
    sheet_trades.groups(workbook, "by timeframe", "Trades of each timeframe of the run.", book.by_timeframe(result))
    sheet_trades.groups(workbook, "by pattern", "Trades of each pattern that was traded.", book.by_pattern(result))
    sheet_trades.by_month(workbook, result)
    sheet_trades.by_exit_reason(workbook, result)
    sheet_summary.funnel(workbook, digest)
    if digest.consequences is not None:
        sheet_rules.rules(workbook, digest.consequences)
    sheet_equity.equity(workbook, result)
    sheet_equity.drawdowns(workbook, result)
    if home is not None and result.unhedged is not None:
        sheet_hedging.curves(workbook, home, result, result.unhedged)
    sheet_summary.settings(workbook, result)
    workbook.save(path)
