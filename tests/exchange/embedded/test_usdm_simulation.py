"""By candle the exchange fills as the simulated broker does: same order, same times, same prices."""

from __future__ import annotations

from random import Random

import msgspec
import numpy as np
import pytest

from tests.builders import settings
from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.usdm_hands import Hands
from tests.exchange.embedded.usdm_traders import Bar, futures
from trader.core.candle import Candle
from trader.core.commands import SubmitOrder
from trader.core.events import Instant
from trader.core.instrument import Grid, Instrument
from trader.core.order import Fill, OrderRequest, Role
from trader.core.signal import Direction
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.simulation.broker import SimulatedBroker

MINUTES = 40
SETTINGS = settings(MARKET="futures")


class Plan(msgspec.Struct, frozen=True):
    """A trade that begins with the first candle: a stop and two targets at their prices."""

    direction: Direction
    leverage: int
    quantity: float
    stop: float
    targets: tuple[tuple[float, float], ...]


class Endless:
    """A purse that covers everything."""

    def covers(self, request: OrderRequest, price: float, fee: float) -> bool:
        return True


def bars(random: Random, wildness: float) -> list[Bar]:
    """Return minutes that wander, with gaps now and then."""
    made, price = [], 100.0
    for _ in range(MINUTES):
        gap = random.gauss(0, 4 * wildness) if random.random() < 0.2 else 0.0
        opened = round(price * (1 + gap), 2)
        closed = round(opened * (1 + random.gauss(0, wildness)), 2)
        high = round(max(opened, closed) * (1 + abs(random.gauss(0, wildness))), 2)
        low = round(min(opened, closed) * (1 - abs(random.gauss(0, wildness))), 2)
        made.append((opened, high, low, closed))
        price = closed
    return made


def planned(random: Random, opened: float) -> Plan:
    """Return a trade around `opened`; its stop may lie beyond the liquidation."""
    direction = random.choice([Direction.LONG, Direction.SHORT])
    stop = round(opened * (1 - direction * random.uniform(0.003, 0.03)), 2)
    first = random.uniform(0.003, 0.02)
    levels = [round(opened * (1 + direction * distance), 2) for distance in (first, first * random.uniform(1.2, 2))]
    return Plan(direction, random.choice([5, 20, 50]), 1.0, stop, ((levels[0], 0.4), (levels[1], 0.6)))


def simulated(plan: Plan, minutes: list[Bar]) -> list[Fill]:
    """Return the fills of the simulated broker."""
    instrument = Instrument("BTCUSDT", Grid("0.01"), Grid("0.001"), 0.0, 0.0)
    broker = SimulatedBroker(SETTINGS, {"BTCUSDT": Timeframe.MIN_1}, {"BTCUSDT": instrument}, Endless())
    common = (plan.direction, plan.quantity)
    broker.send(SubmitOrder(request(1, Role.ENTRY, *common, np.nan, plan.leverage)))
    found: list[Fill] = []
    for at, (opened, high, low, closed) in enumerate(minutes):
        candle = Candle("BTCUSDT", Timeframe.MIN_1, PLAY_MS + at * MINUTE_MS, opened, high, low, closed, 1.0)
        for fill in broker.match(Instant(candle.close_time, (candle,))):
            assert isinstance(fill, Fill)
            found.append(fill)
            if fill.role is Role.ENTRY:
                broker.send(SubmitOrder(request(2, Role.STOP, *common, plan.stop, plan.leverage)))
                for number, (price, quantity) in enumerate(plan.targets, 3):
                    broker.send(
                        SubmitOrder(request(number, Role.TARGET, plan.direction, quantity, price, plan.leverage))
                    )
    return found


def request(
    number: int, role: Role, direction: Direction, quantity: float, price: float, leverage: float
) -> OrderRequest:
    return OrderRequest(number, 1, "BTCUSDT", role, direction, quantity, price, leverage, str(role), PLAY_MS)


def played(plan: Plan, minutes: list[Bar]) -> list[tuple[int, float, float, float]]:
    """Return time, quantity, price and fee of each execution at the exchange."""
    hands = Hands(futures(*minutes))
    hands.prepared(plan.leverage)
    opening, closing = ("BUY", "SELL") if plan.direction > 0 else ("SELL", "BUY")
    side = {"positionSide": "LONG" if plan.direction > 0 else "SHORT"}
    hands.order(side=opening, type="MARKET", quantity=plan.quantity, **side)
    hands.algo(side=closing, type="STOP_MARKET", quantity=plan.quantity, triggerPrice=plan.stop, **side)
    for price, quantity in plan.targets:
        hands.order(side=closing, type="LIMIT", timeInForce="GTC", quantity=quantity, price=price, **side)
    for _ in range(MINUTES):
        hands.pass_minutes(1)
    rows = hands.trades()
    return [(row["time"], float(row["qty"]), float(row["price"]), float(row["commission"])) for row in rows]


@pytest.mark.parametrize("seed", range(120))
def test_fills_are_those_of_the_simulation(seed: int) -> None:
    random = Random(seed)
    minutes = bars(random, random.choice([0.001, 0.004, 0.01]))
    plan = planned(random, minutes[0][0])
    wanted = [(fill.time, fill.quantity, fill.price, fill.fee) for fill in simulated(plan, minutes)]
    found = played(plan, minutes)
    assert [row[0] for row in found] == [row[0] for row in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours == pytest.approx(theirs, abs=2e-8)


def test_every_way_to_end_is_among_these_trades() -> None:
    roles = set()
    for seed in range(120):
        random = Random(seed)
        minutes = bars(random, random.choice([0.001, 0.004, 0.01]))
        roles |= {fill.role for fill in simulated(planned(random, minutes[0][0]), minutes)}
    assert roles == {Role.ENTRY, Role.STOP, Role.TARGET, Role.LIQUIDATION}
