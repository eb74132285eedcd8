"""One position: what it cost, what margin it holds, and the price at which that is used up."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO, nearest
from trader.exchange.embedded.usdm.orders import PositionSide


class Position(msgspec.Struct, kw_only=True):
    """`quantity` is negative when short, and so is `cost`, the sum of quantity times price. `margin` is its own
    where it is isolated, exact to 60 digits. `since`: prices count against it from then on, ms of the play.

    `realised` is what it has brought in all its lives. `id` is negative, so that it is no order's. `called`: its
    owner has been warned.
    """

    id: int
    uid: int
    symbol: str
    side: PositionSide
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    margin: Decimal = ZERO
    isolated: bool = False
    realised: Decimal = ZERO
    updated: int = 0
    since: int = 0
    called: bool = False

    @property
    def entry(self) -> Decimal:
        """The mean price at which it was opened, 0 when flat."""
        return CONTEXT.divide(self.cost, self.quantity) if self.quantity else ZERO

    @property
    def long(self) -> bool:
        """Whether it gains when prices rise."""
        return self.quantity > 0

    def unrealised(self, price: Decimal) -> Decimal:
        """Return what it would bring at `price`.

        >>> bought(Decimal(2), Decimal(100)).unrealised(Decimal(103))
        Decimal('6.00000000')
        """
        return nearest(CONTEXT.subtract(CONTEXT.multiply(self.quantity, price), self.cost))

    def closable(self, sign: int, quantity: Decimal) -> Decimal:
        """Return how much of an order over `quantity` (`sign` 1 buys) makes it smaller."""
        return min(quantity, abs(self.quantity)) if self.quantity * sign < 0 else ZERO

    def grow(self, signed: Decimal, price: Decimal, margin: Decimal) -> None:
        """Add a quantity, negative when sold, and the margin that goes with it."""
        self.quantity += signed
        self.cost = CONTEXT.add(self.cost, CONTEXT.multiply(signed, price))
        self.margin = CONTEXT.add(self.margin, margin)

    def shrink(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Take `quantity` off at `price`, with its share of cost and margin; return what that brings.

        >>> bought(Decimal(2), Decimal(100)).shrink(Decimal(1), Decimal(97))
        Decimal('-3.00000000')
        """
        share = CONTEXT.divide(quantity, abs(self.quantity))
        signed = quantity if self.long else -quantity
        cost = CONTEXT.multiply(self.cost, share)
        realised = nearest(CONTEXT.subtract(CONTEXT.multiply(signed, price), cost))
        self.quantity -= signed
        whole = not self.quantity
        self.cost = ZERO if whole else CONTEXT.subtract(self.cost, cost)
        self.margin = ZERO if whole else CONTEXT.multiply(self.margin, CONTEXT.subtract(Decimal(1), share))
        self.realised += realised
        return realised

    def price_at(self, funds: Decimal) -> Decimal:
        """Return the price at which the position has lost `funds`.

        >>> bought(Decimal(2), Decimal(100)).price_at(Decimal(20))
        Decimal('90')
        """
        return CONTEXT.subtract(self.entry, CONTEXT.divide(funds, self.quantity))


def bought(quantity: Decimal, price: Decimal) -> Position:
    """Return a long position, as examples need it."""
    return Position(id=-1, uid=0, symbol="BTCUSDT", side=PositionSide.BOTH, quantity=quantity, cost=quantity * price)
