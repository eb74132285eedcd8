"""What a limit is asked, and what it answers."""

from __future__ import annotations

import math
from typing import Protocol

import msgspec

from trader.core.settings import Settings
from trader.core.signal import Direction, Reading, Refusal, Signal
from trader.trading.book import Book

#: A limit is exceeded by more than this share of itself (trading-rules, section 8).
LIMIT_TOLERANCE = 1e-9


class Proposal(msgspec.Struct, frozen=True):
    """A signal on its way to an entry: T in ms, prices in quote currency, `quantity` in base currency.

    Before it is sized, `quantity` is 0 and `stop` the estimated one; `leverage` is what the entry would use.
    `maintenance_rate` is that of the exchange's bracket for this size; None stands for `MAINTENANCE_MARGIN_RATE`.
    """

    time: int
    reading: Reading
    signal: Signal
    direction: Direction
    price: float
    stop: float
    leverage: float
    quantity: float = 0.0
    maintenance_rate: float | None = None

    @property
    def symbol(self) -> str:
        """The coin."""
        return self.reading.symbol

    @property
    def reserve(self) -> float:
        """Capital the entry would reserve."""
        return self.quantity * self.price / self.leverage

    def is_finite(self) -> bool:
        """Tell whether price, stop, quantity and leverage are numbers that a limit can judge."""
        return math.isfinite(self.price + self.stop + self.quantity + self.leverage)


class Approval(msgspec.Struct, frozen=True):
    """A "yes", with the factor by which the rule shrinks the size: 1 says nothing."""

    factor: float = 1.0


APPROVED = Approval()


class Limit(Protocol):
    """Approves or refuses a proposal, and leaves the books as they were.

    `stage` and `rule` name its refusals. Made with the settings alone.
    """

    stage: str
    rule: str

    def __init__(self, settings: Settings) -> None: ...

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Return an approval, or a refusal with the values it looked at."""
        ...


def exceeds(amount: float, limit: float) -> bool:
    """Tell whether `amount` is beyond `limit`; whatever is not finite exceeds every limit.

    >>> exceeds(5.0, 5.0), exceeds(5.1, 5.0), exceeds(float("nan"), 5.0)
    (False, True, True)
    """
    if not math.isfinite(amount) or not math.isfinite(limit):
        return True
    return amount > limit * (1 + LIMIT_TOLERANCE)
