"""How much to trade (trading-rules, section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.kelly import kelly_cap


class Size(msgspec.Struct, frozen=True):
    """A quantity with the factors that made it; quantities in base currency, `risk` in quote currency.

    `caps` are the quantities that risk, position size and Kelly allow, `bound` the least of them; `reductions` are
    the factors that rules set. `refusal` is "" or the rule that leaves nothing valid.
    """

    quantity: float
    wanted: float
    affordable: float
    risk: float
    confidence: float
    reductions: dict[str, float]
    caps: dict[str, float]
    bound: str
    refusal: str


def confidence_of(settings: Settings, probability: float) -> float:
    """Return the multiplier of the first tier that `probability` reaches; 1 below all."""
    weighting = settings.ML_CONFIDENCE_WEIGHTING
    if not weighting.enable:
        return 1.0
    tiers = sorted(weighting.tiers, key=lambda tier: -tier.min_prob)
    return next((tier.multiplier for tier in tiers if probability >= tier.min_prob), 1.0)


def guard_factors(settings: Settings, book: Book) -> dict[str, float]:
    """Return the factors that streak and drawdown set, by name; a rule that says nothing has none."""
    factors = {}
    streak = settings.LOSING_STREAK_PROTECTION
    if streak.enable and book.guards.streak >= streak.reduce_risk_after:
        factors["streak"] = streak.risk_multiplier
    if book.guards.drawdown_factor != 1.0:
        factors["drawdown"] = book.guards.drawdown_factor
    return factors


def position_size(
    settings: Settings,
    book: Book,
    instrument: Instrument,
    price: float,
    stop_distance: float,
    probability: float,
    factors: Mapping[str, float],
) -> Size:
    """Size an entry at `price` whose stop is `stop_distance` away; the worked case of section 4 gives 0.0236.

    The least of what risk, `MAX_POSITION_SIZE_PCT` and Kelly allow, times all reductions (`factors` by the name of
    their rule, and those of streak and drawdown), cut to what is affordable and to the quantity step. Rounding may
    put the stop on the wrong side of the entry: a distance of 0 or less wants nothing.
    """
    equity, leverage = book.pool.equity, settings.leverage
    confidence, reductions = confidence_of(settings, probability), guard_factors(settings, book) | dict(factors)
    reduction = math.prod(reductions.values())
    risk = equity * settings.RISK_PER_TRADE * confidence
    cap = equity * settings.MAX_POSITION_SIZE_PCT * leverage / price
    kelly = kelly_cap(settings, book.returns, equity, price)
    caps = {"risk": risk / stop_distance if stop_distance > 0 else 0.0, "position": cap}
    if kelly is not None:
        caps["kelly"] = kelly
    bound = min(caps, key=lambda name: caps[name])
    wanted = caps[bound] * reduction
    costs = (1 + settings.SLIPPAGE_PCT) / leverage + settings.taker_fee
    affordable = 0.995 * book.pool.free / (price * costs)
    quantity = instrument.cut_quantity(max(0.0, min(wanted, affordable)))
    refusal = _refusal(settings, book, instrument, price, quantity, wanted, affordable)
    return Size(quantity, wanted, affordable, risk, confidence, reductions, caps, bound, refusal)


def _refusal(
    settings: Settings,
    book: Book,
    instrument: Instrument,
    price: float,
    quantity: float,
    wanted: float,
    affordable: float,
) -> str:
    if not math.isfinite(wanted) or not math.isfinite(affordable):
        return "insufficient_capital"
    if book.pool.free <= 0 or affordable < settings.MIN_SIZE_RATIO * wanted:
        return "insufficient_capital"
    return "" if instrument.tradable(quantity, price) else "below_min_size"
