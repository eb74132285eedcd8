"""The Kelly fraction of past results as a cap on size (trading-rules, section 8).

Kelly, J. L. (1956), A New Interpretation of Information Rate, Bell System Technical Journal 35.
"""

from __future__ import annotations

from collections.abc import Sequence

from trader.core.settings import Settings


def kelly_fraction(returns: Sequence[float]) -> float:
    """Return `(W * avg_win - (1 - W) * avg_loss) / avg_win` of results on the reserved capital.

    Without wins 0; without losses avg_loss is 0. A result of 0 is a loss.

    >>> round(kelly_fraction([0.02, 0.02, -0.01, -0.01]), 3)
    0.25
    """
    wins = [result for result in returns if result > 0]
    losses = [-result for result in returns if result <= 0]
    if not wins:
        return 0.0
    share, win = len(wins) / len(returns), sum(wins) / len(wins)
    loss = sum(losses) / len(losses) if losses else 0.0
    return (share * win - (1 - share) * loss) / win


def kelly_cap(settings: Settings, returns: Sequence[float], whole: float) -> float | None:
    """Return the largest quantity that the last results justify; None while the rule is off or knows too little.

    `whole` is the quantity that all of equity with leverage would buy.
    """
    rule = settings.KELLY
    if not rule.enable or len(returns) < rule.min_trades:
        return None
    fraction = max(kelly_fraction(returns[-rule.window :]) * rule.fraction, rule.min_fraction)
    return fraction * whole
