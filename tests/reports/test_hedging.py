"""What hedging was worth stands first in every report, and adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook

from tests.builders import START_MS, settings
from tests.reports.conftest import WHEN
from tests.reports.results import COINS, M5, Market, a_run, empty_run
from trader.core.timeframe import HOUR_MS
from trader.engine.result import RunResult
from trader.reports.digest import Digest
from trader.reports.headline import first_lines, headline
from trader.reports.hedging import Hedges, Hedging, Side, hedging
from trader.reports.hedging_words import compared, of_hedges, verdict
from trader.reports.metrics_json import metrics_json
from trader.reports.terminal import plain_summary
from trader.reports.write import ReportFiles, write_reports
from trader.trading.notes import GuardChanged

REPLACE = msgspec.structs.replace
ON = settings(MARKET="futures", TIMEFRAMES=["5min", "30min"], HEDGING={"enable": True})
PAUSED = GuardChanged(START_MS + HOUR_MS, "drawdown", True, "")
STREAM = (COINS[0], M5)


def hedged_run() -> tuple[RunResult, Market]:
    """Return a run of which every fifth trade is a hedge, with another run to compare it with."""
    result, market = a_run(100, days=60)
    trades = [REPLACE(trade, hedge=True, pattern="", strategy="hedge") if trade.id % 5 == 0 else trade
              for trade in result.trades]  # fmt: skip
    funnel = {**result.funnel, STREAM: {**result.funnel[STREAM], "insufficient_capital": 7}}
    other, _ = a_run(90, days=60, seed=0, settings=ON, dropped={STREAM: {"insufficient_capital": 2}})
    changes = {"trades": trades, "funnel": funnel, "hedge_slippage": 12.5, "guards": [PAUSED], "unhedged": other}
    return REPLACE(result, settings=ON, **changes), market


@pytest.fixture(scope="module")
def run() -> tuple[RunResult, Market]:
    return hedged_run()


@pytest.fixture(scope="module")
def files(run: tuple[RunResult, Market], tmp_path_factory: Any) -> ReportFiles:
    return write_reports(run[0], tmp_path_factory.mktemp("hedged") / "out", run[1].candles, WHEN)


def found(result: RunResult) -> Hedging:
    known = hedging(result)
    assert known is not None
    return known


# --- what is computed -----------------------------------------------------------------------------------------


def test_where_nothing_is_hedged_nothing_is_said() -> None:
    assert hedging(empty_run()) is None
    assert len(first_lines(Digest.of(empty_run()))) == 1


def test_the_hedges_own_result_adds_up(run: tuple[RunResult, Market]) -> None:
    own = found(run[0]).hedges
    hedges = [trade for trade in run[0].trades if trade.hedge]
    assert own.opened == len(hedges) > 10
    assert own.won == sum(trade.net > 0 for trade in hedges)
    assert own.net == pytest.approx(sum(trade.net for trade in hedges))
    assert own.net == pytest.approx(own.gross - own.fees - own.funding - own.slippage)
    assert own.slippage == 12.5


def test_the_reserve_counts_each_hour_it_was_tied_up() -> None:
    result, _ = hedged_run()
    first = next(trade for trade in result.trades if trade.hedge and len(trade.parts) == 1)
    part = REPLACE(first.parts[0], time=first.entry_time + 3 * HOUR_MS, quantity=first.quantity)
    one = REPLACE(first, leverage=4.0, parts=[part])
    own = found(REPLACE(result, trades=[one])).hedges
    assert own.reserve_hours == pytest.approx(first.quantity * first.entry_price / 4 * 3)
    assert own.reserved == pytest.approx(own.reserve_hours * HOUR_MS / (result.end - result.start))


def test_both_sides_are_the_figures_of_their_runs(run: tuple[RunResult, Market]) -> None:
    known, result = found(run[0]), run[0]
    assert result.unhedged is not None
    assert known.without is not None
    for side, of in ((known.hedged, result), (known.without, result.unhedged)):
        values = Digest.of(of).values
        assert side.net_profit == values["net_profit"]
        assert side.change == values["return"]
        assert side.max_drawdown == values["max_drawdown"]
        assert side.sharpe == values["sharpe"]
    assert known.hedged.trades + known.hedges.opened == len(result.trades)
    assert known.hedged.own_net + known.hedges.net == pytest.approx(sum(trade.net for trade in result.trades))


def test_entries_lost_count_refusals_and_entries_that_could_not_be_paid(run: tuple[RunResult, Market]) -> None:
    rows = {row.key: row for row in compared(found(run[0]))}
    lost = rows["lost_insufficient_capital"]
    assert (lost.hedged, lost.without, lost.difference) == (7, 2, 5)
    assert rows["lost_max_trades"].hedged == sum(rules["max_trades"] for rules in run[0].funnel.values())


def test_trades_at_the_same_signal_are_shared(run: tuple[RunResult, Market]) -> None:
    same = found(REPLACE(run[0], unhedged=run[0]))
    assert same.shared == same.hedged.trades
    assert all(row.difference == 0 for row in compared(same) if row.hedged is not None)


# --- in words -------------------------------------------------------------------------------------------------

SIDE = Side(0.0, 0.0, 0.2, 1.0, 10, 5, 0.0, 0, {}, None)
OWN = Hedges(3, 1, -300.0, 60.0, 2.0, 50.0, -412.0, 1_000.0, 10.0)


def said(hedged: Side, without: Side | None, own: Hedges = OWN, why: str = "") -> list[str]:
    return verdict(Hedging(why, own, hedged, without, 0, 10_000.0), "USDT")


def side(net: float, depth: float, **changes: Any) -> Side:
    return REPLACE(SIDE, net_profit=net, max_drawdown=depth, **changes)


def test_cost_and_drawdown_are_one_sentence() -> None:
    first, second = said(side(-912, 0.179), side(-500, 0.213))
    assert first == (
        "Hedging cost 412.00 USDT (4.12 % of capital) and lowered the deepest drawdown from 21.30 % to 17.90 %."
    )
    assert second.startswith("The 3 hedges lost 412.00 USDT after costs, with 1,000.00 USDT-hours of reserve; ")


@pytest.mark.parametrize(
    ("hedged", "without", "words"),
    [
        (side(100, 0.1), side(0, 0.2), "earned 100.00 USDT (1.00 % of capital) and lowered the deepest"),
        (side(100, 0.2), side(0, 0.1), "earned 100.00 USDT (1.00 % of capital) but deepened the deepest"),
        (side(-100, 0.2), side(0, 0.1), "cost 100.00 USDT (1.00 % of capital) and deepened the deepest"),
        (side(-100, 0.2), side(0, 0.200001), "cost 100.00 USDT (1.00 % of capital) and left the deepest drawdown at"),
    ],
)  # fmt: skip
def test_each_outcome_has_its_words(hedged: Side, without: Side, words: str) -> None:
    assert words in said(hedged, without)[0]


def test_what_other_trades_made_is_said_apart() -> None:
    assert "all other trades made 88.00 USDT more than without" in said(
        side(-324, 0.1, own_net=88.0), side(0, 0.1, own_net=0.0)
    )[1]  # fmt: skip


def test_pauses_that_differ_are_said() -> None:
    lines = said(side(0, 0.2, paused_at=START_MS), side(0, 0.1))
    assert lines[-1].startswith("The drawdown first paused entries on 2025-01-01 00:00 with hedges, never without:")
    assert len(said(side(0, 0.2, paused_at=START_MS), side(0, 0.1, paused_at=START_MS))) == 2


def test_without_a_hedge_the_reason_stands_alone() -> None:
    none = Hedges(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    reason = "the drawdown never reached a threshold"
    assert said(SIDE, None, none, reason) == [f"No hedge was opened: {reason}."]


def test_a_run_that_was_not_compared_says_what_its_hedges_did() -> None:
    (line,) = said(SIDE, None, REPLACE(OWN, opened=1, net=5.0))
    assert line.startswith("The only hedge made 5.00 USDT after costs")
    assert line.endswith("the same run without them was not made.")


# --- where a person looks -------------------------------------------------------------------------------------


def test_every_report_begins_with_it(run: tuple[RunResult, Market], files: ReportFiles) -> None:
    lines = verdict(found(run[0]), "USDT")
    assert len(lines) == 3
    digest = Digest.of(run[0])
    assert headline(digest)[1:4] == lines
    assert plain_summary(run[0], files, width=400).splitlines()[1:4] == lines
    summary = list(load_workbook(files.workbook)["summary"].iter_rows(min_row=3, values_only=True))
    assert [row[0] for row in summary[1:4]] == lines
    page = files.page.read_text()
    assert all(f'<p class="verdict">{line}</p>' in page for line in lines)
    assert json.loads(files.metrics.read_text())["hedging"]["verdict"] == " ".join(lines)


def test_the_terminal_shows_both_runs_side_by_side(run: tuple[RunResult, Market], files: ReportFiles) -> None:
    text = plain_summary(run[0], files, width=80)
    table = text[text.index("hedging compared") : text.index("Why was it (not) traded?")]
    assert "deepest drawdown" in table
    assert "entries lost to insufficient_capital" in table
    assert "entries lost to portfolio_risk" not in table
    assert max(map(len, table.splitlines())) <= 80


def test_the_workbook_has_the_figures_and_both_curves(run: tuple[RunResult, Market], files: ReportFiles) -> None:
    book = load_workbook(files.workbook)
    assert book.sheetnames[:2] == ["summary", "hedging"]
    assert book.sheetnames[-2:] == ["hedging curves", "settings"]
    rows = {row[0]: row for row in book["hedging"].iter_rows(min_row=3, values_only=True)}
    assert rows["net profit"][1] == pytest.approx(run[0].final_equity - run[0].initial_capital)
    assert rows["hedges"][1] == sum(trade.hedge for trade in run[0].trades)
    assert len(book["hedging"]._charts) == 2
    _, *curves = list(book["hedging curves"].iter_rows(min_row=2, values_only=True))
    assert curves[0][1] == curves[0][2] == run[0].initial_capital
    assert run[0].unhedged is not None
    assert min(row[2] for row in curves) == pytest.approx(run[0].unhedged.equity.equity.min())
    assert curves[-1][1] == pytest.approx(run[0].final_equity)


def test_the_page_draws_both_curves(run: tuple[RunResult, Market], files: ReportFiles) -> None:
    page = files.page.read_text()
    assert '<div id="hedging" class="chart tall">' in page
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert run[0].unhedged is not None
    assert data["unhedged"]["equity"][-1] == pytest.approx(run[0].unhedged.final_equity)
    assert {trade["title"].split()[4] for trade in data["trades"]} >= {"hedge"}
    hedge = next(trade for trade in data["trades"] if " hedge " in trade["title"])
    assert not {"probability, strength", "stop, take profit"} & {name for name, _ in hedge["facts"]}


def test_machines_read_the_same_figures(run: tuple[RunResult, Market], files: ReportFiles) -> None:
    document = json.loads(files.metrics.read_text())["hedging"]
    rows = {row.key: row for row in compared(found(run[0]))}
    assert {key for key in document["runs"] if key != "shared_trades"} == set(rows)
    assert document["runs"]["sharpe"]["without"] == rows["sharpe"].without
    assert document["net"] == next(row.hedged for row in of_hedges(found(run[0])) if row.key == "net")
    assert document["why_none"] is None


def test_a_run_in_which_nothing_was_hedged_has_the_reason_in_its_files() -> None:
    result = empty_run(settings=ON, no_hedge="no trade was open while the pool was in drawdown")
    document = json.loads(metrics_json(Digest.of(result)))["hedging"]
    assert document["runs"] is None
    assert document["opened"] == 0
    assert document["why_none"] == "no trade was open while the pool was in drawdown"
    assert document["verdict"].startswith("No hedge was opened: no trade was open")


def test_hedges_are_a_group_of_their_own_and_said_beside_the_trades(run: tuple[RunResult, Market]) -> None:
    digest = Digest.of(run[0])
    hedges = sum(trade.hedge for trade in run[0].trades)
    assert any(f"trades ({hedges} of them hedges), " in line for line in headline(digest))
    groups = json.loads(metrics_json(digest))["by_pattern"]
    assert groups["hedge"]["trades"] == hedges
    assert sum(group["net_pnl"] for group in groups.values()) == pytest.approx(digest.values["net_profit"], abs=1e-6)


def test_the_sheet_of_a_run_that_was_not_compared_has_no_curves(run: tuple[RunResult, Market], tmp_path: Path) -> None:
    files = write_reports(REPLACE(run[0], unhedged=None), tmp_path / "out", run[1].candles, WHEN)
    assert "hedging curves" not in load_workbook(files.workbook).sheetnames
    assert '<div id="hedging"' not in files.page.read_text()
