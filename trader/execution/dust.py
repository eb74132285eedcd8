"""The dust ledger: what is owned and cannot be sold, because a fee has cut it off the step.

A trade can always be closed: its quantity is cut to the step, the rest goes to the ledger and is carried to the next
close of that coin, where it may make up a whole step.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from trader.core.account import ZERO
from trader.core.errors import InvariantError


class Closing(msgspec.Struct, frozen=True):
    """How a coin is closed: `send` is on the step, `carried` of it is dust from before, `rest` stays as dust."""

    coin: str
    send: Decimal
    carried: Decimal
    rest: Decimal


class DustEntry(msgspec.Struct, frozen=True):
    """One change of the ledger, as it is journalled: `balance` is the coin's dust after it."""

    coin: str
    change: Decimal
    balance: Decimal
    reason: str


def plan_closing(coin: str, owned: Decimal, dust: Decimal, step: Decimal) -> Closing:
    """Return how to close `owned` of `coin` together with the `dust` that lies there.

    >>> plan_closing("BTC", Decimal("0.0997"), Decimal("0.0004"), Decimal("0.001"))
    Closing(coin='BTC', send=Decimal('0.100'), carried=Decimal('0.0003'), rest=Decimal('0.0001'))
    """
    if owned < 0 or dust < 0 or step < 0:
        raise InvariantError(f"{coin}: {owned} owned, {dust} of dust, step {step}; allowed: nothing below 0")
    total = owned + dust
    send = total // step * step if step else total
    return Closing(coin, send, max(ZERO, send - owned), total - send)


class DustLedger:
    """The dust of each coin. Every change returns the entry to journal; `balances` restores it."""

    def __init__(self, balances: Mapping[str, Decimal] | None = None) -> None:
        self.balances: dict[str, Decimal] = dict(balances or {})

    def of(self, coin: str) -> Decimal:
        """Return the dust of `coin`."""
        return self.balances.get(coin, ZERO)

    def plan(self, coin: str, owned: Decimal, step: Decimal) -> Closing:
        """Return how to close `owned` of `coin` now; nothing is booked before it is `book`ed."""
        return plan_closing(coin, owned, self.of(coin), step)

    def book(self, closing: Closing, reason: str) -> DustEntry:
        """Book what a closing that was filled has left; raise `InvariantError` when its dust is no longer there."""
        if closing.carried > self.of(closing.coin):
            dust = self.of(closing.coin)
            raise InvariantError(f"{closing.coin}: {closing.carried} of dust was sold, {dust} is in the ledger")
        return self._set(closing.coin, closing.rest, reason)

    def add(self, coin: str, amount: Decimal, reason: str) -> DustEntry:
        """Add what is left of a trade that is too small to sell, or take away (negative) what has gone elsewhere."""
        return self._set(coin, self.of(coin) + amount, reason)

    def _set(self, coin: str, balance: Decimal, reason: str) -> DustEntry:
        if balance < 0:
            raise InvariantError(f"{coin}: the dust would be {balance} ({reason}); allowed: nothing below 0")
        change = balance - self.of(coin)
        self.balances[coin] = balance
        if not balance:
            del self.balances[coin]
        return DustEntry(coin, change, balance, reason)
