"""The funnel answers why something, or nothing, was traded."""

from __future__ import annotations

import msgspec

from tests.builders import settings
from tests.reports.conftest import Written
from tests.reports.results import COINS, M5, empty_run
from trader.reports.funnel import funnel, in_words, main_reasons, rule_named
from trader.trading.checks import RULES


def test_every_rule_of_the_core_is_explained() -> None:
    for name in RULES:
        assert rule_named(name).meaning != name.replace("_", " "), name


def test_every_setting_named_beside_a_rule_exists() -> None:
    for step in funnel(empty_run()):
        for text in filter(None, step.setting.split(", ")):
            value: object = settings()
            for name in text.split(" = ")[0].split("."):
                value = getattr(value, name)


def test_rows_follow_the_order_of_the_checks(untraded: Written) -> None:
    names = [step.name for step in funnel(untraded.result) if step.kind == "ended"]
    assert names == list(RULES)


def test_a_rule_that_is_new_to_the_table_is_still_shown() -> None:
    stream = (COINS[0], M5)
    result = empty_run(funnel={stream: {"no_pattern": 5, "full_moon": 3, "opened": 0}}, dropped={stream: {"lost": 0}})
    steps = {step.name: step for step in funnel(result)}
    assert steps["full_moon"].total == 3
    assert steps["full_moon"].meaning == "full moon"
    assert steps["candles"].total == 8
    assert "lost" in steps


def test_entries_that_were_still_waiting_at_the_end_are_counted() -> None:
    stream = (COINS[0], M5)
    result = empty_run(funnel={stream: {"opened": 3}}, dropped={stream: {"expired": 1}})
    dropped = {step.name: step.total for step in funnel(result) if step.kind == "dropped"}
    assert dropped["expired"] == 1
    assert dropped["end_of_data"] == 2


def test_hedges_are_no_entries_of_the_funnel(traded: Written) -> None:
    hedge = msgspec.structs.replace(traded.result.trades[0], hedge=True)
    result = msgspec.structs.replace(traded.result, trades=[*traded.result.trades, hedge])
    assert funnel(result)[-1].total == len(traded.result.trades)


def test_the_sentence_names_the_main_reasons(untraded: Written) -> None:
    steps = funnel(untraded.result)
    assert [step.name for step in main_reasons(steps, 2)] == ["low_probability", "low_strength"]
    assert "1,344 candles → 27 patterns → 2 entries → 0 trades" in in_words(steps)


def test_without_patterns_there_is_no_main_reason() -> None:
    steps = funnel(empty_run(funnel={(COINS[0], M5): {"no_pattern": 9}}, dropped={}))
    assert in_words(steps) == "9 candles → 0 patterns → 0 entries → 0 trades."
