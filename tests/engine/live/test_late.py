"""Candles that come when their instant is over: what they move, what they leave alone, what is said meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import M1, START_MS, candle, walk
from tests.engine.live.rigs import BEGIN, EAGER, Listener, Rig, daemon, refused, tables_of, two_coins, until
from tests.trading.worlds import World, wish
from trader.core.candle import Candle
from trader.core.commands import AmendStop, Command
from trader.core.events import Instant
from trader.core.order import Fill, OrderDropped
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.engine.live.careful import CarefulEngine
from trader.engine.live.gap_opinions import GapOpinions
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import LiveOpinions, stream_opinions
from trader.trading.notes import Refused

BTC, ETH = ("BTCUSDT", M1), ("ETHUSDT", M1)


def late(world: World, *candles: Candle) -> None:
    """Let candles come whose instant is over."""
    world.readings = ()
    CarefulEngine(world.engine).step(Instant(candles[0].close_time, candles, late=True))


def test_a_late_candle_stops_a_trade_that_was_open_then() -> None:
    world = World()
    world.tick(100, readings=[wish()])
    world.tick(100)
    world.tick()  # its candle has not come
    world.tick(100.5)
    late(world, candle(99, low=90, open=100, at=2))
    assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]
    assert world.book.last_close["BTCUSDT"] == 100.5
    assert world.book.last_close_time["BTCUSDT"] == START_MS + 4 * MINUTE_MS
    assert world.book.time == START_MS + 4 * MINUTE_MS


def test_a_late_candle_leaves_a_trade_alone_that_was_entered_after_it() -> None:
    world = World()
    world.tick(100)
    world.tick(readings=[wish()])  # decided at the end of the candle that is missing
    world.tick(100)
    before = [(trade.peak, trade.stop) for trade in world.book.trades.values()]
    late(world, candle(99, low=90, high=130, open=100, at=1))
    assert [reason for reason, _, _ in world.fills()] == ["entry"]
    assert [(trade.peak, trade.stop) for trade in world.book.trades.values()] == before
    world.tick(99, 99, 90, 95)
    assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]


class AtAnExchange:
    """Orders that rest where nobody can keep them out of reach: nothing of them is remembered here."""

    def __init__(self, broker: SimulatedBroker) -> None:
        self.told: list[Command] = []
        self._broker = broker

    def send(self, command: Command) -> None:
        self.told.append(command)
        self._broker.send(command)

    def match(self, instant: Instant) -> Iterator[Fill | OrderDropped]:
        return iter(()) if instant.late else self._broker.match(instant)

    def close_out(self, last_close: Mapping[str, float], last_close_time: Mapping[str, int]) -> Iterator[Fill]:
        return iter(())

    @property
    def state(self) -> BrokerState:
        return BrokerState()


def test_a_late_candle_moves_no_stop_at_an_exchange_of_a_trade_that_was_entered_after_it() -> None:
    world = World()
    exchange = world.engine.broker = AtAnExchange(world.broker)
    world.tick(100)
    world.tick(readings=[wish()])
    world.tick(100)
    (trade,) = world.book.trades.values()
    before = trade.stop
    late(world, candle(99, low=90, high=130, open=100, at=1))
    moves = [each for each in exchange.told if isinstance(each, AmendStop)]
    assert trade.stop == before
    assert [each.price == before for each in moves[-1:]] == [True] * len(moves[-1:])
    assert len(moves) != 1  # moved and put back, or left alone


def test_the_older_of_two_trades_is_in_its_reach() -> None:
    world = World(TIMEFRAMES=["1min", "5min"], MAX_POSITION_SIZE_PCT=0.1)
    world.tick(100, readings=[wish()])
    world.tick(100)
    world.tick(readings=[wish(timeframe=Timeframe.MIN_5)])
    world.tick(100)
    late(world, candle(99, low=90, open=100, at=2))
    assert [(trade.timeframe, trade.quantity_left > 0) for trade in world.book.trades.values()] == [
        (Timeframe.MIN_5, True)
    ]
    assert list(world.broker.state.positions) == list(world.book.trades)


def test_a_coin_that_is_held_says_gap_and_is_not_fed() -> None:
    whole, other = walk(200), walk(200, seed=2, symbol="ETHUSDT")
    opinions = GapOpinions(LiveOpinions(GeometryStrategy(), [BTC, ETH]), [BTC, ETH])
    both = list(zip(whole.candles(), other.candles(), strict=True))
    for one, two in both[:150]:
        opinions.read(Instant(one.close_time, (one, two)))
    opinions.hold("BTCUSDT")
    opinions.read(Instant(both[150][1].close_time, (both[150][1],)))
    for one, two in both[151:160]:
        readings = opinions.read(Instant(one.close_time, (one, two)))
        assert [(each.symbol, each.ready, each.gap) for each in readings] == [
            ("BTCUSDT", True, True),
            ("ETHUSDT", True, False),
        ]
    assert opinions.read(Instant(both[150][0].close_time, (both[150][0],), late=True)) == ()
    opinions.reload(whole.rows(0, 160))
    opinions.release("BTCUSDT")
    (reading,) = opinions.read(Instant(both[160][0].close_time, (both[160][0],)))
    batch = stream_opinions(whole, GeometryStrategy(), 0)
    assert (reading.gap, reading.ready, reading.ema50, reading.atr14) == (
        False,
        True,
        batch.ema50[160],
        batch.atr14[160],
    )


def test_a_stream_that_warms_up_says_so_first() -> None:
    opinions = GapOpinions(LiveOpinions(GeometryStrategy(), [BTC]), [BTC])
    opinions.read(Instant(0, (candle(at=0),)))
    opinions.hold("BTCUSDT")
    (reading,) = opinions.read(Instant(0, (candle(at=2),)))
    assert (reading.ready, reading.gap) == (False, True)


async def run_with_a_gap(rig: Rig, audience: Listener, away: int) -> None:
    """Let ETHUSDT's stream lose candles while REST does not answer, so that instants go on; then let REST answer."""
    running = asyncio.create_task(rig.to_the_end())
    await rig.trader.intake.connected.wait()
    rig.rate("5xx", 1.0)
    rig.arm("gap", "ethusdt@kline_1m", count=away)
    await until(lambda: refused(audience, "gap"))
    rig.rate("5xx", 0.0)
    await running


@pytest.mark.parametrize("away", [1, 3])
async def test_an_instant_goes_on_without_a_coin_and_its_kernels_know_all_when_it_came(
    tmp_path: Path, away: int
) -> None:
    source, audience, end = two_coins(), Listener(), BEGIN + 60 * MINUTE_MS
    wait: dict[str, Any] = {"INSTANT_WAIT_MS": {"spot": 100, "futures": 100}}
    async with daemon(tmp_path, source, end=end, speed=2_400.0, audience=audience, **wait) as rig:
        await run_with_a_gap(rig, audience, away)
        counters = rig.trader.intake.assembler.counters
        assert counters.late >= away
        assert rig.trader.intake.assembler.gaps == set()
    seen = {(n.reading.symbol, n.reading.timeframe, n.time): n.reading for n in audience.of(Refused)}
    gaps = [key for key, reading in seen.items() if reading.gap]
    assert {name for name, _, _ in gaps} == {"ETHUSDT"}
    table = tables_of(source)[1].between(BEGIN - EAGER["PRELOAD_CANDLES"] * MINUTE_MS, end)
    batch = stream_opinions(table, GeometryStrategy(), BEGIN)
    known = dict(zip(batch.time.tolist(), batch.ema50.tolist(), strict=True))
    after = [key for key in seen if key[:2] == ETH and key[2] > max(key[2] for key in gaps)]
    assert len(after) > 10
    assert all(seen[key].ema50 == known[key[2]] and not seen[key].gap for key in after)
    assert not np.isnan([seen[key].ema50 for key in after]).any()
