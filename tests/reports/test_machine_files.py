"""trades_log.csv and metrics.json: exact, complete, and the same bytes for the same run."""

from __future__ import annotations

import csv
import json
import math
from typing import Any

import msgspec
import pandas as pd
import pytest

from tests.reports.conftest import WHEN, Written
from tests.reports.results import CAPITAL, Market, a_run
from trader.reports.digest import Digest
from trader.reports.figures import FIGURES
from trader.reports.metrics_json import metrics_json
from trader.reports.trades_log import COLUMNS, trades_log
from trader.reports.write import write_reports

PROMISED = (
    "trade_id, symbol, timeframe, strategy, pattern, direction, probability, strength, signal_time, entry_time, "
    "entry_price, quantity, part_quantity, stop_loss, take_profit, exit_time, exit_price, exit_reason, fees, funding, "
    "net_pnl, equity_after"
)


def rows(written: Written) -> list[dict[str, str]]:
    with written.files.trades_log.open(newline="") as file:
        return list(csv.DictReader(file))


def figures(written: Written) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.files.metrics.read_text())
    return document


def test_the_log_has_the_promised_columns(traded: Written) -> None:
    assert ", ".join(COLUMNS) == PROMISED
    assert traded.files.trades_log.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_the_log_has_a_row_for_each_part_in_the_order_of_booking(traded: Written) -> None:
    parts = sorted((part for trade in traded.result.trades for part in trade.parts), key=lambda part: part.sequence)
    assert [float(row["net_pnl"]) for row in rows(traded)] == [part.net for part in parts]


def test_all_net_pnl_sums_to_the_change_of_the_pool(traded: Written) -> None:
    net = math.fsum(float(row["net_pnl"]) for row in rows(traded))
    assert net == pytest.approx(traded.result.final_equity - CAPITAL, abs=1e-6)
    assert net == pytest.approx(figures(traded)["net_profit"], abs=1e-6)


def test_floats_of_the_log_read_back_as_the_same_bits(traded: Written) -> None:
    by_id = {trade.id: trade for trade in traded.result.trades}
    for row in rows(traded):
        trade = by_id[int(row["trade_id"])]
        assert float(row["entry_price"]) == trade.entry_price
        assert float(row["stop_loss"]) == trade.first_stop
        assert int(row["entry_time"]) == trade.entry_time


def test_parts_of_a_trade_carry_its_quantity_and_its_fees(traded: Written) -> None:
    log = pd.read_csv(traded.files.trades_log)
    per_trade = log.groupby("trade_id").agg({"quantity": "first", "part_quantity": "sum", "fees": "sum"})
    assert per_trade["part_quantity"].to_numpy() == pytest.approx(per_trade["quantity"].to_numpy())
    assert per_trade["fees"].sum() == pytest.approx(figures(traded)["fees"])


def test_what_is_undefined_is_an_empty_field(traded: Written) -> None:
    hedge = msgspec.structs.replace(traded.result.trades[0], first_stop=math.nan, take_profit=math.nan)
    result = msgspec.structs.replace(traded.result, trades=[hedge])
    row = next(csv.DictReader(trades_log(result).splitlines()))
    assert row["stop_loss"] == row["take_profit"] == ""


def test_a_run_without_trades_leaves_a_log_with_its_head_alone(untraded: Written) -> None:
    assert untraded.files.trades_log.read_text() == ",".join(COLUMNS) + "\n"


def test_the_same_run_gives_the_same_bytes_wherever_and_whenever(traded: Written, tmp_path: Any) -> None:
    again, market = a_run(300)
    later = msgspec.structs.replace(again, elapsed_s=99.0, notes=["another note"])
    files = write_reports(later, tmp_path / "elsewhere", market.candles, WHEN.replace(year=2030))
    assert files.trades_log.read_bytes() == traded.files.trades_log.read_bytes()
    assert files.metrics.read_bytes() == traded.files.metrics.read_bytes()


def test_the_figures_are_all_there_in_their_order(traded: Written) -> None:
    document = figures(traded)
    keys = [key for key in document if key in {figure.key for figure in FIGURES}]
    assert keys == [figure.key for figure in FIGURES]
    promised = "return cagr sharpe sortino calmar max_drawdown max_drawdown_ms profit_factor win_rate expectancy"
    for name in (*promised.split(), "exposure", "turnover", "fees", "slippage", "funding", "buy_and_hold_return"):
        assert math.isfinite(document[name]), name


def test_undefined_figures_are_null_and_never_0(untraded: Written) -> None:
    document = figures(untraded)
    undefined = "cagr sharpe sortino calmar win_rate profit_factor expectancy expectancy_r average_win average_loss"
    for name in (*undefined.split(), "best_trade", "average_holding_ms", "max_drawdown_ms"):
        assert document[name] is None, name
    assert document["return"] == 0
    assert document["trades"] == 0


def test_the_json_is_strict(traded: Written, untraded: Written) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    for written in (traded, untraded):
        json.loads(written.files.metrics.read_text(), parse_constant=refuse)


def test_the_breakdowns_add_up_to_the_whole(traded: Written) -> None:
    document = figures(traded)
    for name in ("by_coin", "by_timeframe", "by_pattern", "by_direction", "by_month", "by_exit_reason"):
        total = math.fsum(line["net_pnl"] for line in document[name].values())
        assert total == pytest.approx(document["net_profit"], abs=1e-6), name
    for name in ("by_coin", "by_timeframe", "by_pattern", "by_direction", "by_month"):
        assert sum(line["trades"] for line in document[name].values()) == document["trades"], name


def test_months_compound_to_the_return(traded: Written) -> None:
    months = figures(traded)["by_month"]
    assert list(months) == [f"2025-{month:02}" for month in range(1, 13)]
    assert math.prod(1 + line["change"] for line in months.values()) - 1 == pytest.approx(figures(traded)["return"])


def test_every_candle_of_a_stream_ends_at_one_step(traded: Written) -> None:
    refusals = figures(traded)["refusals"]
    for stream in (refusals["total"], *refusals["streams"].values()):
        ended = {name: count for name, count in stream.items() if not name.startswith("dropped_")}
        left = [ended.pop(name) for name in ("candles", "patterns", "entries", "trades")]
        dropped = sum(count for name, count in stream.items() if name.startswith("dropped_"))
        assert left[0] - sum(ended.values()) == left[2]
        assert left[2] - dropped == left[3]
    assert refusals["total"]["trades"] == figures(traded)["trades"]


def test_no_secret_and_no_path_is_in_the_files_for_machines(traded: Written) -> None:
    for path in (traded.files.trades_log, traded.files.metrics):
        assert "planted-secret" not in path.read_text()
        assert str(traded.files.directory) not in path.read_text()


def test_a_coin_without_a_known_first_price_leaves_buy_and_hold_undefined() -> None:
    result, _ = a_run(4, days=3)
    document = json.loads(metrics_json(Digest.of(msgspec.structs.replace(result, holds=[]))))
    assert document["buy_and_hold_return"] is None
    assert document["buy_and_hold"] == {}


def test_the_market_is_asked_for_pictures_only(traded: Written) -> None:
    assert isinstance(traded.market, Market)
    assert 0 < traded.market.calls <= 210
