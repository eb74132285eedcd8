"""The wallet of one account on USD-M, and the record of what came and went."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.accounts.numbers import Numbers


class Kind(StrEnum):
    """Why money moves, as `income` words it."""

    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


class Income(msgspec.Struct, frozen=True):
    """One movement: `amount` is negative where money left. `symbol` and `trade_id` (0 for none) where it is of one."""

    id: int
    kind: Kind
    asset: str
    amount: Decimal
    time: int
    symbol: str = ""
    trade_id: int = 0


class Wallet:
    """Amounts by asset, the margin of isolated positions included, and every movement since the account was opened."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.amounts: dict[str, Decimal] = dict(balances)
        self.incomes: list[Income] = []
        self.updated: dict[str, int] = {}
        self.ids = Numbers()

    def amount(self, asset: str) -> Decimal:
        """Return what there is of an asset."""
        return self.amounts.get(asset, ZERO)

    def move(self, kind: Kind, asset: str, amount: Decimal, time: int, symbol: str = "", trade_id: int = 0) -> None:
        """Add `amount`, or take it where it is negative; 0 is no movement."""
        if not amount:
            return
        self.amounts[asset] = self.amount(asset) + amount
        self.updated[asset] = time
        self.incomes.append(Income(next(self.ids), kind, asset, amount, time, symbol, trade_id))
