"""How much to trade (trading-rules, section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.trade import Factors
from trader.trading.book import Book
from trader.trading.kelly import kelly_cap
from trader.trading.limits.base import Proposal


class Size(msgspec.Struct, frozen=True):
    """A quantity in base currency with what made it; `refusal` is "" or the rule that leaves nothing valid."""

    quantity: float
    factors: Factors
    refusal: str


def confidence_of(settings: Settings, probability: float) -> float:
    """Return the multiplier of the first tier that `probability` reaches.

    `CONFIDENCE_TIERS` replace `ML_CONFIDENCE_WEIGHTING` where they are on: below all of them nothing is wanted.
    Below all weights the multiplier is 1.
    """
    tiers = settings.CONFIDENCE_TIERS
    if tiers.enable:
        return next((tier.size for tier in tiers.tiers if probability >= tier.min_prob), 0.0)
    weighting = settings.ML_CONFIDENCE_WEIGHTING
    if not weighting.enable:
        return 1.0
    weights = sorted(weighting.tiers, key=lambda tier: -tier.min_prob)
    return next((tier.multiplier for tier in weights if probability >= tier.min_prob), 1.0)


def position_size(
    settings: Settings, book: Book, instrument: Instrument, proposal: Proposal, factors: Mapping[str, float]
) -> Size:
    """Size a proposal at its price with its stop; the worked case of section 4 gives 0.0236.

    The least of what risk, `MAX_POSITION_SIZE_PCT` and Kelly allow, times all reductions (`factors` by the name of
    their rule), cut to what is affordable and to the quantity step. Rounding may put the stop on the wrong side of
    the entry: a distance of 0 or less wants nothing.
    """
    equity, leverage, price = book.pool.equity, proposal.leverage, proposal.price
    distance = (price - proposal.stop) * proposal.direction
    confidence = confidence_of(settings, proposal.signal.probability)
    risk = equity * settings.RISK_PER_TRADE * confidence
    caps = {
        "risk": risk / distance if distance > 0 else 0.0,
        "position": equity * settings.MAX_POSITION_SIZE_PCT * leverage / price,
    }
    kelly = kelly_cap(settings, book.returns, equity * leverage / price)
    if kelly is not None:
        caps["kelly"] = kelly
    bound = min(caps, key=lambda name: caps[name])
    wanted = caps[bound] * math.prod(factors.values())
    costs = (1 + settings.SLIPPAGE_PCT) / leverage + settings.taker_fee
    affordable = 0.995 * book.pool.free / (price * costs)
    quantity = instrument.cut_quantity(max(0.0, min(wanted, affordable)))
    refusal = _refusal(settings, book, instrument, price, quantity, wanted, affordable)
    made_by = bound if wanted <= affordable else "affordable"
    return Size(quantity, Factors(risk, confidence, caps, dict(factors), wanted, affordable, made_by), refusal)


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


class Entry(msgspec.Struct, frozen=True):
    """An entry that passed every check."""

    proposal: Proposal
    size: Size
