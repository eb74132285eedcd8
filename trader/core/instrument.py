"""An instrument's filters, and the only place that rounds prices and quantities."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import msgspec

from trader.core.brackets import Brackets
from trader.core.errors import ConfigError


class Grid:
    """The multiples of one exact decimal unit, e.g. a tick or a step.

    With `k = value / unit`: a k within `max(1e-6, k * 1e-12)` of a whole number is that number,
    so that float noise never costs a step; the result is the float nearest to the exact `k * unit`.
    A unit of 0 means that there is no grid: values pass unchanged.

    >>> Grid("0.01").floor(1.239), Grid("0.01").ceil(1.231), Grid("0.1").floor(0.3)
    (1.23, 1.24, 0.3)
    """

    __slots__ = ("_denominator", "_float", "_numerator", "unit")

    def __init__(self, unit: str | Decimal) -> None:
        self.unit = Decimal(unit)
        if not self.unit.is_finite() or self.unit < 0:
            raise ConfigError(f"a tick or step of {unit} is impossible; allowed: a decimal >= 0")
        self._numerator, self._denominator = self.unit.as_integer_ratio()
        self._float = float(self.unit)

    def floor(self, value: float) -> float:
        """Return the multiple at or below `value`."""
        return self._round(value, math.floor)

    def ceil(self, value: float) -> float:
        """Return the multiple at or above `value`."""
        return self._round(value, math.ceil)

    def _round(self, value: float, direction: Any) -> float:
        if not self._numerator or not math.isfinite(value):
            return value
        k = value / self._float
        nearest = round(k)
        whole = nearest if abs(k - nearest) <= max(1e-6, abs(k) * 1e-12) else direction(k)
        return float(whole * self._numerator / self._denominator)

    def text(self, value: float) -> str:
        """Return `value`, a multiple of the unit, as the exact plain decimal an exchange expects."""
        if not self._numerator:
            return format(Decimal(repr(value)), "f")
        return format(round(value / self._float) * self.unit, "f")


class Instrument(msgspec.Struct, frozen=True, eq=False):
    """The trading filters of one symbol, and its leverage brackets where they are known.

    Quantities in base currency, prices in quote currency.
    """

    symbol: str
    tick: Grid
    step: Grid
    min_quantity: float
    min_notional: float
    brackets: Brackets = ()

    @classmethod
    def from_filters(cls, symbol: str, filters: dict[str, str], brackets: Brackets = ()) -> Instrument:
        """Build from `tickSize`, `stepSize`, `minQty`, `minNotional` as decimal strings."""
        return cls(
            symbol,
            Grid(filters["tickSize"]),
            Grid(filters["stepSize"]),
            float(filters["minQty"]),
            float(filters["minNotional"]),
            brackets,
        )

    def cut_quantity(self, quantity: float) -> float:
        """Return `quantity` cut down to the step."""
        return self.step.floor(quantity)

    def level_towards(self, price: float, entry: float) -> float:
        """Return `price` on the tick grid, rounded towards `entry`."""
        return self.tick.floor(price) if price > entry else self.tick.ceil(price)

    def tradable(self, quantity: float, price: float) -> bool:
        """Tell whether `quantity` at `price` reaches the minimum quantity and notional."""
        return (
            quantity > 0
            and quantity >= self.min_quantity * (1 - 1e-12)
            and quantity * price >= self.min_notional * (1 - 1e-12)
        )
