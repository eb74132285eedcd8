"""Which resting orders a stretch of prices reaches, in which order, and at which price."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Bar(msgspec.Struct, frozen=True):
    """A stretch of prices: where it begins, and how far it goes. Times in ms.

    `jumps`: its open may lie anywhere, as a candle's does; else it goes on from where prices stood.
    """

    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    jumps: bool


class Resting(msgspec.Struct, frozen=True):
    """An order that waits for a price: `rising` until it is as high as `level`, else as low.

    `passive` ones (limits) trade at their level, others go to market. `adverse`: the price moves against the order's
    side, as for a stop loss. It sees prices from `since` on, ms.
    """

    order_id: int
    rising: bool
    level: float
    passive: bool
    adverse: bool
    since: int

    def reached(self, low: float, high: float) -> bool:
        """Tell whether prices from `low` to `high` touch it."""
        return high >= self.level if self.rising else low <= self.level


class Touch(msgspec.Struct, frozen=True):
    """`resting` was reached at `price` and `time`; limits trade at their level whatever the price."""

    resting: Resting
    price: float
    time: int


def touches(bar: Bar, waiting: Iterable[Resting]) -> list[Touch]:
    """Return what the bar reaches, as the simulation has it (`trader.simulation.broker`): at the open first, stops
    before limits, the nearer before the farther. A stop that the open has passed meets the open, else its level.

    >>> stop = Resting(1, False, 99.0, False, True, 0)
    >>> limit = Resting(2, True, 102.0, True, False, 0)
    >>> [(touch.resting.order_id, touch.price) for touch in touches(Bar(0, 1, 100.0, 103.0, 98.0, True), [limit, stop])]
    [(1, 99.0), (2, 102.0)]
    >>> [(touch.resting.order_id, touch.price) for touch in touches(Bar(0, 1, 98.5, 103.0, 98.0, True), [limit, stop])]
    [(1, 98.5), (2, 102.0)]
    """
    at_open, later = [], []
    for resting in waiting:
        if resting.since >= bar.close_time:
            continue
        if bar.jumps and resting.reached(bar.open, bar.open):
            at_open.append(Touch(resting, resting.level if resting.passive else bar.open, bar.open_time))
        elif resting.reached(bar.low, bar.high):
            later.append(Touch(resting, resting.level, bar.close_time))
    return [*_in_order(at_open, bar.open, True), *_in_order(later, bar.open, False)]


def _in_order(found: list[Touch], opened: float, passed: bool) -> list[Touch]:
    """Sort by nearness to the price before: of limits that the open has `passed`, the one farthest from it."""

    def place(touch: Touch) -> tuple[bool, float, int]:
        resting = touch.resting
        distance = abs(resting.level - opened)
        return not resting.adverse, -distance if passed and resting.passive else distance, resting.order_id

    return sorted(found, key=place)
