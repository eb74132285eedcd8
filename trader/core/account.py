"""What a venue tells of our account: orders, executions, balances, positions, and whether it can be heard at all.

Amounts are exact decimals, times ms of the venue's clock. Words of any venue; its own letters stay in its codec.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.core.order import Side

ZERO = Decimal(0)


class PositionSide(StrEnum):
    """The position that an order belongs to; BOTH on spot and in one-way mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class OrderStatus(StrEnum):
    """What the venue says an order is."""

    OPEN = "open"
    TRIGGERED = "triggered"  # a conditional order has become, or is becoming, a working one
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Forced(StrEnum):
    """Why the venue itself made an order of ours; NONE for those that were sent."""

    NONE = ""
    LIQUIDATION = "liquidation"
    DELEVERAGING = "deleveraging"
    SETTLEMENT = "settlement"


class Execution(msgspec.Struct, frozen=True):
    """One execution. `fee` in `fee_asset`, paid is positive; "" where the venue names none."""

    trade_id: int
    quantity: Decimal
    price: Decimal
    time: int
    fee: Decimal = ZERO
    fee_asset: str = ""
    maker: bool = False
    realised: Decimal = ZERO


class OrderUpdate(msgspec.Struct, frozen=True):
    """The state of an order as one message or answer has it.

    `cumulative` counts what is executed so far, `cumulative_quote` its value. `executions` are those that this
    message tells, maybe none of several. `kind` is the venue's order type, `list_id` -1 outside a list. `price` and
    `trigger` are 0 where the order has none.
    """

    symbol: str
    client_id: str
    exchange_id: int
    side: Side
    kind: str
    status: OrderStatus
    quantity: Decimal
    cumulative: Decimal
    time: int
    position_side: PositionSide = PositionSide.BOTH
    cumulative_quote: Decimal = ZERO
    price: Decimal = ZERO
    trigger: Decimal = ZERO
    executions: tuple[Execution, ...] = ()
    reason: str = ""
    list_id: int = -1
    forced: Forced = Forced.NONE


class AlgoUpdate(msgspec.Struct, frozen=True):
    """The state of a conditional order that the venue keeps apart; once triggered, `actual_id` is the order it became.

    The executions come as updates of that order. `quantity` is 0 when it closes the whole position.
    """

    symbol: str
    client_id: str
    exchange_id: int
    side: Side
    kind: str
    status: OrderStatus
    quantity: Decimal
    cumulative: Decimal
    time: int
    position_side: PositionSide = PositionSide.BOTH
    trigger: Decimal = ZERO
    actual_id: int = 0
    close_position: bool = False
    reason: str = ""

    def as_order(self) -> OrderUpdate:
        """Return the same as the update of an order; what it became and its executions are left out."""
        return OrderUpdate(
            self.symbol,
            self.client_id,
            self.exchange_id,
            self.side,
            self.kind,
            self.status,
            self.quantity,
            self.cumulative,
            self.time,
            self.position_side,
            trigger=self.trigger,
            reason=self.reason,
        )


class ListUpdate(msgspec.Struct, frozen=True):
    """The state of a list of orders (OCO): its legs by client id and exchange id; `ended` once nothing of it rests."""

    symbol: str
    client_id: str
    list_id: int
    legs: tuple[tuple[str, int], ...]
    ended: bool
    rejected: bool
    time: int
    reason: str = ""


class BalanceUpdate(msgspec.Struct, frozen=True):
    """What is left of an asset: `free` and `locked` on spot, `wallet` on futures, or a `change`; None is not said."""

    asset: str
    time: int
    free: Decimal | None = None
    locked: Decimal | None = None
    wallet: Decimal | None = None
    change: Decimal | None = None
    reason: str = ""


class PositionUpdate(msgspec.Struct, frozen=True):
    """A position after a change; `quantity` is negative when short, 0 when it has ended."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    unrealised: Decimal
    time: int
    isolated: bool = True
    isolated_wallet: Decimal = ZERO
    reason: str = ""


class FundingUpdate(msgspec.Struct, frozen=True):
    """Funding was settled for a position of `quantity` (negative when short): `amount` came, negative went."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    amount: Decimal
    asset: str
    time: int


class ConfigUpdate(msgspec.Struct, frozen=True):
    """Somebody changed the leverage of a symbol (else 0), or the multi-assets mode (else None)."""

    time: int
    symbol: str = ""
    leverage: int = 0
    multi_assets: bool | None = None


class MarginCall(msgspec.Struct, frozen=True):
    """The venue warns: these positions (symbol, side) are near liquidation."""

    time: int
    positions: tuple[tuple[str, PositionSide], ...]


class StreamLost(msgspec.Struct, frozen=True):
    """Nothing can be heard of the account; answers to requests are all there is."""

    reason: str


class StreamBack(msgspec.Struct, frozen=True):
    """The account can be heard (again). With `gap` something may have been missed: reconcile."""

    reason: str
    gap: bool


class StreamFault(msgspec.Struct, frozen=True):
    """A message could not be read, and it may have been any: reconcile."""

    reason: str


AccountEvent = (
    OrderUpdate
    | AlgoUpdate
    | ListUpdate
    | BalanceUpdate
    | PositionUpdate
    | FundingUpdate
    | ConfigUpdate
    | MarginCall
    | StreamLost
    | StreamBack
    | StreamFault
)
