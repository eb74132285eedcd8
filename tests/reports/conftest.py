"""A run with trades and one without, each written once for all tests that only read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.reports.results import Market, a_run, empty_run
from trader.engine.result import RunResult
from trader.reports.write import ReportFiles, write_reports

WHEN = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)
NOTES = ["The run ended paused: <b>drawdown</b> & 21 %.", "=1+1 is no formula."]


class Written(msgspec.Struct, frozen=True, eq=False):
    """A run, its market and its files."""

    result: RunResult
    market: Market
    files: ReportFiles


@pytest.fixture(scope="session")
def traded(tmp_path_factory: Any) -> Written:
    """A year with 300 trades."""
    result, market = a_run(300, notes=NOTES)
    out = tmp_path_factory.mktemp("traded") / "out"
    return Written(result, market, write_reports(result, out, market.candles, WHEN))


@pytest.fixture(scope="session")
def untraded(tmp_path_factory: Any) -> Written:
    """Two days without a trade."""
    result, market = empty_run(), Market(2)
    out = tmp_path_factory.mktemp("untraded") / "out"
    return Written(result, market, write_reports(result, out, market.candles, WHEN))
