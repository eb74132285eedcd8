"""A trade: one position from its entry fill to flat. Changed in `trader.trading` alone."""

from __future__ import annotations

import msgspec

from trader.core.signal import Direction
from trader.core.timeframe import Timeframe


class Target(msgspec.Struct):
    """A resting target: its level, the quantity that closes there, and what that is called."""

    order_id: int
    price: float
    quantity: float
    reason: str


class Part(msgspec.Struct, frozen=True):
    """One closed part of a trade.

    `fees` (entry share and exit) and `funding` (paid is positive) in quote currency;
    `net` = gross profit - fees - funding. `equity_after`: the pool's equity when it was booked.
    `time` in ms: the candle's open time for what happened at the open, else its close.
    `sequence` counts the parts of the whole run in the order of booking.
    """

    sequence: int
    time: int
    quantity: float
    price: float
    reason: str
    fees: float
    funding: float
    net: float
    equity_after: float


class Factors(msgspec.Struct, frozen=True):
    """What made the size of an entry: money in quote currency, quantities in base currency.

    `caps` are the quantities that risk, position size and Kelly allow, `bound` names the least of them, or
    `affordable` when free capital was less still, or `bracket` when the exchange allows less still at this leverage;
    `reductions` are factors by the name of the rule that set them. `lowered_from` is the leverage that was asked for,
    where the exchange's brackets allow only less for a position of this size.
    """

    risk: float
    confidence: float
    caps: dict[str, float]
    reductions: dict[str, float]
    wanted: float
    affordable: float
    bound: str
    lowered_from: float | None = None


class Trade(msgspec.Struct):
    """One position opened by one signal. Prices in quote currency, quantities in base, times in ms UTC.

    `stop` stands for the next candle; `first_stop` is the planned one. `peak` is the best price seen at a
    candle's end. `reserved` is the pool's capital behind what is left. `closing` is the reason of a market
    order that will end the trade, or "". `position_id` is the entry's order id. `fees` and `funding` are
    totals so far, paid is positive.
    """

    id: int
    position_id: int
    symbol: str
    timeframe: Timeframe
    strategy: str
    pattern: str
    direction: Direction
    probability: float
    strength: float
    signal_time: int
    entry_time: int
    entry_price: float
    quantity: float
    leverage: float
    atr14: float
    stop: float
    stop_reason: str
    stop_order_id: int
    first_stop: float
    take_profit: float
    targets: list[Target]
    peak: float
    quantity_left: float
    reserved: float
    entry_fee: float
    fees: float
    funding: float = 0.0
    parts: list[Part] = []
    closing: str = ""
    hedge: bool = False
    linked_to: int | None = None
    factors: Factors | None = None

    @property
    def net(self) -> float:
        """Profit of all closed parts after fees and funding."""
        return sum(part.net for part in self.parts)

    @property
    def exit_time(self) -> int:
        """Time of the last part, ms; 0 while nothing has closed."""
        return self.parts[-1].time if self.parts else 0

    def unrealised(self, price: float) -> float:
        """Return the profit of what is left at `price`, before the costs of closing."""
        return (price - self.entry_price) * self.quantity_left * self.direction
