"""The balances of one wallet: free and locked per asset, exact, never negative."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from trader.core.errors import InvariantError
from trader.exchange.embedded.accounts.decimals import ZERO


class Shortage(Exception):
    """Less is free than is needed; each market words it in its own way."""


class Hold(msgspec.Struct):
    """What is locked for one order, or once for orders of which only one can fill."""

    asset: str
    amount: Decimal


class Ledger:
    """Free and locked amounts. `touched` collects the assets that changed until somebody asks."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.free: dict[str, Decimal] = dict(balances)
        self.locked: dict[str, Decimal] = dict.fromkeys(balances, ZERO)
        self._touched: dict[str, None] = {}

    def assets(self) -> list[str]:
        """Return all assets that were ever held."""
        return list(self.free)

    def total(self, asset: str) -> Decimal:
        """Return free and locked together."""
        return self.free.get(asset, ZERO) + self.locked.get(asset, ZERO)

    def covers(self, asset: str, amount: Decimal, hold: Hold | None = None) -> bool:
        """Tell whether `amount` can be paid from what is free, and from `hold`."""
        held = hold.amount if hold is not None and hold.asset == asset else ZERO
        return self.free.get(asset, ZERO) + held >= amount

    def lock(self, asset: str, amount: Decimal) -> Hold:
        """Lock `amount`; raise `Shortage` when less is free."""
        hold = Hold(asset, ZERO)
        self.resize(hold, amount)
        return hold

    def resize(self, hold: Hold, amount: Decimal) -> None:
        """Lock more or less for a hold; raise `Shortage` when less is free."""
        more = amount - hold.amount
        if more > self.free.get(hold.asset, ZERO):
            raise Shortage(hold.asset)
        self._change(hold.asset, -more, more)
        hold.amount = amount

    def pay(self, asset: str, amount: Decimal, hold: Hold | None = None) -> None:
        """Give `amount` away, from `hold` first; raise `Shortage` when both do not cover it."""
        if not self.covers(asset, amount, hold):
            raise Shortage(asset)
        held = min(hold.amount, amount) if hold is not None and hold.asset == asset else ZERO
        if hold is not None and held:
            hold.amount -= held
        self._change(asset, held - amount, -held)

    def receive(self, asset: str, amount: Decimal) -> None:
        """Add `amount` to what is free."""
        self._change(asset, amount, ZERO)

    def changed(self) -> list[str]:
        """Return the assets that changed since the last call."""
        assets, self._touched = list(self._touched), {}
        return assets

    def _change(self, asset: str, free: Decimal, locked: Decimal) -> None:
        self.free[asset] = self.free.get(asset, ZERO) + free
        self.locked[asset] = self.locked.get(asset, ZERO) + locked
        self._touched[asset] = None
        if self.free[asset] < 0 or self.locked[asset] < 0:
            raise InvariantError(f"the embedded exchange owes {asset}: free {self.free[asset]}, locked otherwise")
