"""The next request for a position, from what is wanted and what is: one pure look, no memory of what was tried.

The order of looks is the order of dangers: what is in doubt is looked up before anything else is sent; what is held
is guarded before anything is gained; what is left over is withdrawn last.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trader.core.account import Execution, PositionSide
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest, Side, side_of
from trader.core.settings import Market
from trader.core.venue import Leg, NewList, NewOrder, NewStop, OrderKind, Request
from trader.execution.client_ids import ClientId, Purpose
from trader.execution.desk.holding import Holding, Sent, ended
from trader.execution.desk.shares import Share, shares
from trader.execution.states import Order, OrderState
from trader.execution.wire_numbers import cut, price_text

PROTECTIONS = (Purpose.STOP, Purpose.TARGET)
#: How far behind its trigger a stop's limit lies, as a fraction, where the venue has no stops at market for a symbol.
BEHIND = 0.05
#: Orders of a list.
LEGS = 2


class Look(msgspec.Struct, frozen=True):
    """Ask what became of an order."""

    client_id: str


class Place(msgspec.Struct, frozen=True):
    """Send a request; `sent` are its orders: one, or the legs of a list."""

    sent: tuple[Sent, ...]
    request: Request


class Cancel(msgspec.Struct, frozen=True):
    """Withdraw an order, or the whole list that it belongs to.

    What guards is taken away only with room for the `orders` that must follow; `urgent`: they close what is held.
    """

    client_id: str
    orders: int = 0
    urgent: bool = False


class Finish(msgspec.Struct, frozen=True):
    """Nothing is held, nothing rests: the position has ended, or never began."""


Step = Look | Place | Cancel | Finish


def orders_of(request: Request) -> int:
    """Return how many orders a request counts as."""
    return LEGS if isinstance(request, NewList) else 1


def orders_to_guard(missing: list[Share], quantity: Decimal) -> int:
    """Return how many orders guard what can be guarded of `quantity`; those of one list where it is too little."""
    orders = 0
    for share in missing:
        if share.quantity <= quantity:
            quantity -= share.quantity
            orders += 1 if share.target is None else LEGS
    return orders or LEGS


class Planner:
    """Tells the next step of a position. `run` names the pool of capital in client ids.

    `stops_at_limit`: the venue takes no stops at market for the symbol (spot: STOP_LOSS is not among its orderTypes).
    """

    def __init__(self, market: Market, run: str, instrument: Instrument, stops_at_limit: bool = False) -> None:
        self._stops_at_limit = stops_at_limit
        self._market = market
        self._run = run
        self._instrument = instrument

    def next(self, holding: Holding) -> Step | None:
        """Return what is to be done now; None while all is as it should be."""
        for sent in holding.sent.values():
            if sent.in_doubt:
                return Look(sent.client_id)
        entries = list(holding.of(Purpose.ENTRY))
        if not entries:
            return Finish() if holding.dropped else self._entry(holding)
        if self.sellable(holding) <= 0:
            return self._clear(holding, PROTECTIONS) or (Finish() if self._is_over(holding) else None)
        if holding.closing:
            return self._close(holding)
        return self._protect_spot(holding) if self._market == "spot" else self._protect_futures(holding)

    @staticmethod
    def _is_over(holding: Holding) -> bool:
        """Tell whether nothing can come any more, and all that was executed has been told."""
        return ended(holding.sent.values()) and not any(each.order.untold for each in holding.sent.values())

    def sellable(self, holding: Holding) -> Decimal:
        """Return what is held, on the step."""
        return cut(self._instrument, max(Decimal(0), holding.owned))

    def guarded(self, holding: Holding) -> bool:
        """Tell whether stops rest for all that is held; a hedge has none and needs none."""
        if holding.entry.reason == "hedge_open":
            return True
        return sum((each.order.left for each in holding.resting(Purpose.STOP)), Decimal(0)) >= self.sellable(holding)

    # --- what is held is to go ------------------------------------------------------------------------------------

    def _close(self, holding: Holding) -> Step | None:
        """Free what targets hold, then sell; stops guard to the end where the exchange lets them."""
        first = PROTECTIONS if self._market == "spot" else (Purpose.TARGET,)
        withdraw = self._clear(holding, first)
        if withdraw is not None or holding.resting(Purpose.CLOSE):
            return withdraw and msgspec.structs.replace(withdraw, orders=1, urgent=True)
        close = holding.close
        quantity = format(self.sellable(holding), "f")
        return self._order(holding, Purpose.CLOSE, quantity, close.order_id if close else 0, holding.closing)

    def _clear(self, holding: Holding, purposes: tuple[Purpose, ...]) -> Cancel | None:
        """Withdraw one of what rests for `purposes`."""
        resting = holding.resting(*purposes)
        return Cancel(resting[0].client_id) if resting else None

    # --- futures: one stop of all that is held, a limit for each target ---------------------------------------------

    def _protect_futures(self, holding: Holding) -> Step | None:
        held = self.sellable(holding)
        stops = holding.resting(Purpose.STOP)
        wanted = [each for each in stops if holding.stop and self._same(each, holding.stop.price, held)]
        if holding.stop is not None and not wanted:
            # Stops that were to be withdrawn take up room that the venue may not have: one guards meanwhile.
            whole = [each for each in stops if each.order.left >= held]
            spare = next((each for each in stops if whole and each is not whole[-1]), None)
            return Cancel(spare.client_id) if spare else self._stop(holding, held)
        for each in stops:
            if not wanted or each is not wanted[-1]:
                return Cancel(each.client_id)
        return self._targets(holding)

    def _targets(self, holding: Holding) -> Step | None:
        resting = holding.resting(Purpose.TARGET)
        for each in resting:
            if each.order_id not in holding.targets:
                return Cancel(each.client_id)
        known = {each.order_id for each in resting}
        for target in self._nearest_first(holding):
            if target.order_id not in known:
                quantity = format(cut(self._instrument, Decimal(repr(target.quantity))), "f")
                return self._order(holding, Purpose.TARGET, quantity, target.order_id, target.reason, target.price)
        return None

    def _stop(self, holding: Holding, held: Decimal) -> Place:
        stop = holding.stop
        assert stop is not None
        sent = self._sent(holding, Purpose.STOP, held, stop.order_id, stop.reason, stop.price, conditional=True)
        request = NewStop(
            sent.client_id,
            holding.symbol,
            sent.order.side,
            OrderKind.STOP_MARKET,
            price_text(self._instrument, stop.price),
            format(held, "f"),
            self._side_of_position(holding),
        )
        return Place((sent,), request)

    # --- spot: lists of a target and a stop -------------------------------------------------------------------------

    def _protect_spot(self, holding: Holding) -> Step | None:
        stop = holding.stop
        if stop is None:
            return None
        held = self.sellable(holding)
        targets = self._nearest_first(holding)
        if 0 < holding.most < len(targets):
            targets = [*targets[: holding.most - 1], targets[-1]]
        missing = shares(held, targets, stop.price, self._instrument)
        stale: list[list[Sent]] = []
        free = held
        for legs in self._guards(holding):
            free -= max(leg.order.left for leg in legs if leg.rests)
            match = next((each for each in missing if self._guards_share(legs, each, stop.price)), None)
            if match is None:
                stale.append(legs)
            else:
                missing.remove(match)
        return self._replace(holding, missing, stale, free)

    def _replace(self, holding: Holding, missing: list[Share], stale: list[list[Sent]], free: Decimal) -> Step | None:
        """Put in place of one guard after the other what is wanted: the others guard meanwhile."""
        fitting = missing if not stale else [each for each in missing if each.quantity <= free]
        if fitting:
            return self._list(holding, fitting[0])
        if stale:
            resting = [leg for leg in stale[0] if leg.rests]
            orders = orders_to_guard(missing, free + max(leg.order.left for leg in resting))
            return Cancel(resting[0].client_id, orders)
        return None

    def _guards(self, holding: Holding) -> list[list[Sent]]:
        """Return what guards: the legs of each list, and stops that stand alone."""
        alone = [[each] for each in holding.resting(*PROTECTIONS) if not each.list_id]
        return [*holding.lists().values(), *alone]

    def _guards_share(self, legs: list[Sent], share: Share, stop: float) -> bool:
        resting = {leg.purpose: leg for leg in legs if leg.rests}
        guard, target = resting.get(Purpose.STOP), resting.get(Purpose.TARGET)
        if guard is None or not self._same(guard, stop, share.quantity):
            return False
        if share.target is None or target is None:
            return share.target is None and target is None
        return target.order_id == share.target.order_id and self._same(target, share.target.price, share.quantity)

    def _list(self, holding: Holding, share: Share) -> Place:
        stop, wanted = holding.stop, share.target
        assert stop is not None
        guard = self._sent(holding, Purpose.STOP, share.quantity, stop.order_id, stop.reason, stop.price)
        trigger = price_text(self._instrument, stop.price)
        kind, limit = self._kind_of_stop(holding, stop.price)
        if wanted is None:
            alone = NewOrder(
                guard.client_id, holding.symbol, guard.order.side, kind, format(share.quantity, "f"), limit, trigger
            )
            return Place((guard,), alone)
        target = self._sent(
            holding, Purpose.TARGET, share.quantity, wanted.order_id, wanted.reason, wanted.price, attempt=guard.attempt
        )
        name = ClientId(self._run, holding.position_id, Purpose.LIST, 0, guard.attempt).text
        guard.list_id = target.list_id = name
        above = Leg(target.client_id, OrderKind.LIMIT_MAKER, price_text(self._instrument, wanted.price))
        below = Leg(guard.client_id, kind, limit, trigger)
        request = NewList(name, holding.symbol, guard.order.side, format(share.quantity, "f"), above, below)
        return Place((guard, target), request)

    def _kind_of_stop(self, holding: Holding, stop: float) -> tuple[OrderKind, str]:
        """Return the type of a stop and its limit, "" at market; a limit lies so far behind that it is one."""
        if not self._stops_at_limit:
            return OrderKind.STOP_LOSS, ""
        behind = stop * (1 - holding.direction * BEHIND)
        return OrderKind.STOP_LOSS_LIMIT, price_text(self._instrument, self._instrument.level_towards(behind, stop))

    def _nearest_first(self, holding: Holding) -> list[OrderRequest]:
        """Return what targets are still to close."""
        every = sorted(holding.targets.values(), key=lambda each: holding.direction * each.price)
        left = [(each, Decimal(repr(each.quantity)) - holding.executed(each.order_id)) for each in every]
        return [msgspec.structs.replace(each, quantity=float(rest)) for each, rest in left if rest > 0]

    # --- orders -----------------------------------------------------------------------------------------------------

    def taken(self, holding: Holding, executions: tuple[Execution, ...], reason: str, exchange_id: int) -> Sent:
        """Return an order that stands for what went without one of ours."""
        quantity = sum((each.quantity for each in executions), Decimal(0))
        sent = self._sent(holding, Purpose.TAKEN, quantity, 0, reason, float("nan"))
        sent.order = msgspec.structs.replace(
            sent.order,
            state=OrderState.FILLED,
            exchange_id=exchange_id,
            cumulative=quantity,
            executions=executions,
            time=max(each.time for each in executions),
        )
        return sent

    def _entry(self, holding: Holding) -> Place:
        request = holding.entry
        quantity = self._instrument.step.text(request.quantity)
        return self._order(holding, Purpose.ENTRY, quantity, request.order_id, request.reason)

    def _order(
        self,
        holding: Holding,
        purpose: Purpose,
        quantity: str,
        order_id: int,
        reason: str,
        price: float = float("nan"),
    ) -> Place:
        """Return a market order, or with a price a limit one."""
        sent = self._sent(holding, purpose, Decimal(quantity), order_id, reason, price)
        limit = price == price
        request = NewOrder(
            sent.client_id,
            holding.symbol,
            sent.order.side,
            OrderKind.LIMIT if limit else OrderKind.MARKET,
            quantity,
            price_text(self._instrument, price) if limit else "",
            position_side=self._side_of_position(holding),
        )
        return Place((sent,), request)

    def _sent(
        self,
        holding: Holding,
        purpose: Purpose,
        quantity: Decimal,
        order_id: int,
        reason: str,
        price: float,
        conditional: bool = False,
        attempt: int | None = None,
    ) -> Sent:
        """Return a new order; one that was never found at the exchange goes out again under its own id."""
        absent = next((each for each in holding.of(purpose) if each.order.state is OrderState.ABSENT), None)
        if absent is not None and absent.order.quantity == quantity and self._same(absent, price, quantity):
            return absent
        tries = PROTECTIONS if self._market == "spot" and purpose in PROTECTIONS else (purpose,)
        number = holding.next_attempt(*tries) if attempt is None else attempt
        client_id = ClientId(self._run, holding.position_id, purpose, 0, number).text
        side = side_of(holding.direction, purpose is not Purpose.ENTRY)
        order = Order(client_id, holding.symbol, side, quantity, conditional)
        return Sent(order, purpose, order_id, reason, price, attempt=number)

    def _same(self, sent: Sent, price: float, quantity: Decimal) -> bool:
        """Tell whether an order stands at `price` for `quantity`; both NaN are both at market."""
        alike = sent.price == price or (sent.price != sent.price and price != price)
        return alike and sent.order.left == quantity

    def _side_of_position(self, holding: Holding) -> PositionSide:
        if self._market == "spot":
            return PositionSide.BOTH
        return PositionSide.LONG if side_of(holding.direction, False) is Side.BUY else PositionSide.SHORT
