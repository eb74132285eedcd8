"""What an execution does to what is owned, fee included, in exact decimals.

A spot venue takes its fee out of what is bought (so less is owned than was filled), out of the proceeds, or in a
coin of its own; futures take it from the wallet and change no coin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from trader.core.account import ZERO, Execution
from trader.core.errors import DataError
from trader.core.order import Side


def changes(side: Side, executions: Iterable[Execution], base: str, quote: str) -> dict[str, Decimal]:
    """Return by asset what spot executions add to (or take from) the account.

    >>> bought = Execution(1, Decimal("0.5"), Decimal(100), 0, Decimal("0.0005"), "BTC")
    >>> changes(Side.BUY, [bought], "BTC", "USDT")
    {'BTC': Decimal('0.4995'), 'USDT': Decimal('-50.0')}
    """
    sign = 1 if side is Side.BUY else -1
    total: dict[str, Decimal] = {base: ZERO, quote: ZERO}
    for each in executions:
        total[base] += sign * each.quantity
        total[quote] -= sign * each.quantity * each.price
        if each.fee:
            total[each.fee_asset] = total.get(each.fee_asset, ZERO) - each.fee
    return total


def bought(executions: Iterable[Execution], base: str) -> Decimal:
    """Return the quantity of `base` owned after spot buys: what was filled less the fees taken from it."""
    return sum((each.quantity - (each.fee if each.fee_asset == base else ZERO) for each in executions), ZERO)


def fee_in_quote(execution: Execution, base: str, quote: str, prices: Mapping[str, Decimal]) -> Decimal:
    """Return the fee in `quote`: base at the execution's price, other coins at `prices` (in quote).

    Raise `DataError` when the price of the fee's coin is not known: it is booked later, never as 0.
    """
    if not execution.fee or execution.fee_asset == quote:
        return execution.fee
    if execution.fee_asset == base:
        return execution.fee * execution.price
    price = prices.get(execution.fee_asset)
    if price is None:
        known = ", ".join(sorted(prices)) or "none"
        raise DataError(f"a fee of {execution.fee} {execution.fee_asset}: its price in {quote} is unknown ({known})")
    return execution.fee * price


def average_price(executions: Iterable[Execution]) -> Decimal:
    """Return the mean price of executions by their quantity; 0 without any."""
    every = tuple(executions)
    quantity = sum((each.quantity for each in every), ZERO)
    return sum((each.quantity * each.price for each in every), ZERO) / quantity if quantity else ZERO
