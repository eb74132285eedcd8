"""An exchange's leverage brackets: the larger a position, the less leverage, and the more must stay in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


class LeverageBracket(msgspec.Struct, frozen=True):
    """The terms of positions worth more than `notional_floor` and at most `notional_cap`, in quote currency.

    `initial_leverage` is the highest allowed. `notional * maintenance_rate - cumulative` must stay in the position:
    `cumulative` makes the amount grow without a jump from bracket to bracket.
    """

    notional_floor: float
    notional_cap: float
    initial_leverage: float
    maintenance_rate: float
    cumulative: float


#: The brackets of one coin, the smallest positions first; none where they are not known.
Brackets = tuple[LeverageBracket, ...]


def notional_cap(brackets: Brackets, leverage: float) -> float:
    """Return what positions at `leverage` may be worth at most; 0 when it is above every bracket's.

    >>> small, large = LeverageBracket(0, 50_000, 20, 0.01, 0), LeverageBracket(50_000, 250_000, 10, 0.02, 500)
    >>> [notional_cap((small, large), leverage) for leverage in (25, 20, 11, 10, 1)]
    [0.0, 50000, 50000, 250000, 250000]
    """
    if not brackets:
        return math.inf
    return max((bracket.notional_cap for bracket in brackets if bracket.initial_leverage >= leverage), default=0.0)


def leverages_to_try(brackets: Brackets, wanted: float) -> Sequence[float]:
    """Return the leverages at which a position may be sized, highest first: `wanted`, then each bracket's below it.

    >>> small, large = LeverageBracket(0, 50_000, 20, 0.01, 0), LeverageBracket(50_000, 250_000, 10, 0.02, 500)
    >>> [list(leverages_to_try((small, large), wanted)) for wanted in (25, 20, 12, 3)]
    [[20, 10], [20, 10], [12, 10], [3]]
    """
    if not brackets:
        return (wanted,)
    lower = {bracket.initial_leverage for bracket in brackets if bracket.initial_leverage < wanted}
    first = [wanted] if wanted <= brackets[0].initial_leverage else []
    return [*first, *sorted(lower, reverse=True)]


def maintenance_rate(brackets: Brackets, notional: float) -> float | None:
    """Return the share of a position's notional that must stay in it; None without brackets.

    A position above the last bracket has the terms of the last.

    >>> small, large = LeverageBracket(0, 50_000, 20, 0.01, 0), LeverageBracket(50_000, 250_000, 10, 0.02, 500)
    >>> [maintenance_rate((small, large), notional) for notional in (10_000, 50_000, 100_000)]
    [0.01, 0.01, 0.015]
    """
    if not brackets:
        return None
    bracket = next((each for each in brackets if notional <= each.notional_cap), brackets[-1])
    return bracket.maintenance_rate - bracket.cumulative / notional if bracket.cumulative else bracket.maintenance_rate
