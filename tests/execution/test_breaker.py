"""Identical refusals stop being sent, with one alarm, and are tried again later."""

from __future__ import annotations

from trader.core.account import PositionSide
from trader.core.order import Side
from trader.core.venue import Leg, NewList, NewOrder, NewStop, OrderKind
from trader.execution.breaker import Breaker, Shape

ENTRY = Shape("NewOrder", "BTCUSDT", "BUY", "MARKET", "LONG")
OTHER = Shape("NewOrder", "ETHUSDT", "BUY", "MARKET", "LONG")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, limit=3, window_s=60.0, hold_s=300.0, urgent_hold_s=5.0)


def test_the_third_of_a_kind_opens_the_circuit_with_one_alarm() -> None:
    breaks = breaker(Clock())
    alarms = [breaks.refused(ENTRY, -2019, "Margin is insufficient.") for _ in range(4)]

    assert [alarm is not None for alarm in alarms] == [False, False, True, False]
    assert alarms[2] is not None
    assert (alarms[2].code, alarms[2].count, alarms[2].hold_s) == (-2019, 3, 300.0)
    assert breaks.held_s(ENTRY) == 300.0
    assert breaks.held_s(OTHER) == 0.0


def test_different_reasons_are_not_one_kind() -> None:
    breaks = breaker(Clock())

    assert all(breaks.refused(ENTRY, code) is None for code in (-1, -2, -3, -4))


def test_refusals_far_apart_are_no_series() -> None:
    clock = Clock()
    breaks = breaker(clock)
    for _ in range(5):
        assert breaks.refused(ENTRY, -2019) is None
        clock.now += 61


def test_one_try_at_a_time_follows_the_hold() -> None:
    clock = Clock()
    breaks = breaker(clock)
    for _ in range(3):
        breaks.refused(ENTRY, -2019)
    clock.now += 301
    assert breaks.held_s(ENTRY) == 0.0

    assert breaks.refused(ENTRY, -2019) is None
    assert breaks.held_s(ENTRY) == 300.0


def test_what_goes_through_closes_the_circuit() -> None:
    breaks = breaker(Clock())
    for _ in range(3):
        breaks.refused(ENTRY, -2019)
    breaks.accepted(ENTRY)

    assert breaks.held_s(ENTRY) == 0.0
    assert breaks.refused(ENTRY, -2019) is None


def test_what_protects_is_held_for_seconds_only() -> None:
    breaks = breaker(Clock())
    for _ in range(3):
        breaks.refused(ENTRY, -2019, urgent=True)

    assert breaks.held_s(ENTRY) == 5.0


def test_id_quantity_and_price_do_not_make_another_kind() -> None:
    def order(client_id: str, quantity: str, price: str) -> NewOrder:
        return NewOrder(client_id, "BTCUSDT", Side.BUY, OrderKind.LIMIT, quantity, price)

    assert Shape.of(order("a", "1", "2")) == Shape.of(order("b", "3", "4"))
    legs = Leg("a", OrderKind.LIMIT_MAKER, "2"), Leg("b", OrderKind.STOP_LOSS, "", "1")
    assert Shape.of(NewList("l", "BTCUSDT", Side.SELL, "1", *legs)).kind == "LIMIT_MAKER/STOP_LOSS"
    stop = NewStop("s", "BTCUSDT", Side.SELL, OrderKind.STOP_MARKET, "9", "1", PositionSide.LONG)
    assert Shape.of(stop) == Shape("NewStop", "BTCUSDT", "SELL", "STOP_MARKET", "LONG")
