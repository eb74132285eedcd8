"""Which rule earned its place: every report says the same of it, with how many it rests on."""

from __future__ import annotations

import doctest
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from openpyxl import load_workbook

from tests.builders import START_MS
from tests.reports.conftest import WHEN, Written
from tests.reports.results import COINS, M5, M30
from trader.core.signal import Direction
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.result import FollowedSignal, RunResult
from trader.reports import refused
from trader.reports.digest import Digest
from trader.reports.metrics_json import metrics_json
from trader.reports.refused import consequences, in_lines
from trader.reports.terminal import plain_summary
from trader.reports.write import write_reports
from trader.simulation.shadow import Shadow, ShadowFill


def signals(rule: str, returns: Sequence[float | None], timeframe: Timeframe = M5) -> list[FollowedSignal]:
    """Return one signal a day with these net returns; None is one that never filled."""
    times = [START_MS + day * DAY_MS for day in range(len(returns))]
    return [
        FollowedSignal(COINS[0], timeframe, time, rule, None if net is None else shadow(time, net))
        for time, net in zip(times, returns, strict=True)
    ]


def shadow(time: int, net: float, reason: str = "stop_loss") -> Shadow:
    return Shadow(Direction.LONG, time, 100.0, (ShadowFill(time + 60_000, 99.0, 1.0, reason),), net)


def ended(signal: FollowedSignal) -> FollowedSignal:
    """Return a signal that was still open at the end."""
    assert signal.shadow is not None
    return msgspec.structs.replace(signal, shadow=shadow(signal.time, signal.shadow.net_return, "end_of_data"))


LOSES, WINS = [-0.01, -0.02] * 20, [0.01, 0.02] * 20
FOLLOWED = [
    *signals("low_volatility", [*LOSES[:20], *WINS[:20]]),
    *signals("max_trades", WINS),
    *signals("already_open", [-0.01] * 3),
    *signals("against_trend", LOSES[:30]),
    *signals("against_trend", [*LOSES[:10], None, None], M30),
    *map(ended, signals("new_rule", [0.01])),
]


@pytest.fixture(scope="module")
def result(traded: Written) -> RunResult:
    return msgspec.structs.replace(traded.result, followed=FOLLOWED)


def test_without_following_there_is_nothing_to_tell(traded: Written) -> None:
    assert consequences(traded.result) is None
    assert json.loads(traded.files.metrics.read_text())["counterfactual"] is None
    assert "refused signals" not in plain_summary(traded.result, traded.files)
    assert "What would the refused signals have made?" not in traded.files.page.read_text()


def test_rules_stand_in_the_order_of_the_checks(result: RunResult) -> None:
    found = consequences(result)
    assert found is not None
    names = [rule.total.name for rule in found.rules]
    assert names == ["max_trades", "already_open", "against_trend", "low_volatility", "new_rule"]


def test_a_rule_is_judged_by_what_it_refused_and_on_how_many(result: RunResult) -> None:
    found = consequences(result)
    assert found is not None
    verdicts = {rule.total.name: rule.total.verdict for rule in found.rules}
    assert verdicts == {
        "max_trades": "cost money",
        "already_open": "too few to say",
        "against_trend": "earned its place",
        "low_volatility": "may be chance",
        "new_rule": "too few to say",
    }


def test_counts_and_sums_add_up_over_streams(result: RunResult) -> None:
    found = consequences(result)
    assert found is not None
    trend = found.rules[2]
    assert (trend.total.signals, trend.total.not_filled, trend.total.won, trend.total.lost) == (42, 2, 0, 40)
    assert trend.total.sum == pytest.approx(sum(LOSES))
    assert trend.total.average == pytest.approx(-0.015)
    assert [stream.name for stream in trend.streams] == ["BTCUSDT 5min", "BTCUSDT 30min"]
    for name in ("signals", "not_filled", "won", "lost", "open_at_end", "sum"):
        assert sum(getattr(each, name) for each in trend.streams) == pytest.approx(getattr(trend.total, name))
    assert found.rules[-1].total.open_at_end == 1


def test_signals_that_never_filled_leave_the_average_undefined(traded: Written) -> None:
    found = consequences(msgspec.structs.replace(traded.result, followed=signals("cooldown", [None, None])))
    assert found is not None
    assert (found.rules[0].total.average, found.rules[0].total.error) == (None, None)
    assert found.rules[0].total.verdict == "too few to say"
    assert found.against_taken(found.rules[0].total) is None


def test_the_trades_taken_are_measured_alike_without_hedges_and_funding(traded: Written) -> None:
    trade = traded.result.trades[0]
    hedge = msgspec.structs.replace(trade, hedge=True)
    parts = [msgspec.structs.replace(part, funding=5.0, net=part.net - 5.0) for part in trade.parts]
    paid = msgspec.structs.replace(trade, parts=parts)
    found = consequences(msgspec.structs.replace(traded.result, trades=[paid, hedge], followed=[]))
    assert found is not None
    assert found.taken.signals == 1
    assert found.taken.sum == pytest.approx(trade.net / (trade.quantity * trade.entry_price))


def test_a_saving_is_held_against_the_trades_that_were_taken(result: RunResult) -> None:
    found = consequences(result)
    assert found is not None
    assert found.taken.average is not None
    assert found.taken.average < 0
    assert in_lines(found)[-1].startswith("The trades taken lost too, so any refusal saves;")
    assert in_lines(found)[-1].endswith("worse than they: against_trend.")
    mild = signals("max_trades", [found.taken.average, found.taken.average * 0.9] * 20)
    weak = consequences(msgspec.structs.replace(result, followed=mild))
    assert weak is not None
    assert weak.rules[0].total.verdict == "earned its place"
    assert in_lines(weak)[-1].endswith("worse than they: none.")


def test_a_standard_error_counts_the_signals_of_a_day_as_one() -> None:
    random = np.random.default_rng(1)
    by_day = random.normal(0, 1, 50)
    once = refused.error_by_day(by_day, np.arange(50))
    assert once == pytest.approx(by_day.std(ddof=1) / math.sqrt(50))
    assert refused.error_by_day(np.repeat(by_day, 7), np.repeat(np.arange(50), 7)) == pytest.approx(once)


def test_all_reports_say_the_same(result: RunResult, traded: Written, tmp_path: Path) -> None:
    files = write_reports(result, tmp_path / "out", traded.market.candles, WHEN)
    document = json.loads(files.metrics.read_text())["counterfactual"]
    book = load_workbook(files.workbook)
    assert book.sheetnames[8:10] == ["funnel", "rules"]
    rows = {row[:2]: row for row in book["rules"].iter_rows(min_row=3, values_only=True)}
    page, text = files.page.read_text(), plain_summary(result, files, width=400)
    assert rows["trades taken", "all"][2] == document["taken"]["signals"] == len(result.trades)
    for name, rule in document["rules"].items():
        assert rows[name, "all"][2:6] == (rule["signals"], rule["not_filled"], rule["won"], rule["lost"])
        assert rows[name, "all"][8] == pytest.approx(rule["sum"])
        assert rows[name, "all"][12] == rule["verdict"]
        assert f"<td>{name}</td>" in page
        assert f"{name} (n = {rule['won'] + rule['lost']:,}" in text
        assert set(rule["streams"]) == {stream for own, stream in rows if own == name and stream != "all"}
    assert "What would the refused signals have made?" in page


def test_the_figures_are_the_same_bytes_every_time(result: RunResult) -> None:
    shuffled: Any = msgspec.structs.replace(result, elapsed_s=1.0)
    assert metrics_json(Digest.of(shuffled)) == metrics_json(Digest.of(result))


def test_examples_in_the_documentation_hold() -> None:
    found = doctest.testmod(refused)
    assert found.attempted
    assert found.failed == 0
