"""The workbook, read back."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from tests.builders import START_MS
from tests.reports.conftest import NOTES, Written
from trader.reports import sheet_equity
from trader.reports.figures import FIGURES
from trader.reports.sheet import Column, Sheet

SHEETS = (
    "summary, trades, parts, by coin, by timeframe, by pattern, by month, by exit reason, funnel, equity, drawdowns, "
    "settings"
)


@pytest.fixture(scope="module")
def book(traded: Written) -> Any:
    return load_workbook(traded.files.workbook)


@pytest.fixture(scope="module")
def empty_book(untraded: Written) -> Any:
    return load_workbook(untraded.files.workbook)


def frame(written: Written, sheet: str) -> pd.DataFrame:
    return pd.read_excel(written.files.workbook, sheet_name=sheet, header=1)


def texts(sheet: Any) -> list[str]:
    return [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]


def test_the_sheets_are_there_in_their_order(book: Any, empty_book: Any) -> None:
    assert ", ".join(book.sheetnames) == SHEETS
    assert ", ".join(empty_book.sheetnames) == SHEETS


def test_heads_are_frozen_and_columns_have_widths(book: Any) -> None:
    for sheet in book:
        assert sheet.freeze_panes.endswith("3"), sheet.title
        assert all(sheet.column_dimensions[cell.column_letter].width > 2 for cell in sheet[2]), sheet.title


def test_tables_can_be_filtered_by_every_column(book: Any) -> None:
    for name in ("trades", "parts", "by coin", "by month", "drawdowns", "settings"):
        sheet = book[name]
        last = f"{sheet.cell(2, sheet.max_column).column_letter}{sheet.max_row}"
        assert sheet.auto_filter.ref == f"A2:{last}", name


def test_the_summary_answers_first(book: Any, traded: Written) -> None:
    column = [cell.value for cell in book["summary"]["A"]]
    assert column[2].startswith("Result after costs: -")
    assert "Buy-and-hold of BTCUSDT, ETHUSDT: " in column[2]
    assert column[3:5] == NOTES
    assert {figure.label for figure in FIGURES} <= set(column)


def test_undefined_figures_say_so(empty_book: Any) -> None:
    values = {row[0]: row[1] for row in empty_book["summary"].iter_rows(values_only=True)}
    assert values["Sharpe"] == values["Win rate"] == "undefined"
    assert values["Trades"] == 0


def test_trades_and_parts_hold_what_was_booked(traded: Written) -> None:
    trades, parts = frame(traded, "trades"), frame(traded, "parts")
    assert len(trades) == len(traded.result.trades)
    assert len(parts) == sum(len(trade.parts) for trade in traded.result.trades)
    change = traded.result.final_equity - traded.result.initial_capital
    assert trades["net"].sum() == pytest.approx(change)
    assert parts["net"].sum() == pytest.approx(change)


def test_times_are_dates_of_excel(book: Any, traded: Written) -> None:
    heads = [cell.value for cell in book["trades"][2]]
    first = min(traded.result.trades, key=lambda trade: trade.parts[-1].sequence)
    cell = book["trades"].cell(3, heads.index("entry (UTC)") + 1)
    assert cell.is_date
    found = cell.value.replace(tzinfo=UTC) - datetime.fromtimestamp(first.entry_time / 1000, UTC)
    assert abs(found.total_seconds()) < 0.001


def test_figures_have_number_formats(book: Any) -> None:
    heads = {cell.value: cell.column for cell in book["trades"][2]}
    formats = {head: book["trades"].cell(3, column).number_format for head, column in heads.items()}
    assert formats["net"].startswith("#,##0.00")
    assert formats["entry price"].startswith("#,##0.00##")
    assert formats["held"].startswith("[h]:mm")
    rates = {cell.value: cell.column for cell in book["by coin"][2]}
    assert "%" in book["by coin"].cell(3, rates["win rate"]).number_format


def test_totals_are_formulas_that_follow_the_filter(book: Any, empty_book: Any) -> None:
    sheet = book["trades"]
    net = next(cell for cell in sheet[2] if cell.value == "net")
    total = sheet.cell(1, net.column)
    assert total.data_type == "f"
    assert total.value == f"=SUBTOTAL(109,{net.column_letter}3:{net.column_letter}{sheet.max_row})"
    assert not any(cell.data_type == "f" for cell in empty_book["trades"][1])


def test_text_is_never_a_formula(book: Any) -> None:
    for sheet in book:
        formulas = [cell.value for row in sheet.iter_rows(min_row=2) for cell in row if cell.data_type == "f"]
        assert formulas == [], sheet.title
    assert NOTES[1] in texts(book["summary"])


def test_cells_take_any_text(tmp_path: Path) -> None:
    workbook = Workbook(write_only=True)
    sheet = Sheet(workbook, "odd", "=note", (Column("a"), Column("b"), Column("c", "money")))
    sheet.add(("=1+1", "bell \x07", math.nan))
    sheet.add(("#N/A", "x" * 40_000, None))
    workbook.save(tmp_path / "odd.xlsx")
    read = list(load_workbook(tmp_path / "odd.xlsx")["odd"].iter_rows(values_only=True))
    assert read[0][0] == "=note"
    assert read[2] == ("=1+1", "bell ?", None)
    assert read[3] == ("#N/A", "x" * 32_000, None)


def test_the_equity_sheet_has_native_charts_over_dates(book: Any) -> None:
    sheet = book["equity"]
    assert len(sheet._charts) == 2
    for chart in sheet._charts:
        assert chart.x_axis.number_format.formatCode == "yyyy-mm-dd"
        assert not chart.x_axis.delete
        reference = chart.series[0].xVal.numRef.f
        assert int(reference.rsplit("$", 1)[1]) <= sheet_equity.MAX_ROWS + 2
        assert book["equity"]["A3"].is_date


def test_the_equity_sheet_keeps_highs_and_lows_and_says_what_it_left_out(book: Any, traded: Written) -> None:
    curve = traded.result.equity
    shown = frame(traded, "equity")
    assert len(shown) <= sheet_equity.MAX_ROWS < len(curve.time)
    assert shown["equity"].min() == pytest.approx(curve.equity.min())
    assert shown["equity"].max() == pytest.approx(curve.equity.max())
    assert shown["drawdown"].max() == pytest.approx(frame(traded, "drawdowns")["depth"].iloc[0])
    assert f"of {len(curve.time):,} rows" in book["equity"]["A1"].value


def test_the_funnel_names_every_stream_and_what_each_rule_means(book: Any, traded: Written) -> None:
    sheet = book["funnel"]
    heads = [cell.value for cell in sheet[2]]
    assert heads[5:] == ["BTCUSDT 5min", "ETHUSDT 5min", "BTCUSDT 30min", "ETHUSDT 30min"]
    rows = {row[0].strip(): row for row in sheet.iter_rows(min_row=3, values_only=True)}
    assert rows["trades"][3] == len(traded.result.trades)
    assert rows["low_probability"][2] == "MIN_PROBABILITY = 0.65"
    assert rows["candles"][5] == 365 * 288


def test_drawdowns_are_listed_from_the_deepest(traded: Written) -> None:
    depth = frame(traded, "drawdowns")["depth"]
    assert depth.is_monotonic_decreasing
    assert depth.iloc[0] > 0


def test_settings_show_origins_and_no_secret(book: Any, traded: Written) -> None:
    rows = {row[0]: row[1:] for row in book["settings"].iter_rows(min_row=3, values_only=True)}
    assert rows["MARKET"] == ("futures", "option --set")
    assert rows["BINANCE_API_SECRET"] == ("(set, not shown)", ".env")
    assert rows["BINANCE_API_KEY"] == ("(not set)", "default")
    assert rows["TRAILING_STOP.trail_pct"] == ("0.005", "default")
    assert not any("planted-secret" in text for sheet in book for text in texts(sheet))


def test_the_months_of_the_sheet_are_those_of_the_run(traded: Written) -> None:
    months = frame(traded, "by month")
    assert months["month"].tolist() == [f"2025-{month:02}" for month in range(1, 13)]
    assert months["equity at end"].iloc[-1] == pytest.approx(traded.result.final_equity)


def test_the_pool_starts_at_the_start_of_the_run(traded: Written) -> None:
    first = frame(traded, "equity")["time (UTC)"].iloc[0]
    assert first == pd.Timestamp(START_MS, unit="ms")
