"""What a limit is asked, and what it answers."""

from __future__ import annotations

import math
from typing import Any, Protocol

import msgspec

from trader.core.settings import Settings
from trader.core.signal import Direction
from trader.trading.book import Book

#: A limit is exceeded by more than this share of itself (trading-rules, section 8).
LIMIT_TOLERANCE = 1e-9


class Proposal(msgspec.Struct, frozen=True):
    """A sized entry before the limits: prices in quote currency, `quantity` in base currency."""

    time: int
    symbol: str
    direction: Direction
    price: float
    stop: float
    quantity: float
    leverage: float

    @property
    def reserve(self) -> float:
        """Capital the entry would reserve."""
        return self.quantity * self.price / self.leverage

    def is_finite(self) -> bool:
        """Tell whether price, stop and quantity are numbers that a limit can judge."""
        return math.isfinite(self.price) and math.isfinite(self.stop) and math.isfinite(self.quantity)


class Limit(Protocol):
    """Approves or refuses a proposal."""

    rule: str

    def check(self, proposal: Proposal, book: Book, settings: Settings) -> dict[str, Any] | None:
        """Return None to approve, or the values that exceed the limit."""
        ...


def exceeds(amount: float, limit: float) -> bool:
    """Tell whether `amount` is beyond `limit`; whatever is not finite exceeds every limit.

    >>> exceeds(5.0, 5.0), exceeds(5.1, 5.0), exceeds(float("nan"), 5.0)
    (False, True, True)
    """
    if not math.isfinite(amount) or not math.isfinite(limit):
        return True
    return amount > limit * (1 + LIMIT_TOLERANCE)
