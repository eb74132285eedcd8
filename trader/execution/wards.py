"""Positions of a journal that is lost, known again by the client ids of what rests at the exchange.

Without `ADOPT_POSITIONS` they are said, and their stops and targets stay where they are: these guard to the end. With
it they become wards: a desk of their old run sees that what guards them goes on resting. They are outside the pool:
the core has no signal, no capital and no books for them. What has no stop of ours is refused: nothing says at which
price it should be guarded. So is everything of strangers, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, AlgoUpdate, Execution, OrderUpdate, PositionSide
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest, Role, Side, side_of
from trader.core.signal import Direction
from trader.execution.audit.adopt import adopted
from trader.execution.audit.seen import Seen
from trader.execution.client_ids import ClientId, Purpose, parse
from trader.execution.desk.holding import Holding, Sent, Stop
from trader.execution.states import Order, OrderState

NAN = float("nan")
Resting = OrderUpdate | AlgoUpdate


class Recognised(msgspec.Struct, frozen=True):
    """A position of another run: what guards it."""

    run: str
    position_id: int
    symbol: str
    direction: Direction
    stops: tuple[Resting, ...]
    targets: tuple[Resting, ...]

    @property
    def guarded(self) -> Decimal:
        """How much of it stops rest for. While a stop is being moved two may rest: the larger counts."""
        if any(isinstance(each, AlgoUpdate) for each in self.stops):
            return max((each.quantity for each in self.stops), default=ZERO)
        return sum((each.quantity - each.cumulative for each in self.stops), ZERO)

    @property
    def text(self) -> str:
        """What a person should know of it."""
        stops = ", ".join(f"{each.quantity:f} at {each.trigger:f}" for each in self.stops) or "none"
        return (
            f"{self.symbol}: position {self.position_id} of run {self.run} is not in the journal; stops that rest: "
            f"{stops}; targets: {len(self.targets)}"
        )


def recognised(run: str, seen: Seen) -> list[Recognised]:
    """Return the positions of runs other than `run` of which anything rests, by run and position id."""
    found: dict[tuple[str, int, str], list[tuple[Purpose, Resting]]] = {}
    resting: list[Resting] = [*seen.orders, *seen.stops]
    for each in resting:
        parts = parse(each.client_id)
        if parts is not None and parts.run != run and parts.purpose in (Purpose.STOP, Purpose.TARGET):
            found.setdefault((parts.run, parts.trade, each.symbol), []).append((parts.purpose, each))
    return [_recognised(*key, orders) for key, orders in sorted(found.items(), key=lambda item: item[0])]


def _recognised(run: str, position_id: int, symbol: str, orders: list[tuple[Purpose, Resting]]) -> Recognised:
    direction = Direction.LONG if orders[0][1].side is Side.SELL else Direction.SHORT
    stops = tuple(each for purpose, each in orders if purpose is Purpose.STOP)
    targets = tuple(each for purpose, each in orders if purpose is Purpose.TARGET)
    return Recognised(run, position_id, symbol, direction, stops, targets)


def refusal(position: Recognised, seen: Seen, instruments: Mapping[str, Instrument], bases: Mapping[str, str]) -> str:
    """Return why a position cannot become a ward, in words; "" when it can."""
    if position.symbol not in instruments:
        return f"{position.symbol} is none of COINS"
    if position.guarded <= 0:
        return "no stop of it rests: nothing says at which price it should be guarded"
    side = PositionSide.LONG if position.direction > 0 else PositionSide.SHORT
    coin = bases.get(position.symbol, "")
    held = seen.balances.get(coin, ZERO) if coin else seen.positions.get((position.symbol, side), ZERO)
    if held < position.guarded:
        return f"{held:f} are held, and its stops are for {position.guarded:f}"
    return ""


def ward(position: Recognised, base: str) -> Holding:
    """Return a position as a desk of its run sees to it: held is what its stops rest for, all of it told."""
    request = OrderRequest(
        position.position_id,
        position.position_id,
        position.symbol,
        Role.ENTRY,
        position.direction,
        float(position.guarded),
        NAN,
        1.0,
        "adopted",
        0,
    )
    holding = Holding(position.position_id, position.symbol, position.direction, base, request)
    entry = _entry(position)
    holding.sent = {entry.client_id: entry}
    holding.entered = holding.left = position.guarded
    best = max(position.stops, key=lambda each: each.trigger * int(position.direction))
    holding.stop = Stop(1, float(best.trigger), "stop_loss")
    for number, each in enumerate(_by_price(position.targets), start=2):
        holding.targets[number] = msgspec.structs.replace(
            request,
            order_id=number,
            role=Role.TARGET,
            quantity=float(each.quantity),
            price=float(each.price),
            reason="take_profit",
        )
    for update in (*position.stops, *position.targets):
        holding.sent[update.client_id] = adopted(holding, update)
    return holding


def _by_price(targets: Iterable[Resting]) -> list[OrderUpdate]:
    return sorted((each for each in targets if isinstance(each, OrderUpdate)), key=lambda each: each.price)


def _entry(position: Recognised) -> Sent:
    """Return an entry that stands for the lost one: executed, at a price that nobody knows any more."""
    name = ClientId(position.run, position.position_id, Purpose.ENTRY).text
    quantity = position.guarded
    order = Order(
        name,
        position.symbol,
        side_of(position.direction, closing=False),
        quantity,
        state=OrderState.FILLED,
        cumulative=quantity,
        executions=(Execution(-1, quantity, ZERO, 0),),
    )
    return Sent(order, Purpose.ENTRY, position.position_id, "adopted", NAN, told={-1})
