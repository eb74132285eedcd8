"""What made trades as large as they are: counted per rule, and shown trade by trade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook

from tests.builders import settings
from tests.reports.conftest import WHEN, Written
from tests.reports.results import empty_run
from trader.core.trade import Factors
from trader.engine.result import RunResult
from trader.reports.sizes import sizes
from trader.reports.terminal import plain_summary
from trader.reports.write import write_reports
from trader.trading.checks import REDUCTIONS

HALVED = Factors(200.0, 1.2, {"risk": 0.5, "position": 0.25}, {"streak": 0.5, "drawdown": 0.5}, 0.0625, 0.9, "position")
WHOLE = Factors(200.0, 1.0, {"risk": 0.5, "position": 0.6, "kelly": 0.4}, {}, 0.4, 0.3, "affordable")


@pytest.fixture(scope="module")
def sized(traded: Written) -> RunResult:
    """The run of the other tests, with factors on its first two trades; the third is a hedge."""
    first, second, third, *rest = traded.result.trades
    replace = msgspec.structs.replace
    trades = [replace(first, factors=HALVED), replace(second, factors=WHOLE), replace(third, hedge=True), *rest]
    return replace(traded.result, trades=trades)


def totals(result: RunResult) -> dict[tuple[str, str], int]:
    return {(step.kind, step.name): step.total for step in sizes(result)}


def test_every_reduction_of_the_core_is_explained() -> None:
    rows = [step for step in sizes(empty_run()) if step.kind == "reduced"]
    assert [step.name for step in rows] == [limit.rule for limit in REDUCTIONS]


def test_every_setting_named_beside_a_size_exists() -> None:
    for step in sizes(empty_run()):
        for text in filter(None, step.setting.split(", ")):
            value: Any = settings()
            for name in text.split(" = ")[0].split("."):
                value = getattr(value, name)


def test_a_trade_counts_under_every_reduction_and_under_one_cap(sized: RunResult) -> None:
    found = totals(sized)
    assert found["reduced", "streak"] == found["reduced", "drawdown"] == 1
    assert found["bound", "position"] == found["bound", "affordable"] == 1
    assert found["bound", "risk"] == found["bound", "kelly"] == found["reduced", "pyramiding"] == 0


def test_counts_stand_under_the_stream_of_the_trade(sized: RunResult) -> None:
    trade = sized.trades[0]
    place = sized.streams.index((trade.symbol, trade.timeframe))
    streak = next(step for step in sizes(sized) if step.name == "streak")
    assert streak.counts[place] == 1


def test_the_reports_show_factors_of_trades_and_their_counts(sized: RunResult, traded: Written, tmp_path: Path) -> None:
    files = write_reports(sized, tmp_path / "out", traded.market.candles, WHEN)
    book = load_workbook(files.workbook)
    heads, *rows = list(book["trades"].iter_rows(min_row=2, values_only=True))
    by_id = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    halved, whole, hedge = (by_id[trade.id] for trade in sized.trades[:3])
    assert (halved["risk"], halved["confidence"], halved["cap by risk"]) == (200.0, 1.2, 0.5)
    assert (halved["cap by position"], halved["cap by Kelly"], halved["wanted"]) == (0.25, None, 0.0625)
    assert (halved["reductions"], halved["bound by"]) == ("streak 0.5 × drawdown 0.5", "position")
    assert (whole["cap by Kelly"], whole["affordable"], whole["bound by"]) == (0.4, 0.3, "affordable")
    assert not whole["reductions"]
    assert not any(hedge[head] for head in heads[heads.index("risk") :])
    funnel = {row[0].strip(): row for row in book["funnel"].iter_rows(min_row=3, values_only=True)}
    assert funnel["smaller by streak"][3] == funnel["size bound by position"][3] == 1
    counts = json.loads(files.metrics.read_text())["sizes"]["total"]
    assert (counts["reduced_streak"], counts["bound_affordable"], counts["bound_risk"]) == (1, 1, 0)
    assert "smaller by streak" in files.page.read_text()
    assert "size bound by position" in plain_summary(sized, files)
