"""What is asked of a venue, exact to the last digit, and what it says of an account when it is asked.

Quantities and prices of requests are plain decimals as text (`execution.wire_numbers` makes them); "" is none.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.core.account import ZERO, Execution, PositionSide
from trader.core.order import Side


class OrderKind(StrEnum):
    """The types of orders that are sent. The first six are spot's, LIMIT and MARKET everybody's."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"


class NewOrder(msgspec.Struct, frozen=True):
    """An order. A LIMIT one rests until cancelled unless `time_in_force` says otherwise.

    `reduce_only` is for one-way mode alone: in hedge mode the position side says it.
    """

    client_id: str
    symbol: str
    side: Side
    kind: OrderKind
    quantity: str
    price: str = ""
    trigger: str = ""
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    time_in_force: str = ""


class Leg(msgspec.Struct, frozen=True):
    """One leg of a list."""

    client_id: str
    kind: OrderKind
    price: str = ""
    trigger: str = ""


class NewList(msgspec.Struct, frozen=True):
    """Two orders of which one cancels the other (OCO, spot): `above` and `below` the price."""

    client_id: str
    symbol: str
    side: Side
    quantity: str
    above: Leg
    below: Leg


class NewStop(msgspec.Struct, frozen=True):
    """A conditional market order (USD-M algo service): of `quantity`, or with "" of the whole position."""

    client_id: str
    symbol: str
    side: Side
    kind: OrderKind
    trigger: str
    quantity: str = ""
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    mark_price: bool = False
    price_protect: bool = False


Request = NewOrder | NewList | NewStop


class Balance(msgspec.Struct, frozen=True):
    """An asset of the account: what may be used, what orders or positions hold, and both together."""

    asset: str
    free: Decimal
    locked: Decimal
    total: Decimal


class Account(msgspec.Struct, frozen=True):
    """The account's balances (those that are not 0), and whether it may trade and withdraw."""

    can_trade: bool
    can_withdraw: bool
    balances: dict[str, Balance]


class Position(msgspec.Struct, frozen=True):
    """A position that is not flat; `quantity` is negative when short. `liquidation_price` 0: none."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    liquidation_price: Decimal
    unrealised: Decimal
    margin: Decimal
    time: int


class SymbolConfig(msgspec.Struct, frozen=True):
    """How a futures symbol is traded."""

    symbol: str
    leverage: int
    isolated: bool


class AccountConfig(msgspec.Struct, frozen=True):
    """How a futures account is traded."""

    can_trade: bool
    hedge_mode: bool
    multi_assets: bool


class Commission(msgspec.Struct, frozen=True):
    """The fees of a symbol as fractions; `discount` is what paying in `discount_asset` multiplies them with, else 1."""

    symbol: str
    maker: Decimal
    taker: Decimal
    discount: Decimal = Decimal(1)
    discount_asset: str = ""


class Bracket(msgspec.Struct, frozen=True):
    """Up to `cap` of notional: the highest leverage, the maintenance rate, and what is subtracted from its product."""

    floor: Decimal
    cap: Decimal
    leverage: int
    maintenance_rate: Decimal
    deduction: Decimal = ZERO


class Income(msgspec.Struct, frozen=True):
    """Money that came or went (negative) without a trade of ours: funding, fees, transfers. `id` is unique per kind."""

    id: int
    kind: str
    asset: str
    amount: Decimal
    time: int
    symbol: str = ""


class AccountTrade(msgspec.Struct, frozen=True):
    """One execution as the account's history has it."""

    symbol: str
    exchange_id: int
    trade_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time: int
    position_side: PositionSide = PositionSide.BOTH
    realised: Decimal = ZERO

    @property
    def execution(self) -> Execution:
        """The same without what it is of."""
        rest = (self.fee, self.fee_asset, self.maker, self.realised)
        return Execution(self.trade_id, self.quantity, self.price, self.time, *rest)


class KeyRights(msgspec.Struct, frozen=True):
    """What an API key may do."""

    spot: bool
    futures: bool
    withdraw: bool
    ip_restricted: bool
    transfer: bool = False
