"""Every rule that is on has its row, also when it never decided anything: that is the most interesting line."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook
from pydantic import BaseModel

from tests.builders import START_MS, settings
from tests.reports.conftest import WHEN, Written
from tests.reports.results import COINS, M5, a_run, empty_run
from trader.core.settings import Settings
from trader.reports.acts import acts, idle, idle_in_words
from trader.reports.digest import Digest
from trader.reports.metrics_json import metrics_json
from trader.reports.steps import Step
from trader.reports.terminal import plain_summary
from trader.reports.write import write_reports
from trader.trading.notes import GuardChanged

EVERYTHING = settings(
    MARKET="futures", TIMEFRAMES=["5min", "30min"], CORRELATION_MODE="skip",
    **{name: {"enable": True} for name in ("HEDGING", "KELLY", "RE_ENTRY", "PYRAMIDING", "REVERSAL", "TRADING_HOURS")},
)  # fmt: skip


def steps(values: Settings, **changes: Any) -> list[Step]:
    return Digest.of(empty_run(settings=values, **changes)).rules


def total(found: list[Step], kind: str, name: str) -> int:
    return next(step.total for step in found if (step.kind, step.name) == (kind, name))


def test_every_group_of_settings_that_can_be_switched_on_has_a_row() -> None:
    groups = [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, BaseModel)
        and "enable" in field.annotation.model_fields
        and name != "RETRAIN"
    ]  # fmt: skip - that acts on no trade
    named = " ".join(step.setting for step in steps(EVERYTHING))
    assert len(groups) > 10
    assert [name for name in groups if f"{name}." not in named] == []


def test_every_setting_named_beside_a_rule_exists() -> None:
    for step in acts(empty_run()):
        for text in filter(None, step.setting.split(", ")):
            value: Any = settings()
            for name in text.split(" = ")[0].split("."):
                value = getattr(value, name)


@pytest.mark.parametrize(
    ("kind", "name", "off"),
    [
        ("raised", "breakeven", {"BREAKEVEN_STOP": {"enable": False}}),
        ("closed", "trailing_stop", {"TRAILING_STOP": {"enable": False}}),
        ("closed", "partial_tp", {"PARTIAL_TP": {"enable": False}}),
        ("closed", "liquidation", {"MARKET": "spot"}),
        ("closed", "reversal", {}),
        ("closed", "kill_switch", {}),
        ("guard", "daily_loss", {"DAILY_LOSS_LIMIT": 0.0}),
        ("guard", "cooldown", {"LOSING_STREAK_PROTECTION": {"enable": False}}),
        ("hedge", "hedges", {}),
        ("reduced", "correlated", {"CORRELATION_MODE": "skip"}),
        ("ended", "correlated", {"CORRELATION_MODE": "halve"}),
        ("ended", "outside_hours", {}),
        ("bound", "kelly", {}),
        ("undefined", "correlation undefined", {}),
    ],
)
def test_a_rule_that_is_off_says_so_and_is_not_called_idle(kind: str, name: str, off: dict[str, Any]) -> None:
    values = settings(TIMEFRAMES=["5min", "30min"], **{"MARKET": "futures", **off})
    (step,) = [step for step in steps(values) if (step.kind, step.name) == (kind, name)]
    assert not step.on
    assert step.governed.startswith("off")
    assert idle([step]) == {}


def test_rules_that_are_on_and_never_decided_are_named() -> None:
    found = idle(steps(EVERYTHING, guards=[GuardChanged(START_MS, "cooldown", True, "")]))
    assert {"outside_hours", "portfolio_risk", "correlated", "beyond_liquidation"} <= set(found["checks"])
    assert {"re_entry", "pyramiding"} <= set(found["sizes"])
    assert found["guards"] == ["daily_loss", "drawdown"]
    assert found["hedges"] == ["hedges"]
    assert not {"gap", "warming_up", "no_pattern"} & set(found["checks"])
    assert "end_of_data" not in found["exits"]


def test_where_every_rule_decided_something_nothing_is_said() -> None:
    assert idle_in_words([Step("gap", "ended", "", "", (0,)), Step("x", "ended", "", "", (1,))]) == ""


def test_exits_are_counted_by_part(traded: Written) -> None:
    parts = [part for trade in traded.result.trades for part in trade.parts]
    closed = [step for step in acts(traded.result) if step.kind == "closed"]
    assert sum(step.total for step in closed) == len(parts)
    assert all(sum(step.counts) == step.total for step in closed)


def test_parts_of_a_hedge_on_a_stream_of_its_own_are_counted(traded: Written) -> None:
    streams = [stream for stream in traded.result.streams if stream[1] is not M5]
    result = msgspec.structs.replace(traded.result, streams=streams)
    closed = [step for step in acts(result) if step.kind == "closed"]
    assert sum(step.total for step in closed) == sum(len(trade.parts) for trade in traded.result.trades)


def test_an_exit_that_is_new_to_the_table_is_still_shown(traded: Written) -> None:
    first, *rest = traded.result.trades
    part = msgspec.structs.replace(first.parts[0], reason="unprotected")
    trade = msgspec.structs.replace(first, parts=[part, *first.parts[1:]])
    result = msgspec.structs.replace(traded.result, trades=[trade, *rest])
    assert total(acts(result), "closed", "unprotected") == 1


def test_stops_raised_and_guards_are_counted() -> None:
    on = GuardChanged(START_MS, "drawdown", True, "")
    guards = [on, on, GuardChanged(START_MS, "drawdown", False, "")]
    found = steps(EVERYTHING, stops_raised={(COINS[0], M5): {"breakeven": 4}}, guards=guards)
    assert total(found, "raised", "breakeven") == 4
    assert total(found, "guard", "drawdown") == 2


def test_undefined_correlations_are_counted_with_their_pairs() -> None:
    result = empty_run(settings=EVERYTHING, undefined_correlations={"BTCUSDT/ETHUSDT": 3, "BTCUSDT/SOLUSDT": 9})
    (step,) = [step for step in acts(result) if step.kind == "undefined"]
    assert step.total == 12
    assert step.meaning.endswith(": BTCUSDT/SOLUSDT 9, BTCUSDT/ETHUSDT 3")
    assert json.loads(metrics_json(Digest.of(result)))["undefined_correlations"] == {
        "BTCUSDT/ETHUSDT": 3, "BTCUSDT/SOLUSDT": 9,
    }  # fmt: skip
    assert idle([step]) == {}


def test_every_report_shows_them(tmp_path: Any) -> None:
    result, market = a_run(20, days=40, stops_raised={(COINS[0], M5): {"trailing_stop": 4}})
    files = write_reports(result, tmp_path / "out", market.candles, WHEN)
    words = idle_in_words(Digest.of(result).rules)
    assert words.startswith("On, but never decided anything: ")
    text = plain_summary(result, files, width=1_000)
    assert words in text
    assert "stop raised by trailing_stop" in text
    funnel = {
        row[0].strip(): row for row in load_workbook(files.workbook)["funnel"].iter_rows(values_only=True) if row[0]
    }
    assert funnel["stop raised by trailing_stop"][3] == 4
    assert funnel["guard went on: cooldown"][3] == 0
    assert str(funnel["closed by reversal"][2]).startswith("off: REVERSAL.enable = False")
    assert words in files.page.read_text()
    document = json.loads(files.metrics.read_text())
    assert document["acts"]["total"]["raised_trailing_stop"] == 4
    assert document["acts"]["total"]["guard_daily_loss"] == 0
    assert document["never_decided"] == idle(Digest.of(result).rules)
