"""A position at the simulated exchange, with the orders that rest on it."""

from __future__ import annotations

import math

import msgspec

from trader.core.order import OrderRequest
from trader.core.signal import Direction


class RestingStop(msgspec.Struct):
    """The stop of a position; `price` moves, `reason` is what its fill is called."""

    order_id: int
    price: float
    reason: str


class Position(msgspec.Struct):
    """What is left of one entry. `liquidation` is NaN on spot; `targets` rest nearest first.

    `below` and `above` are the prices between which a candle leaves the position alone.
    """

    position_id: int
    symbol: str
    direction: Direction
    quantity: float
    entry: float
    leverage: float
    liquidation: float
    stop: RestingStop | None = None
    targets: list[OrderRequest] = []
    below: float = math.inf
    above: float = -math.inf

    def arm(self) -> None:
        """Set `below` and `above` from the orders that rest now."""
        losing = [self.liquidation] if not math.isnan(self.liquidation) else []
        if self.stop is not None:
            losing.append(self.stop.price)
        winning = self.targets[0].price if self.targets else math.inf * self.direction
        if self.direction > 0:
            self.below, self.above = max(losing, default=-math.inf), winning
        else:
            self.below, self.above = winning, min(losing, default=math.inf)

    def stop_comes_first(self) -> bool:
        """Tell whether a stop stands between the market and the liquidation price."""
        if self.stop is None:
            return False
        return math.isnan(self.liquidation) or self.direction * self.stop.price > self.direction * self.liquidation
