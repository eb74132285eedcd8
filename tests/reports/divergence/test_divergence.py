"""Each cause is found where it was put, costs sum up to what the day was worse by, and what has no cause is counted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ml.models import registered
from tests.reports.divergence.lives import FIRST, World, but, dearer, every
from trader.core.events import Action, Event, Instant, ModelChange, OperatorCommand
from trader.core.order import Fill, OrderDropped, Role
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from trader.reports.divergence.records import Cause, Divergence, Row
from trader.reports.divergence.terminal import plain_divergence
from trader.reports.divergence.write import write_divergence
from trader.trading.book import Book


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def untouched(world: World) -> Divergence:
    """A life as the simulation has it."""
    return world.report(world.live())


def causes(found: Divergence) -> set[Cause]:
    """Return the causes of a day, but for decimals of the wire."""
    return {each.cause for each in found.totals} - {Cause.ROUNDING}


def own(row: Row) -> set[Cause]:
    """Return the causes that are a row's own."""
    return {cost.cause for cost in row.costs if not cost.follows} - {Cause.ROUNDING}


def sums_up(found: Divergence) -> bool:
    """Tell whether the costs of all causes, and those of all rows, are what life was worse by."""
    by_cause = sum(each.cost for each in found.totals)
    by_row = sum(row.cost for row in found.rows) + sum(cost.cost for cost in found.pool_costs)
    return math.isclose(by_cause, found.cost, abs_tol=1e-6) and math.isclose(by_row, found.cost, abs_tol=1e-6)


def test_a_life_as_the_simulation_has_it_shows_no_difference(untouched: Divergence) -> None:
    assert len(untouched.rows) >= 8
    assert all(row.live == row.backtest for row in untouched.rows)
    assert (causes(untouched), untouched.unexplained, untouched.cost) == (set(), 0, 0.0)


def is_entry(fill: Fill) -> bool:
    return fill.role is Role.ENTRY


def is_stop(fill: Fill) -> bool:
    return fill.role is Role.STOP


@pytest.mark.parametrize(
    ("change", "when", "cause"),
    [
        (lambda fill: dearer(fill, 0.0004), is_entry, Cause.SLIPPAGE),
        (lambda fill: dearer(fill, 0.00002, 9_000), is_entry, Cause.LATENCY),
        (lambda fill: but(fill, fee=fill.fee * 1.5), is_entry, Cause.FEE),
        (lambda fill: dearer(fill, -0.001), is_stop, Cause.STOP),
    ],
    ids=["slippage", "latency", "fee", "stop"],
)
def test_fills_that_differ_are_explained(
    world: World, change: Callable[[Fill], Fill], when: Callable[[Fill], bool], cause: Cause
) -> None:
    found = world.report(world.live(every(change, when)))
    touched = [row for row in found.rows if own(row)]
    assert touched
    # a market that went the other way at once explains no part of a price: that is slippage
    assert {cause} <= set().union(*map(own, touched)) <= {cause, *([Cause.SLIPPAGE] * (cause is Cause.LATENCY))}
    assert found.unexplained == 0
    assert sums_up(found)


def test_a_fee_costs_what_it_was_higher_by(world: World) -> None:
    found = world.report(world.live(every(lambda fill: but(fill, fee=fill.fee + 1.0), is_entry)))
    fee = next(each for each in found.totals if each.cause is Cause.FEE)
    assert fee.own == pytest.approx(fee.trades * 1.0, rel=1e-6)


def refuse_first(rule: str) -> Callable[[Fill | OrderDropped], Iterator[Fill | OrderDropped]]:
    """Return a venue that refuses the first entry of the day, and then says nothing of it."""
    refused: list[int] = []

    def twist(answer: Fill | OrderDropped) -> Iterator[Fill | OrderDropped]:
        if isinstance(answer, Fill) and answer.role is Role.ENTRY and not refused:
            refused.append(answer.position_id)
            yield OrderDropped(answer.time, answer.order_id, answer.symbol, rule)
        elif not (isinstance(answer, Fill) and answer.position_id in refused):
            yield answer

    return twist


@pytest.mark.parametrize(("rule", "cause"), [("rejected", Cause.REJECTED), ("unfilled", Cause.UNFILLED)])
def test_what_follows_from_a_refused_entry_is_attributed_to_it(world: World, rule: str, cause: Cause) -> None:
    found = world.report(world.live(refuse_first(rule)))
    refused = next(row for row in found.rows if row.live is None and own(row))
    assert own(refused) == {cause}
    followed = [cost for row in found.rows for cost in row.costs if cost.follows]
    assert followed
    assert {(cost.follows, cost.cause) for cost in followed} == {(refused.number, cause)}
    assert (causes(found), found.unexplained) == ({cause}, 0)
    assert sums_up(found)


def test_a_candle_that_is_not_there_is_named(world: World, untouched: Divergence) -> None:
    entered = {row.decided for row in untouched.rows if row.timeframe == "1min"}

    def bend(instant: Instant) -> Instant:
        kept = () if instant.time in entered else instant.candles
        return Instant(instant.time, kept)

    found = world.report(world.live(bend=bend))
    assert Cause.LATE_CANDLE in causes(found)
    assert found.unexplained == 0
    assert sums_up(found)


def test_an_instant_that_nobody_judged_is_explained(world: World, untouched: Divergence) -> None:
    rows = untouched.rows
    hidden = {rows[0].decided + minutes * MINUTE_MS for minutes in range(-2, 8)}
    found = world.report(world.live(bend=lambda instant: None if instant.time in hidden else instant))
    assert {Cause.LATE_CANDLE} <= causes(found)
    assert found.unexplained == 0
    assert sums_up(found)


def test_what_people_command_is_no_difference(world: World, untouched: Divergence) -> None:
    rows = untouched.rows
    assert rows[0].live is not None
    pause, close = rows[1].decided - MINUTE_MS, rows[0].live.entry_time + MINUTE_MS
    people = {close: [OperatorCommand(Action.CLOSE_ALL)], pause: [OperatorCommand(Action.PAUSE)]}
    found = world.report(world.live(people=people))
    assert len(found.commands) == 2
    assert found.rows[0].live is not None
    assert found.rows[0].live.reason == "manual"
    assert (causes(found), found.unexplained, found.cost) == (set(), 0, 0.0)


def by_another_hand(reason: str) -> Callable[[Book, Instant], Iterable[Event]]:
    """Return somebody who closes the first trade at the last close."""
    closed: list[int] = []

    def extra(book: Book, instant: Instant) -> Iterator[Event]:
        for trade in list(book.trades.values())[: 0 if closed else 1]:
            closed.append(trade.position_id)
            price = book.last_close[trade.symbol]
            yield Fill(
                instant.time - 5_000, 0, trade.position_id, trade.symbol, Role.CLOSE, trade.direction,
                trade.quantity_left, price, 0.0, 0.0, reason,
            )  # fmt: skip

    return extra


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("manual", Cause.OTHER_HAND), ("unprotected", Cause.UNPROTECTED), ("liquidation", Cause.LIQUIDATION)],
)
def test_what_went_without_an_order_of_ours_is_named(world: World, reason: str, cause: Cause) -> None:
    def twist(answer: Fill | OrderDropped) -> Iterator[Fill | OrderDropped]:
        if not (isinstance(answer, Fill) and answer.position_id == gone and answer.role is not Role.ENTRY):
            yield answer

    gone = 1
    found = world.report(world.live(twist, extra=by_another_hand(reason)))
    assert cause in causes(found)
    assert found.unexplained == 0
    assert sums_up(found)


def test_a_close_that_nothing_explains_is_counted(world: World) -> None:
    def twist(answer: Fill | OrderDropped) -> Iterator[Fill | OrderDropped]:
        if not (isinstance(answer, Fill) and answer.position_id == 1 and answer.role is not Role.ENTRY):
            yield answer

    found = world.report(world.live(twist, extra=by_another_hand("reversal")))
    assert found.unexplained == 1
    assert Cause.UNEXPLAINED in causes(found)
    assert sums_up(found)


def test_differences_of_the_day_before_do_not_come_back(world: World) -> None:
    midnight = FIRST + DAY_MS
    home = world.live(every(lambda fill: dearer(fill, 0.001), lambda fill: fill.time < midnight), hours=28)
    found = world.report(home, midnight)
    assert found.equity_start != 10_000.0
    assert (causes(found), found.unexplained) == (set(), 0)
    assert world.report(home).cost > 1.0


#: Which model is asked from when on, on a day with a promotion.
ASKED = {FIRST + MINUTE_MS: "patterns@v0001", FIRST + 7 * HOUR_MS: "patterns@v0002"}


def as_written(told: Mapping[int, str]) -> Callable[[Book, Instant], Iterable[Event]]:
    """Return the changes of the model as a journal has them, each before its instant."""
    return lambda book, instant: [ModelChange(instant.time, told[instant.time])] if instant.time in told else []


def test_a_day_with_a_promotion_shows_no_difference_unless_nobody_wrote_it_down(tmp_path: Path) -> None:
    registered(tmp_path / "models")
    given = {"STRATEGY": "classifier", "MODELS_DIR": str(tmp_path / "models"), "MIN_PROBABILITY": 0.2}
    world = World(tmp_path, list(ASKED.items()), **given, MIN_STRENGTH=0.2)
    found = world.report(world.live(extra=as_written(ASKED)))
    decided = [row.decided for row in found.rows]
    assert min(decided) < FIRST + 7 * HOUR_MS <= max(decided)
    assert all(row.live == row.backtest for row in found.rows)
    assert (causes(found), found.unexplained, found.cost) == (set(), 0, 0.0)
    untold = world.report(world.live(extra=as_written(dict(list(ASKED.items())[:1]))))
    assert any(row.live != row.backtest for row in untold.rows)


def test_files_say_the_same_and_open_without_a_network(world: World, tmp_path: Path) -> None:
    found = world.report(world.live(refuse_first("rejected")))
    files = write_divergence(found, tmp_path / "out", datetime(2026, 1, 5, tzinfo=UTC))
    figures = json.loads(files.figures.read_text())
    assert figures["cost"] == found.cost
    assert len(figures["rows"]) == len(found.rows)
    page = files.page.read_text()
    assert "default-src &#x27;none&#x27;" in page
    assert "0 unexplained" in page
    said = plain_divergence(found, files)
    assert "rejected" in said
    assert "follows from trade" in said or "smaller" in said
