"""Laws of the core under anything that can happen: random candles, signals, commands."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import M1, START_MS
from tests.trading.worlds import World, wish
from trader.core.errors import InvariantError
from trader.core.events import Action, FundingRate
from trader.core.signal import Direction, Pattern
from trader.trading.checks import ENTRY_CHECKS, PORTFOLIO_LIMITS, SIGNAL_CHECKS, wish_of
from trader.trading.limits.base import Proposal
from trader.trading.notes import PartClosed, StopMoved, TradeOpened

COINS = ("BTCUSDT", "ETHUSDT")
MOVES = st.floats(min_value=-0.03, max_value=0.03)
STEP = st.fixed_dictionaries(
    {
        "moves": st.tuples(MOVES, MOVES),
        "spread": st.floats(min_value=0, max_value=0.01),
        "signals": st.lists(st.tuples(st.sampled_from(COINS), st.sampled_from(list(Pattern))), max_size=2),
        "probability": st.sampled_from([0.5, 0.66, 0.75, 0.9]),
        "action": st.sampled_from([None] * 12 + list(Action)),
        "funding": st.sampled_from([None] * 5 + [0.0001, -0.0003, 0.01]),
        "missing": st.booleans(),
    }
)
RULES = st.fixed_dictionaries(
    {
        "MARKET": st.sampled_from(["spot", "futures"]),
        "MAX_POSITION_SIZE_PCT": st.sampled_from([0.1, 0.33, 1.0]),
        "MAX_PORTFOLIO_RISK": st.sampled_from([0.002, 0.05, 1.0]),
        "DAILY_LOSS_LIMIT": st.sampled_from([0, 0.01]),
        "STOP_MODE": st.sampled_from(["pattern", "atr"]),
        "MIN_NET_PROFIT_PCT": st.sampled_from([0.0, -1.0]),
        "MAX_CONCURRENT_TRADES": st.sampled_from([1, 3]),
    }
)


def play(world: World, steps: list[dict[str, Any]], cut: int = -1) -> None:
    prices = dict.fromkeys(COINS, 100.0)
    for at, step in enumerate(steps):
        if at == cut:
            world.save_and_load()
        if step["action"]:
            world.command(step["action"])
        candles = []
        for symbol, move in zip(COINS, step["moves"], strict=True):
            before = prices[symbol]
            after = prices[symbol] = max(1.0, before * (1 + move))
            high, low = max(before, after) * (1 + step["spread"]), min(before, after) * (1 - step["spread"])
            candles.append(world.candle(before, high, low, after, symbol=symbol))
        readings = [
            wish(prices[symbol], symbol=symbol, pattern=pattern, probability=step["probability"], trend=1 - 0.01)
            for symbol, pattern in step["signals"]
        ]
        due = START_MS + world.at * M1.ms + 30_000
        funding = [FundingRate("BTCUSDT", due, step["funding"])] if step["funding"] else []
        world.tick(readings=readings, others=candles[1:] if step["missing"] else candles, funding=funding)
        check(world)


def check(world: World) -> None:
    book, rules = world.book, world.settings
    scale = max(1.0, abs(book.pool.booked))
    assert abs(book.pool.free + book.reserved - book.pool.booked) <= 1e-9 * scale
    assert abs(book.worth() - book.pool.equity) <= 1e-6 * scale
    assert len(book.trades) + len(book.pending) <= rules.MAX_CONCURRENT_TRADES
    streams = [t.symbol for t in book.trades.values()] + [p.reading.symbol for p in book.pending.values()]
    assert len(streams) == len(set(streams))
    for trade in book.trades.values():
        left = sum(target.quantity for target in trade.targets)
        assert math.isclose(left, trade.quantity_left, rel_tol=1e-9)
        assert trade.direction * trade.stop >= trade.direction * trade.first_stop
    if book.guards.paused or book.guards.killed or book.guards.day_lost:
        assert all(p.request.decided < book.time for p in book.pending.values())
    assert set(world.broker.state.positions) == set(book.trades)


@given(RULES, st.lists(STEP, min_size=5, max_size=60))
@settings(max_examples=60, deadline=None)
def test_the_books_hold_whatever_happens(rules: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    leverage = 10 if rules["MARKET"] == "futures" else 1
    world = World(COINS, LEVERAGE=leverage, **rules)
    play(world, steps)
    world.engine.finish()
    parts = [note.part for note in world.notes if isinstance(note, PartClosed)]
    trades = {note.trade.id: note.trade for note in world.notes if isinstance(note, TradeOpened)}
    assert not world.book.trades
    assert world.book.reserved == 0
    assert math.isclose(world.book.pool.free, 10_000 + sum(part.net for part in parts), rel_tol=1e-9)
    for trade in trades.values():
        assert math.isclose(sum(part.quantity for part in trade.parts), trade.quantity, rel_tol=1e-9)
        assert math.isclose(sum(part.fees for part in trade.parts), trade.fees, rel_tol=1e-9)
        assert math.isclose(sum(part.funding for part in trade.parts), trade.funding, rel_tol=1e-9, abs_tol=1e-9)
    assert world.book.won + world.book.lost == len(trades)
    moved = [note for note in world.notes if isinstance(note, StopMoved)]
    assert all(note.trade.direction in (Direction.LONG, Direction.SHORT) for note in moved)


@given(RULES, st.lists(STEP, min_size=5, max_size=40), st.data())
@settings(max_examples=30, deadline=None)
def test_saving_and_loading_in_between_changes_nothing(
    rules: dict[str, Any], steps: list[dict[str, Any]], data: Any
) -> None:
    leverage = 10 if rules["MARKET"] == "futures" else 1
    straight, saved = World(COINS, LEVERAGE=leverage, **rules), World(COINS, LEVERAGE=leverage, **rules)
    play(straight, steps)
    play(saved, steps, cut=data.draw(st.integers(1, len(steps) - 1)))
    assert saved.fills() == straight.fills()
    assert msgspec.msgpack.encode(saved.book) == msgspec.msgpack.encode(straight.book)


@pytest.mark.parametrize("limit", PORTFOLIO_LIMITS, ids=lambda limit: limit.rule)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("field", ["price", "stop", "quantity"])
def test_a_limit_never_approves_what_is_not_a_number(limit: Any, bad: float, field: str) -> None:
    world = World(MARKET="futures", LEVERAGE=5)
    sane = {"price": 100.0, "stop": 99.5, "quantity": 1.0}
    proposal = Proposal(0, "BTCUSDT", Direction.LONG, **{**sane, field: bad}, leverage=5.0)
    uses = {"portfolio_risk": sane, "beyond_liquidation": {"price", "stop"}}.get(limit.rule, {"price", "quantity"})
    if field not in uses:
        pytest.skip("the rule does not look at it")
    assert limit.check(proposal, world.book, world.settings) is not None


@pytest.mark.parametrize("limit", PORTFOLIO_LIMITS, ids=lambda limit: limit.rule)
def test_a_limit_leaves_the_books_as_they_were(limit: Any) -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    before = repr(world.book)
    limit.check(Proposal(0, "BTCUSDT", Direction.LONG, 100.0, 99.5, 1.0, 1.0), world.book, world.settings)
    assert repr(world.book) == before


@pytest.mark.parametrize("check", [*SIGNAL_CHECKS, *ENTRY_CHECKS], ids=lambda check: check[1])
def test_a_check_leaves_the_books_as_they_were(check: Any) -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    before = repr(world.book)
    reading = wish()
    assert reading.signal is not None
    check[2](wish_of(reading, reading.signal, 0), world.book, world.settings)
    assert repr(world.book) == before


def test_books_that_contradict_themselves_stop_the_run() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.book.pool.free += 1.0
    with pytest.raises(InvariantError, match="the pool contradicts its bookings"):
        world.tick(100.0)
