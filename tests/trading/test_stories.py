"""Stories of single trades and decisions, told like a ledger."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from tests.builders import M1, START_MS
from tests.trading.worlds import FILTERS, World, wish
from trader.core.commands import AmendStop, CancelOrder, SubmitOrder
from trader.core.errors import InvariantError
from trader.core.events import Action, FundingRate
from trader.core.order import Fill, OrderDropped, OrderRequest, Role
from trader.core.signal import Direction, Pattern, Refusal
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.trading.checks import RULES
from trader.trading.notes import Dropped, FundingPaid, GuardChanged, Ordered, Refused


def test_a_signal_becomes_a_trade_and_ends_at_its_stop() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    assert world.book.pool.free == pytest.approx(10_000 - 3_300)
    world.tick(100.0)
    world.tick(100.0, 100.0, 99.0, 99.2)
    assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]
    assert world.book.trades == {}
    assert world.book.lost == 1
    assert world.rules() == {"opened": 1}


def test_the_sum_of_all_parts_is_the_change_of_the_pool() -> None:
    world = World()
    world.tick(100.0, readings=[wish(pattern=Pattern.HEAD_AND_SHOULDERS, trend=1.01)])
    assert world.rules() == {"short_not_allowed": 1}
    world.tick(100.0, readings=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    world.tick(100.0)
    world.tick(100.0, 101.8, 100.0, 101.7)
    world.tick(101.7, 103.0, 101.5, 102.0)
    reasons = [reason for reason, _, _ in world.fills()]
    assert reasons == ["entry", "partial_tp", "take_profit"]
    assert world.book.pool.free == pytest.approx(world.book.pool.booked)
    assert world.book.won == 1


@pytest.mark.parametrize(
    ("overrides", "reading", "rule"),
    [
        ({}, {"ready": False}, "warming_up"),
        ({}, {"gap": True}, "gap"),
        ({"TRADING_HOURS": {"enable": True, "start_hour": 6, "end_hour": 20}}, {}, "outside_hours"),
        ({}, {"probability": 0.6}, "low_probability"),
        ({}, {"strength": 0.6}, "low_strength"),
        ({"STRATEGY": "classifier", "MIN_EXPECTED_RETURN": 0.001}, {"expected": 0.0009}, "low_expectancy"),
        ({"STRATEGY": "classifier", "MIN_EXPECTED_RETURN": -0.01}, {}, "low_expectancy"),
        ({}, {"made": START_MS + M1.ms - 4 * HOUR_MS - 1}, "expired"),
        ({"SIGNAL_TTL_S": 0.5}, {"made": START_MS}, "expired"),
        ({}, {"trend": 1.01}, "against_trend"),
        ({"MIN_ATR_PCT": 0.02}, {}, "low_volatility"),
        ({"MIN_NET_PROFIT_PCT": 0.5}, {}, "low_profit"),
        ({"MAX_PORTFOLIO_RISK": 0.0001}, {}, "portfolio_risk"),
        ({"MAX_SYMBOL_EXPOSURE": 0.1}, {}, "symbol_exposure"),
        ({"MAX_DIRECTION_EXPOSURE": 0.1}, {}, "direction_exposure"),
        ({"BACKTEST_INITIAL_CAPITAL": 4.0}, {}, "below_min_size"),
        (
            {"MARKET": "futures", "LEVERAGE": 125, "MAINTENANCE_MARGIN_RATE": 0.006, "MAX_PORTFOLIO_RISK": 1},
            {},
            "beyond_liquidation",
        ),
    ],
)
def test_each_refusal_names_its_rule(overrides: dict[str, object], reading: dict[str, object], rule: str) -> None:
    world = World(**overrides)
    world.tick(100.0, readings=[wish(**reading)])
    assert world.rules() == {rule: 1}
    (refused,) = [note for note in world.notes if isinstance(note, Refused)]
    assert refused.refusal.rule == rule
    assert rule in RULES


@pytest.mark.parametrize("made", [0, START_MS + M1.ms, START_MS + M1.ms - 4 * HOUR_MS])
def test_a_signal_is_fresh_up_to_the_end_of_its_time(made: int) -> None:
    world = World()
    world.tick(100.0, readings=[wish(made=made)])
    assert world.rules() == {"opened": 1}


def test_the_age_of_an_expired_signal_is_told() -> None:
    world = World(SIGNAL_TTL_S=30.0)
    world.tick(100.0, readings=[wish(made=START_MS)])
    assert world.refusal() == Refusal("signal", "expired", {"age_s": 60.0})


def test_as_many_trades_as_allowed_and_one_a_stream() -> None:
    world = World(("BTCUSDT", "ETHUSDT"), MAX_CONCURRENT_TRADES=2, MAX_POSITION_SIZE_PCT=0.1)
    world.tick(100.0, readings=[wish(), wish(), wish(timeframe=Timeframe.MIN_5), wish(symbol="ETHUSDT")])
    assert world.rules() == {"opened": 1, "already_open": 1}
    assert world.rules("ETHUSDT") == {"max_trades": 1}
    assert world.refusal().values == {"trades": 2}
    world.tick(100.0)
    world.tick(100.0, readings=[wish(symbol="ETHUSDT")])
    assert world.rules("ETHUSDT") == {"max_trades": 2}


def test_hours_may_wrap_past_midnight() -> None:
    world = World(TRADING_HOURS={"enable": True, "start_hour": 22, "end_hour": 2})
    for hour, rules in [(1, {"opened": 1}), (2, {"opened": 1, "outside_hours": 1})]:
        world.at = hour * 60 - 1
        world.tick(100.0, readings=[wish()])
        assert world.rules() == rules


def test_no_signal_is_no_pattern() -> None:
    world = World()
    reading = wish()
    world.tick(100.0, readings=[type(reading)("BTCUSDT", M1, 100.0, 99.0, 1.0, None)])
    assert world.rules() == {"no_pattern": 1}


def test_a_tiny_rest_of_capital_is_insufficient() -> None:
    world = World(("BTCUSDT", "ETHUSDT"), MAX_POSITION_SIZE_PCT=1.0, RISK_PER_TRADE=0.5, MAX_PORTFOLIO_RISK=1.0)
    world.tick(100.0, readings=[wish()], others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(100.0, readings=[wish(symbol="ETHUSDT")], others=[world.candle(100.0, symbol="ETHUSDT")])
    assert world.book.funnel["ETHUSDT"]["1min"] == {"direction_exposure": 1}
    loose = World(
        ("BTCUSDT", "ETHUSDT"),
        MAX_POSITION_SIZE_PCT=1.0,
        RISK_PER_TRADE=0.5,
        MAX_PORTFOLIO_RISK=1.0,
        MAX_DIRECTION_EXPOSURE=2.0,
    )
    loose.tick(100.0, readings=[wish()], others=[loose.candle(100.0, symbol="ETHUSDT")])
    loose.tick(100.0, readings=[wish(symbol="ETHUSDT")], others=[loose.candle(100.0, symbol="ETHUSDT")])
    assert loose.book.funnel["ETHUSDT"]["1min"] == {"insufficient_capital": 1}


def test_symmetrical_triangles_go_with_the_trend() -> None:
    world = World(MARKET="futures")
    world.tick(100.0, readings=[wish(pattern=Pattern.SYMMETRICAL_TRIANGLE, trend=1.01)])
    (ordered,) = [note for note in world.notes if isinstance(note, Ordered)]
    assert ordered.request.direction is Direction.SHORT


def test_a_partial_level_that_rounds_to_the_take_profit_is_dropped() -> None:
    near = {"enable": True, "levels": [{"pct": 0.015, "close_ratio": 0.5}, {"pct": 0.01999, "close_ratio": 0.3}]}
    wide = {"ascending_triangle": {"sl_pct": 0.015, "tp_pct": 0.02}}
    world = World(filters={**FILTERS, "tickSize": "0.5"}, PARTIAL_TP=near, PATTERN_TARGETS=wide)
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    assert [(target.price, target.reason) for target in world.trade.targets] == [
        (101.5, "partial_tp"),
        (102.0, "take_profit"),
    ]


def test_targets_by_atr_stand_where_atr_says() -> None:
    world = World(STOP_MODE="atr")
    world.tick(100.0, readings=[wish(atr14=0.8)])
    world.tick(100.0)
    (trade,) = world.book.trades.values()
    assert trade.stop == pytest.approx(100.02 - 1.2)
    assert trade.take_profit == pytest.approx(100.02 + 2.4)


def test_losses_in_a_row_halve_the_size_then_cool_down() -> None:
    world = World(DAILY_LOSS_LIMIT=0, DRAWDOWN_PROTECTION={"enable": False})
    risks = []
    for _ in range(5):
        world.tick(100.0, readings=[wish()])
        risks.append(next(iter(world.book.pending.values())).request.quantity)
        world.tick(100.0, 100.0, 98.0, 98.0)
    assert risks[3] / risks[2] == pytest.approx(0.5, rel=0.02)
    assert world.book.guards.streak == 5
    world.tick(100.0, readings=[wish()])
    assert world.rules()["cooldown"] == 1
    for _ in range(60):
        world.tick(100.0)
    world.tick(100.0, readings=[wish()])
    assert world.rules()["opened"] == 6
    changes = [(n.guard, n.on) for n in world.notes if isinstance(n, GuardChanged)]
    assert changes == [("cooldown", True), ("cooldown", False)]


def test_a_lost_day_ends_at_midnight() -> None:
    world = World(DAILY_LOSS_LIMIT=0.001)
    world.tick(100.0, readings=[wish()])
    world.tick(100.0, 100.0, 98.0, 98.0)
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"opened": 1, "daily_loss": 1}
    world.at = 1440
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"opened": 2, "daily_loss": 1}


def test_the_kill_switch_drops_pending_entries_and_closes_trades_at_the_next_open() -> None:
    world = World(("BTCUSDT", "ETHUSDT"))
    world.tick(100.0, readings=[wish()], others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(100.0, readings=[wish(symbol="ETHUSDT")], others=[world.candle(100.0, symbol="ETHUSDT")])
    world.command(Action.KILL)
    world.tick(100.0)
    assert [n.rule for n in world.notes if isinstance(n, Dropped)] == ["kill_switch"]
    world.tick(101.0, readings=[wish()])
    assert world.fills()[-1][0] == "kill_switch"
    assert world.rules()["kill_switch"] == 1
    world.command(Action.LIFT)
    world.tick(100.0, readings=[wish()])
    assert world.rules()["opened"] == 2


@pytest.mark.parametrize("action", [Action.RESUME, Action.LIFT])
def test_ending_what_is_not_on_does_nothing(action: Action) -> None:
    world = World()
    world.command(action)
    world.tick(100.0)
    assert [n for n in world.notes if isinstance(n, GuardChanged)] == []


def test_commands_given_twice_count_once() -> None:
    world = World()
    for action in (Action.PAUSE, Action.PAUSE, Action.KILL, Action.KILL):
        world.command(action)
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"paused": 1}
    assert [n.guard for n in world.notes if isinstance(n, GuardChanged)] == ["paused", "kill_switch"]


def test_funding_is_paid_by_longs_and_belongs_to_the_net() -> None:
    world = World(MARKET="futures", LEVERAGE=5)
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    due = START_MS + 2 * M1.ms + 1
    world.tick(100.0, funding=[FundingRate("BTCUSDT", due, 0.01)])
    (paid,) = [note for note in world.notes if isinstance(note, FundingPaid)]
    assert paid.amount == pytest.approx(paid.trade.quantity * 100.0 * 0.01)
    world.tick(100.0, 100.0, 99.0, 99.0)
    part = paid.trade.parts[-1]
    assert part.funding == paid.amount
    assert part.net == pytest.approx(-part.quantity * (100.02 - part.price) - part.fees - part.funding)


def test_a_late_candle_moves_exits_and_decides_nothing() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    world.tick(100.0, 101.5, 100.0, 101.0, readings=[wish()], late=True)
    (trade,) = world.book.trades.values()
    assert trade.stop_reason == "trailing_stop"
    assert world.rules() == {"opened": 1}
    assert world.book.time == START_MS + 2 * M1.ms


def test_a_raised_stop_is_amended_at_the_broker() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    (trade,) = world.book.trades.values()
    (command,) = world.logic.check_trade_exit(trade, world.candle(100.0, 101.5, 100.0, 101.0))
    assert command == AmendStop(trade.position_id, trade.stop_order_id, trade.stop, "trailing_stop")
    assert trade.stop == 100.99  # 101.5 less half a percent is 100.9925: towards the entry


def test_end_of_data_closes_what_is_open_and_drops_what_is_pending() -> None:
    world = World(("BTCUSDT", "ETHUSDT"))
    world.tick(100.0, readings=[wish()], others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(100.0, readings=[wish(symbol="ETHUSDT")], others=[world.candle(100.0, symbol="ETHUSDT")])
    world.engine.finish()
    assert world.fills()[-1][0] == "end_of_data"
    assert world.book.pending == {}
    assert world.book.pool.equity == world.book.pool.free


def test_a_fill_of_a_trade_that_is_not_open_stops_the_run() -> None:
    world = World()
    fill = Fill(0, 9, 9, "BTCUSDT", Role.STOP, Direction.LONG, 1.0, 1.0, 0.0, 0.0, "stop_loss")
    with pytest.raises(InvariantError, match="not open"):
        world.logic.handle(fill)
    entry = Fill(0, 9, 9, "BTCUSDT", Role.ENTRY, Direction.LONG, 1.0, 1.0, 0.0, 0.0, "entry")
    with pytest.raises(InvariantError, match="no entry was waiting"):
        world.logic.handle(entry)


def test_an_entry_without_a_signal_stops_the_run() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    pending = world.pending
    world.book.pending[1] = structs.replace(pending, reading=structs.replace(pending.reading, signal=None))
    with pytest.raises(InvariantError, match="has no signal"):
        world.tick(100.0)


def test_a_drop_of_an_order_that_is_not_pending_changes_nothing() -> None:
    world = World()
    before = repr(world.book)
    assert world.logic.handle(OrderDropped(0, 9, "BTCUSDT", "expired")) == []
    assert repr(world.book) == before


def test_a_second_order_to_close_is_not_sent() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    (trade,) = world.book.trades.values()
    assert len(list(world.logic.close_trade(trade, "kill_switch", 0))) == 1
    assert list(world.logic.close_trade(trade, "drawdown", 0)) == []


def test_orders_for_a_position_that_is_gone_are_void() -> None:
    world = World()
    nan = math.nan
    stop = OrderRequest(5, 4, "BTCUSDT", Role.STOP, Direction.LONG, 1.0, 99.0, 1.0, "stop_loss", 0)
    close = OrderRequest(6, 4, "BTCUSDT", Role.CLOSE, Direction.LONG, 1.0, nan, 1.0, "kill_switch", 0)
    for command in (SubmitOrder(stop), AmendStop(4, 5, 99.5, "breakeven"), CancelOrder(4, 5), SubmitOrder(close)):
        world.broker.send(command)
    world.tick(100.0)
    assert world.fills() == []


def test_cancelled_stops_and_targets_do_not_fill() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    (trade,) = world.book.trades.values()
    for order_id in [trade.stop_order_id, *(target.order_id for target in trade.targets)]:
        world.broker.send(CancelOrder(trade.position_id, order_id))
    world.broker.send(AmendStop(trade.position_id, 77, 99.9, "breakeven"))
    world.tick(100.0, 110.0, 90.0, 100.0)
    assert len(world.fills()) == 1
