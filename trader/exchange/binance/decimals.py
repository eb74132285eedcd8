"""Decimals of the venue, tested: what is parsed may be NaN, infinite, or of a size that nothing survives."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from trader.core.account import ZERO
from trader.core.errors import DataError

#: Digits before and behind the point that an amount may have.
LARGEST, SMALLEST = 24, -24
#: What malformed input raises.
FOREIGN = (msgspec.MsgspecError, InvalidOperation, UnicodeDecodeError, RecursionError, ValueError, OverflowError)

T = TypeVar("T")


def amount(text: str | float | Decimal | None) -> Decimal:
    """Return an amount; None and "" are 0. Raise `ValueError` for what is none.

    >>> amount("0.00100000"), amount(None)
    (Decimal('0.00100000'), Decimal('0'))
    """
    if text is None or text == "":
        return ZERO
    value = text if isinstance(text, Decimal) else Decimal(str(text))
    if not value.is_finite() or (value and not SMALLEST <= value.adjusted() <= LARGEST) or len(str(value)) > 60:
        raise ValueError(f"{str(text)[:40]!r} is no amount")
    return value


def converted(answer: object, wanted: type[T], what: str) -> T:
    """Return an answer as the wire struct `wanted`; raise `DataError` when it is malformed."""
    return guarded(what, lambda: msgspec.convert(answer, wanted, strict=False))


def guarded(what: str, work: Callable[[], T]) -> T:
    """Return what `work` makes of an answer to `what`; raise `DataError` for whatever it stumbles over."""
    try:
        return work()
    except FOREIGN as error:
        raise DataError(f"malformed answer to {what}: {error}") from error


#: An amount as the wire has it: a string, as a rule.
Number = str | float | None
