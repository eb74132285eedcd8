"""Writes all files of a run: the log and the figures first, then what is made for eyes."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import msgspec

from trader.engine.result import RunResult
from trader.reports.digest import Digest
from trader.reports.drawing import Candles
from trader.reports.files import stamp, whole, write_text
from trader.reports.metrics_json import metrics_json
from trader.reports.page import page
from trader.reports.trades_log import trades_log
from trader.reports.workbook import write_workbook


class ReportFiles(msgspec.Struct, frozen=True):
    """Where the files of a run are, and how long writing them took."""

    directory: Path
    trades_log: Path
    metrics: Path
    workbook: Path
    page: Path
    elapsed_s: float


def write_reports(result: RunResult, out: Path, candles: Candles, when: datetime) -> ReportFiles:
    """Write the reports of a run into `out`, which is created; each file is whole or not there.

    `candles` gives the candles that are drawn, `when` (with a time zone) names the workbook and dates the page.
    `trades_log.csv` and `metrics.json` are the same bytes for the same run.
    """
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    digest = Digest.of(result)
    log, figures, html = out / "trades_log.csv", out / "metrics.json", out / "report.html"
    workbook = out / f"backtest_report_{stamp(when)}.xlsx"
    write_text(log, trades_log(result))
    write_text(figures, metrics_json(digest))
    with whole(workbook) as draft:
        write_workbook(digest, draft)
    write_text(html, page(digest, candles, when))
    return ReportFiles(out, log, figures, workbook, html, time.perf_counter() - began)
