"""How much to trade (trading-rules, section 4)."""

from __future__ import annotations

import math

import msgspec

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.trading.book import Book


class Size(msgspec.Struct, frozen=True):
    """A quantity with the factors that made it; quantities in base currency, `risk` in quote currency.

    `refusal` is "" or the rule that leaves nothing valid.
    """

    quantity: float
    wanted: float
    affordable: float
    risk: float
    confidence: float
    reduction: float
    refusal: str


def confidence_of(settings: Settings, probability: float) -> float:
    """Return the multiplier of the first tier that `probability` reaches; 1 below all."""
    weighting = settings.ML_CONFIDENCE_WEIGHTING
    if not weighting.enable:
        return 1.0
    tiers = sorted(weighting.tiers, key=lambda tier: -tier.min_prob)
    return next((tier.multiplier for tier in tiers if probability >= tier.min_prob), 1.0)


def reduction_of(settings: Settings, book: Book) -> float:
    """Return the product of the factors that streak and drawdown set, each 1 unless a rule says less."""
    factor = book.guards.drawdown_factor
    streak = settings.LOSING_STREAK_PROTECTION
    if streak.enable and book.guards.streak >= streak.reduce_risk_after:
        factor *= streak.risk_multiplier
    return factor


def position_size(
    settings: Settings, book: Book, instrument: Instrument, price: float, stop_distance: float, probability: float
) -> Size:
    """Size an entry at `price` whose stop is `stop_distance` away; the worked case of section 4 gives 0.0236.

    Rounding may put the stop on the wrong side of the entry: a distance of 0 or less wants nothing.

    `min(risk / stop_distance, equity * MAX_POSITION_SIZE_PCT * leverage / price) * reduction`, cut to what is
    affordable and to the quantity step.
    """
    equity, leverage = book.pool.equity, settings.leverage
    confidence, reduction = confidence_of(settings, probability), reduction_of(settings, book)
    risk = equity * settings.RISK_PER_TRADE * confidence
    cap = equity * settings.MAX_POSITION_SIZE_PCT * leverage / price
    wanted = min(risk / stop_distance, cap) * reduction if stop_distance > 0 else 0.0
    costs = (1 + settings.SLIPPAGE_PCT) / leverage + settings.taker_fee
    affordable = 0.995 * book.pool.free / (price * costs)
    quantity = instrument.cut_quantity(max(0.0, min(wanted, affordable)))
    refusal = _refusal(settings, book, instrument, price, quantity, wanted, affordable)
    return Size(quantity, wanted, affordable, risk, confidence, reduction, refusal)


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
