"""Explains the prices and fees of market orders."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trader.reports.divergence.done import Leg, alike
from trader.reports.divergence.final import FinalDay
from trader.reports.divergence.place import Finding, Place, unexplained
from trader.reports.divergence.records import Cause
from trader.reports.divergence.words import price_text, seconds

#: A price moves in a part of a candle's time by the root of that part of the candle's range, usually; at most by so
#: many times as much.
STRETCH = 2.0


def moved(place: Place, backtest: Leg, live: Leg, buying: bool, fixed: bool = False) -> Iterator[Finding]:
    """Explain the price of a market order: as far as the market can have moved since, by latency; else by slippage.

    `fixed`: its cost is told apart, since there is more to explain.
    """
    move = live.price - backtest.price
    if alike(live.price, backtest.price):
        return
    decided = backtest.first  # the backtest fills at the open of the first candle behind the decision
    delay = live.first - decided
    wrong = place.evidence.booked_wrong(place.position_id, live)
    if wrong:
        yield unexplained(wrong)
        return
    late = latency_share(place.final, place.key.symbol, decided, live.first, backtest.price, move)
    sign = 1 if buying else -1
    words = f"at {price_text(live.price)} instead of {price_text(backtest.price)}"
    cost = sign * move * live.quantity
    if late > 0:
        text = f"filled {words}, {seconds(delay)} after the decision"
        yield Finding(Cause.LATENCY, text, cost * late if fixed or late < 1 else None)
    if late < 1:
        yield Finding(Cause.SLIPPAGE, f"filled {words}", cost * (1 - late) if fixed else None)


def latency_share(final: FinalDay, symbol: str, since: int, until: int, expected: float, move: float) -> float:
    """Return the share (0 to 1) of a price's `move` from `expected` that the market can have made in the time.

    Within a candle only its range is known: of a part of its time that part's root is taken, `STRETCH` times.
    """
    if until <= since or not move:
        return 0.0
    candles = final.between(symbol, since, until)
    if not len(candles):
        return 0.0
    opened = float(candles.open[0])
    passed = (until - since) / candles.timeframe.ms
    reach = min(1.0, STRETCH * math.sqrt(passed))
    far = float(candles.high.max()) - opened if move > 0 else opened - float(candles.low.min())
    return min(1.0, far * reach * (expected / opened) / abs(move))


def fees(place: Place, backtest: Leg, live: Leg) -> Iterator[Finding]:
    """Explain what fees differ by, beside what follows from quantity and price."""
    if not backtest.value or not live.value:
        return
    usual = backtest.fee / backtest.value * live.value
    if not math.isclose(usual, live.fee, rel_tol=1e-6, abs_tol=1e-9):
        rates = f"{live.fee / live.value:.4%} instead of {backtest.fee / backtest.value:.4%}"
        yield Finding(Cause.FEE, f"the fee was {rates}", live.fee - usual)
