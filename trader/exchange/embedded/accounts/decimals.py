"""Exact numbers: amounts with eight decimals, and what texts of clients mean."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

from trader.exchange.embedded.api_error import ApiError, illegal_characters

#: What an amount of the ledger is counted in.
UNIT = Decimal("1E-8")
ZERO = Decimal(0)
#: Wide enough for the product of any price and quantity.
CONTEXT = Context(prec=60)
PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")


def parse_decimal(name: str, text: str, digits: int = 8) -> Decimal:
    """Return the number that a client sent as `name`; -1100 for anything but plain digits, -1111 past `digits`.

    >>> parse_decimal("price", "98500.10")
    Decimal('98500.10')
    """
    if not _DECIMAL.fullmatch(text):
        raise illegal_characters(name, PATTERN)
    if len(text.partition(".")[2].rstrip("0")) > digits:
        raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
    return Decimal(text)


def plain(value: Decimal, digits: int = 8) -> str:
    """Return a number as the wire has it.

    >>> plain(Decimal("0.00000001")), plain(Decimal("1E+3"))
    ('0.00000001', '1000.00000000')
    """
    return f"{value:.{digits}f}"


def product(*factors: Decimal) -> Decimal:
    """Return the product cut down to the unit of amounts.

    >>> product(Decimal("0.12345678"), Decimal("0.5"), Decimal("0.001"))
    Decimal('0.00006172')
    """
    whole = Decimal(1)
    for factor in factors:
        whole = CONTEXT.multiply(whole, factor)
    return whole.quantize(UNIT, ROUND_DOWN, CONTEXT)


def nearest(value: Decimal) -> Decimal:
    """Return `value` rounded to the unit of amounts."""
    return value.quantize(UNIT, ROUND_HALF_EVEN, CONTEXT)


def cut(value: Decimal, step: Decimal) -> Decimal:
    """Return `value` cut down to a multiple of `step`; to the unit of amounts where the step is 0.

    >>> cut(Decimal("0.12345"), Decimal("0.001"))
    Decimal('0.123')
    """
    grid = step if step > 0 else UNIT
    return CONTEXT.multiply((CONTEXT.divide(value, grid)).to_integral_value(ROUND_DOWN), grid)


def of_float(value: float) -> Decimal:
    """Return the shortest decimal that reads back as `value`: what the store or the wire wrote."""
    return Decimal(repr(value))
