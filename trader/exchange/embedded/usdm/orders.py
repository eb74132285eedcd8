"""Orders of USD-M, conditional ones, and executions: what the exchange remembers."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.matching.touch import Resting


class Side(StrEnum):
    """Which way the position moves."""

    BUY = "BUY"
    SELL = "SELL"


class PositionSide(StrEnum):
    """The position that an order is of: BOTH in one-way mode, else one of the two."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class Type(StrEnum):
    """The kinds of orders; all but the first two belong to the algo service (binance.md, section 5)."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"


class TimeInForce(StrEnum):
    """How long an order waits; GTX only makes."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class AlgoStatus(StrEnum):
    """Where a conditional order is in its life."""

    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


CONDITIONAL = frozenset(Type) - {Type.LIMIT, Type.MARKET}
STOPS = frozenset({Type.STOP, Type.STOP_MARKET})
LIMITED = frozenset({Type.LIMIT, Type.STOP, Type.TAKE_PROFIT})
#: Kinds that may close a whole position, whatever its quantity.
CLOSERS = frozenset({Type.STOP_MARKET, Type.TAKE_PROFIT_MARKET})
OPEN = frozenset({Status.NEW, Status.PARTIALLY_FILLED})
#: In hedge mode, what reduces a position.
REDUCES = {(Side.SELL, PositionSide.LONG), (Side.BUY, PositionSide.SHORT)}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for, its texts checked; None is not sent. Without `client_id` one is made up.

    `quantity` is None where the whole position is to be closed. `trigger` is that of conditional orders.
    """

    symbol: str
    side: Side
    type: Type
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    close_position: bool = False
    client_id: str = ""
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    self_trade: str = "EXPIRE_MAKER"

    @property
    def buying(self) -> bool:
        """Whether the position grows upwards."""
        return self.side is Side.BUY

    @property
    def sign(self) -> int:
        """1 where it buys, -1 where it sells."""
        return 1 if self.buying else -1

    @property
    def reduces(self) -> bool:
        """Whether it can only make a position smaller."""
        return self.reduce_only or self.close_position or (self.side, self.position_side) in REDUCES

    @property
    def rising(self) -> bool:
        """Whether its trigger price is reached from below."""
        return (self.type in STOPS) == self.buying


class Trade(msgspec.Struct, frozen=True):
    """One execution; `commission` and what was `realised` are of `asset`."""

    id: int
    order_id: int
    price: Decimal
    quantity: Decimal
    commission: Decimal
    realised: Decimal
    asset: str
    time: int
    maker: bool

    @property
    def quote(self) -> Decimal:
        """Price times quantity."""
        return self.price * self.quantity


class Order(msgspec.Struct, kw_only=True):
    """One order. Times in ms of the play. `price` and `quantity` are those of the wish until it is modified.

    `algo_id` names the conditional order that it was, 0 for none. `reason` says why it expired. Before `seen_at`, wall
    seconds, queries do not know it. `since`: prices count for it from then on. `forced`: the exchange made it itself.
    """

    id: int
    uid: int
    wish: Wish
    client_id: str
    quantity: Decimal
    price: Decimal | None
    placed: int
    updated: int
    since: int
    status: Status = Status.NEW
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    trades: list[Trade] = []
    reason: str = "0"
    algo_id: int = 0
    seen_at: float = 0.0
    forced: bool = False

    @property
    def open(self) -> bool:
        """Whether anything may still happen to it."""
        return self.status in OPEN

    @property
    def left(self) -> Decimal:
        """What is not executed yet."""
        return self.quantity - self.executed

    @property
    def average(self) -> Decimal:
        """The mean price of its executions, 0 without any."""
        return self.quote / self.executed if self.executed else ZERO

    def resting(self) -> Resting:
        """Return the price that it waits for."""
        return Resting(self.id, not self.wish.buying, float(self.price or 0), True, False, self.since)


class Algo(msgspec.Struct, kw_only=True):
    """One conditional order; `order_id` is the order that it became, 0 before. `reason` says why it was rejected."""

    id: int
    uid: int
    wish: Wish
    client_id: str
    placed: int
    updated: int
    since: int
    status: AlgoStatus = AlgoStatus.NEW
    order_id: int = 0
    triggered: int = 0
    reason: str = ""
    seen_at: float = 0.0

    @property
    def open(self) -> bool:
        """Whether it still waits for its price."""
        return self.status is AlgoStatus.NEW

    def resting(self) -> Resting:
        """Return the price that it waits for."""
        adverse = self.wish.type in STOPS
        return Resting(self.id, self.wish.rising, float(self.wish.trigger or 0), False, adverse, self.since)
