"""Bugs planted on purpose, to see that they are found: the real desk and door, each with one thing done wrong."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tests.simulate.life import Parts
from trader.core.account import OrderUpdate
from trader.core.errors import Unavailable
from trader.core.instrument import Instrument
from trader.core.venue import NewOrder
from trader.exchange.binance.trade_rest import TradeRest
from trader.execution.audit.auditor import Auditor
from trader.execution.audit.findings import Finding
from trader.execution.client_ids import ClientId, parse
from trader.execution.desk.attendant import Attendant
from trader.execution.desk.booking import Prices
from trader.execution.desk.courier import Update
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.desk.holding import Holding
from trader.execution.desk.means import Means
from trader.execution.desk.steps import Planner
from trader.execution.wire_numbers import cut

#: So much is added to the attempt of an id that is made up.
OTHER = 100


class ResendingRest(TradeRest):
    """Sends an order again under another id when it gets no answer."""

    async def place(self, order: NewOrder) -> OrderUpdate:
        try:
            return await super().place(order)
        except Unavailable:
            name = parse(order.client_id)
            assert name is not None
            other = ClientId(name.run, name.trade, name.purpose, name.part, name.attempt + OTHER).text
            told = await super().place(msgspec.structs.replace(order, client_id=other))
            return msgspec.structs.replace(told, client_id=order.client_id)


class ForgetfulPlanner(Planner):
    """Guards what an entry brought first, and forgets what came after it."""

    def sellable(self, holding: Holding) -> Decimal:
        held = super().sellable(holding)
        told = [each for sent in holding.sent.values() if sent.price != sent.price for each in sent.order.executions]
        return min(held, cut(self._instrument, told[0].quantity)) if told and not holding.closing else held


class ForgetfulDesk(Desk):
    """Plans with a `ForgetfulPlanner`."""

    def _made(self, planner: Planner, instrument: Instrument, prices: Prices, around: Surroundings) -> Means:
        return super()._made(ForgetfulPlanner(planner._market, planner._run, instrument), instrument, prices, around)


class BelievingAttendant(Attendant):
    """Remembers which orders an answer has told of."""

    answered: set[str]

    def _take_all(self, updates: Iterable[Update]) -> None:
        told = list(updates)
        self.answered |= {each.client_id for each in told}
        super()._take_all(told)


class BelievingDesk(Desk):
    """Believes answers more than events: what it was answered once, no event can change."""

    def _begin(self, holding: Holding) -> None:
        super()._begin(holding)
        attendant: Any = self._attendants[holding.position_id]
        attendant.__class__, attendant.answered = BelievingAttendant, set()

    def tell(self, update: Update) -> bool:
        attendant = self._attendants.get(self._by_client_id.get(update.client_id, -1))
        believed = isinstance(attendant, BelievingAttendant) and update.client_id in attendant.answered
        return believed or super().tell(update)


class CarelessDesk(Desk):
    """Never looks again, whatever it may have missed."""

    def look_again(self, symbol: str = "") -> None:
        """Do nothing."""


class BlindAuditor(Auditor):
    """Finds that all is well without looking."""

    async def audit(self) -> list[Finding]:
        """Find nothing."""
        return []


#: Each bug by its name, with the parts that have it.
BUGS = {
    "resend": Parts(orders=ResendingRest),
    "forget-stop": Parts(desk=ForgetfulDesk),
    "trust-answer": Parts(desk=BelievingDesk),
    "no-reconciliation": Parts(desk=CarelessDesk, auditor=BlindAuditor),
}
