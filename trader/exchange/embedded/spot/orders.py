"""Orders of spot, lists of them, and executions: what the exchange remembers."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.accounts.ledger import Hold
from trader.exchange.embedded.matching.touch import Resting


class Side(StrEnum):
    """Which way base asset moves."""

    BUY = "BUY"
    SELL = "SELL"


class Type(StrEnum):
    """The kinds of orders (binance.md, section 4)."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class TimeInForce(StrEnum):
    """How long an order waits."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


STOPS = frozenset({Type.STOP_LOSS, Type.STOP_LOSS_LIMIT})
TAKES = frozenset({Type.TAKE_PROFIT, Type.TAKE_PROFIT_LIMIT})
TRIGGERED = STOPS | TAKES
LIMITED = frozenset({Type.LIMIT, Type.LIMIT_MAKER, Type.STOP_LOSS_LIMIT, Type.TAKE_PROFIT_LIMIT})
OPEN = frozenset({Status.NEW, Status.PENDING_NEW, Status.PARTIALLY_FILLED})


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for, its texts checked; None is not sent. Without `client_id` one is made up."""

    symbol: str
    side: Side
    type: Type
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    iceberg: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    client_id: str = ""
    strategy_id: int | None = None
    strategy_type: int | None = None
    self_trade: str = "EXPIRE_MAKER"

    @property
    def buying(self) -> bool:
        """Whether base asset is bought."""
        return self.side is Side.BUY

    @property
    def rising(self) -> bool:
        """Whether its stop price is reached from below."""
        return (self.type in STOPS) == self.buying


class Trade(msgspec.Struct, frozen=True):
    """One execution; `commission` is of `asset`."""

    id: int
    order_id: int
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    asset: str
    time: int
    maker: bool


class Order(msgspec.Struct, kw_only=True):
    """One order. Times in ms of the play; `working_since` -1 while it is not on the book.

    `list_id` -1 stands alone. `reason` says why it expired. Before `seen_at`, wall seconds, queries do not know it.
    `since`: prices count for it from then on.
    """

    id: int
    uid: int
    wish: Wish
    client_id: str
    quantity: Decimal
    placed: int
    updated: int
    since: int
    working_since: int = -1
    list_id: int = -1
    status: Status = Status.NEW
    triggered: bool = False
    hold: Hold | None = None
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    trades: list[Trade] = []
    reason: str = ""
    seen_at: float = 0.0

    @property
    def open(self) -> bool:
        """Whether anything may still happen to it."""
        return self.status in OPEN

    @property
    def pending(self) -> bool:
        """Whether it waits for another order to fill."""
        return self.status is Status.PENDING_NEW

    @property
    def left(self) -> Decimal:
        """What is not executed yet."""
        return self.quantity - self.executed

    @property
    def waits_for_stop(self) -> bool:
        """Whether its stop price is still ahead."""
        return self.wish.type in TRIGGERED and not self.triggered

    def resting(self) -> Resting:
        """Return the price that it waits for."""
        wish = self.wish
        if self.waits_for_stop:
            adverse = wish.type in STOPS
            return Resting(self.id, wish.rising, float(wish.stop_price or 0), False, adverse, self.since)
        return Resting(self.id, not wish.buying, float(wish.price or 0), True, False, self.since)


class Contingency(StrEnum):
    """What ties the orders of a list: one cancels the other, or one triggers the other."""

    OCO = "OCO"
    OTO = "OTO"


class OrderList(msgspec.Struct, kw_only=True):
    """Orders that belong together: an OCO's two; of OTO and OTOCO the working one, then the pending."""

    id: int
    uid: int
    symbol: str
    client_id: str
    contingency: Contingency
    orders: list[Order]
    time: int
    done: bool = False

    @property
    def pending(self) -> list[Order]:
        """The orders that the first one of an OTO triggers."""
        return self.orders[1:] if self.contingency is Contingency.OTO else []

    @property
    def rivals(self) -> list[Order]:
        """The two of which one cancels the other; none in an OTO of two."""
        return self.orders[-2:] if self.contingency is Contingency.OCO or len(self.orders) == 3 else []
