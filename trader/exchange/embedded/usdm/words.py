"""Numbers of USD-M on the wire: at least as wide as the symbol's filters, wider where that would change them."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import nearest
from trader.exchange.embedded.usdm.books import Contract


def number(value: Decimal, digits: int) -> str:
    """Return `value`, cut to the unit of amounts, with at least so many digits.

    >>> number(Decimal("0.5"), 3), number(Decimal("0.00012345"), 3), number(Decimal("12E+2"), 0)
    ('0.500', '0.00012345', '1200')
    """
    exact = nearest(value).normalize()
    exponent = exact.as_tuple().exponent
    own = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{exact:.{max(own, digits)}f}"


def price_text(contract: Contract, price: Decimal | None) -> str:
    """Return a price, 0 for none."""
    return number(price, contract.price_digits) if price else "0"


def quantity_text(contract: Contract, quantity: Decimal) -> str:
    """Return a quantity."""
    return number(quantity, contract.quantity_digits)


def amount_text(amount: Decimal) -> str:
    """Return an amount of an asset, with eight digits."""
    return f"{nearest(amount):.8f}"
