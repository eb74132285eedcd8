"""The life of an order: what may follow what, and that neither order nor number of messages changes the end."""

from __future__ import annotations

from decimal import Decimal as D
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.execution.orders import execution, order, update
from trader.core.account import ZERO, AlgoUpdate, OrderStatus, OrderUpdate
from trader.core.order import Side
from trader.core.venue import AccountTrade
from trader.execution.states import (
    ENDED,
    IN_DOUBT,
    RESTING,
    TRANSITIONS,
    Order,
    OrderState,
    advance,
    attach,
    fresh_executions,
    mark,
)

S = OrderState
ENDS = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED)


def test_every_state_is_in_the_table_and_in_one_class() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    assert {S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED} == ENDED
    assert ENDED | RESTING | IN_DOUBT | {S.INTENDED, S.ABSENT} == set(OrderState)


def test_an_order_fills_in_parts() -> None:
    seen = [update(OrderStatus.OPEN), update(OrderStatus.PARTLY_FILLED, "0.4"), update(OrderStatus.FILLED, "1")]

    assert [advance(order(), each).state for each in seen] == [S.OPEN, S.PARTLY_FILLED, S.FILLED]


def test_an_event_that_comes_before_the_answer_makes_the_answer_old_news() -> None:
    filled = advance(mark(order(), S.SENT), update(OrderStatus.FILLED, "1"))

    assert advance(filled, update(OrderStatus.OPEN)) == filled
    assert mark(filled, S.UNKNOWN, "time-out") == filled


def test_an_unknown_outcome_is_a_state_until_the_venue_speaks() -> None:
    unknown = mark(mark(order(), S.SENT), S.UNKNOWN, "")
    absent = mark(unknown, S.ABSENT)

    assert unknown.state is S.UNKNOWN
    assert mark(absent, S.SENT).state is S.SENT
    assert advance(absent, update(OrderStatus.OPEN)).state is S.OPEN


def test_what_was_cancelled_half_filled_keeps_its_fill() -> None:
    cancelled = advance(order(), update(OrderStatus.CANCELLED, "0.4", reason="by hand"))
    late = advance(cancelled, update(OrderStatus.PARTLY_FILLED, "0.4", executions=(execution(1, "0.4"),)))

    assert (late.state, late.cumulative, late.untold, late.reason) == (S.CANCELLED, D("0.4"), 0, "by hand")


def test_only_the_proof_of_all_executed_turns_an_end() -> None:
    cancelled = advance(order(), update(OrderStatus.CANCELLED))

    assert advance(cancelled, update(OrderStatus.OPEN)).state is S.CANCELLED
    assert advance(cancelled, update(OrderStatus.FILLED, "1")).state is S.FILLED


def test_what_is_executed_and_not_told_is_known() -> None:
    half_told = advance(order(), update(OrderStatus.FILLED, "1", executions=(execution(2, "0.6"),)))

    assert half_told.untold == D("0.4")
    assert advance(half_told, update(OrderStatus.FILLED, "1", executions=(execution(1, "0.4"),))).untold == ZERO


def test_the_value_is_the_venues_or_that_of_the_executions() -> None:
    told = advance(order(), update(OrderStatus.PARTLY_FILLED, "0.5", executions=(execution(1, "0.5", "90"),)))

    assert told.quote == D(45)
    assert advance(told, update(OrderStatus.FILLED, "1", cumulative_quote=D(95))).quote == D(95)


def test_the_accounts_history_tells_what_no_message_did() -> None:
    known = advance(order("3"), update(OrderStatus.PARTLY_FILLED, "2", quantity="3", executions=(execution(1, "1"),)))
    trades = [account_trade(1, "1"), account_trade(2, "1"), account_trade(3, "1"), account_trade(4, "9", of=8)]
    told = attach(known, trades)

    assert (told.state, told.cumulative, told.untold) == (S.FILLED, D(3), ZERO)
    assert [each.trade_id for each in fresh_executions(known, told)] == [2, 3]
    assert attach(told, trades) == told
    assert attach(order("3"), trades) == order("3")


def account_trade(trade_id: int, quantity: str, of: int = 7) -> AccountTrade:
    amounts = (D(quantity), D(100), D("0.1"))
    return AccountTrade("BTCUSDT", of, trade_id, Side.BUY, *amounts, "USDT", False, 1_000 + trade_id)


def algo(status: OrderStatus, cumulative: str = "0", actual_id: int = 0) -> AlgoUpdate:
    amounts = (D(1), D(cumulative))
    return AlgoUpdate("BTCUSDT", "td-1", 50, Side.BUY, "STOP_MARKET", status, *amounts, 900, actual_id=actual_id)


def test_a_conditional_order_is_filled_by_the_order_that_it_becomes() -> None:
    stop = reduce(
        advance,
        [
            algo(OrderStatus.OPEN),
            algo(OrderStatus.TRIGGERED, actual_id=77),
            update(OrderStatus.FILLED, "1", exchange_id=77, executions=(execution(1, "1"),)),
            algo(OrderStatus.FILLED, "1", actual_id=77),
        ],
        order(conditional=True),
    )

    assert (stop.state, stop.exchange_id, stop.actual_id, stop.untold) == (S.FILLED, 50, 77, ZERO)


def test_a_stop_that_triggers_and_is_refused_is_no_stop_any_more() -> None:
    triggered = advance(order(conditional=True), algo(OrderStatus.TRIGGERED))

    assert advance(triggered, algo(OrderStatus.REJECTED)).state is S.REJECTED


@st.composite
def lives(draw: st.DrawFn) -> list[OrderUpdate]:
    """What a venue tells of one order: executions of any sizes, maybe an end before all; answers look on in between."""
    parts = draw(st.lists(st.integers(1, 9), max_size=5))
    end = draw(st.sampled_from(ENDS)) if not parts else draw(st.sampled_from(ENDS[:3]))
    rest = 0 if end is OrderStatus.FILLED and parts else draw(st.integers(1, 5))
    quantity = str(sum(parts) + rest)
    told = [update(OrderStatus.OPEN, quantity=quantity)]
    if draw(st.booleans()):
        told.append(update(OrderStatus.TRIGGERED, quantity=quantity))
    done, executions = 0, []
    for number, part in enumerate(parts, 1):
        done += part
        executions.append(execution(number, str(part), maker=draw(st.booleans()), fee_asset="BNB"))
        status = OrderStatus.FILLED if str(done) == quantity else OrderStatus.PARTLY_FILLED
        told.append(update(status, str(done), quantity=quantity, executions=(executions[-1],), time=1_000 + number))
        if draw(st.booleans()):
            less = (execution(number, str(part)),)  # an answer says less of an execution than its event
            told.append(update(status, str(done), quantity=quantity, time=1_000 + number, executions=less))
    if end is not OrderStatus.FILLED:
        told.append(update(end, str(done), quantity=quantity, time=2_000, reason="it ended"))
    return told


@given(lives(), st.data())
def test_any_order_and_number_of_the_same_messages_ends_in_the_same_order(
    told: list[OrderUpdate], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)))))
    fresh = order(str(told[0].quantity))

    straight = reduce(advance, told, fresh)
    assert reduce(advance, shuffled, fresh) == straight
    assert reduce(advance, shuffled, straight) == straight
    assert reduce(advance, shuffled, mark(mark(fresh, S.SENT), S.UNKNOWN)) == straight


@given(lives(), st.data())
def test_quantities_only_grow_and_ends_stay(told: list[OrderUpdate], data: st.DataObject) -> None:
    current: Order = order(str(told[0].quantity))
    for each in data.draw(st.permutations(told)):
        following = advance(current, each)
        assert following.cumulative >= current.cumulative
        assert {e.trade_id for e in following.executions} >= {e.trade_id for e in current.executions}
        assert following.state == current.state or following.state in TRANSITIONS[current.state]
        current = following


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_order_is_moved_by_nothing_of_ours(state: OrderState) -> None:
    ended = order(state=state)

    assert all(mark(ended, wanted).state is state for wanted in OrderState if wanted is not S.FILLED)
