"""Which trades get a window of their own on the page."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trader.core.trade import Trade

MAX_WINDOWS = 100
_BEST, _WORST, _LONGEST = 30, 30, 15
#: The rest is drawn with this seed, so that the same run shows the same trades.
_SEED = 7
RULE = f"the {_BEST} best, the {_WORST} worst, the {_LONGEST} longest, the rest at random (seed {_SEED})"


def chosen(trades: Sequence[Trade], limit: int = MAX_WINDOWS) -> list[tuple[Trade, str]]:
    """Return at most `limit` trades by entry time, each with why it was chosen: `RULE`, or all when they are few."""
    trades = sorted(trades, key=lambda trade: (trade.entry_time, trade.id))
    why: dict[int, str] = {}
    if len(trades) > limit:
        _take(why, "best", _first(trades, lambda trade: -trade.net, _BEST), limit)
        _take(why, "worst", _first(trades, lambda trade: trade.net, _WORST), limit)
        _take(why, "longest", _first(trades, lambda trade: trade.entry_time - trade.exit_time, _LONGEST), limit)
        _take(why, "at random", random.Random(_SEED).sample(trades, len(trades)), limit)
    return [(trade, why.get(trade.id, "")) for trade in trades if trade.id in why or len(trades) <= limit]


def _first(trades: Sequence[Trade], key: Callable[[Trade], Any], count: int) -> list[Trade]:
    return sorted(trades, key=lambda trade: (key(trade), trade.id))[:count]


def _take(why: dict[int, str], reason: str, trades: Iterable[Trade], limit: int) -> None:
    for trade in trades:
        if len(why) < limit:
            why.setdefault(trade.id, reason)


def spread(trades: Sequence[Trade], limit: int) -> list[Trade]:
    """Return at most `limit` of `trades`, evenly spread over their order."""
    count = min(len(trades), limit)
    return [trades[at * len(trades) // count] for at in range(count)]
