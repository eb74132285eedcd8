"""How much to trade (trading-rules, section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from trader.core.brackets import leverages_to_try, notional_cap
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.core.trade import Factors
from trader.trading.book import Book
from trader.trading.ceiling import usable_equity, usable_free
from trader.trading.kelly import kelly_cap
from trader.trading.leverage import standing_leverage
from trader.trading.limits.base import Proposal


class Size(msgspec.Struct, frozen=True):
    """A quantity in base currency at a leverage, with what made it.

    `refusal` is "" or the rule that leaves nothing valid.
    """

    quantity: float
    factors: Factors
    refusal: str
    leverage: float


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

    With brackets it is the first size that they allow at its leverage, the highest leverage tried first; what the coin
    has open on that side counts towards the brackets. On a coin that is not flat the leverage stands.
    """
    brackets = instrument.brackets
    if not brackets:
        return _size(settings, book, instrument, proposal, factors, math.inf)
    held = book.notional_of(proposal.symbol, proposal.direction)
    flat = standing_leverage(book, proposal.symbol) is None
    for leverage in leverages_to_try(brackets, proposal.leverage) if flat else (proposal.leverage,):
        at_leverage = msgspec.structs.replace(proposal, leverage=leverage)
        room = notional_cap(brackets, leverage) - held
        size = _size(settings, book, instrument, at_leverage, factors, room)
        if size.factors.bound != "bracket":
            break
    asked = proposal.leverage if settings.CONFIDENCE_TIERS.enable else settings.leverage_of(proposal.symbol)
    if not flat or size.leverage >= asked:
        return size
    return msgspec.structs.replace(size, factors=msgspec.structs.replace(size.factors, lowered_from=asked))


def _size(
    settings: Settings,
    book: Book,
    instrument: Instrument,
    proposal: Proposal,
    factors: Mapping[str, float],
    room: float,
) -> Size:
    """Size a proposal at its leverage; it may be worth `room`, in quote currency, at most."""
    equity, leverage, price = usable_equity(settings, book), proposal.leverage, proposal.price
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
    affordable = 0.995 * usable_free(settings, book) / (price * costs)
    made_by = bound if wanted <= affordable else "affordable"
    largest = min(wanted, affordable)
    if room < largest * price:
        largest, made_by, caps["bracket"] = room / price, "bracket", max(0.0, room / price)
    quantity = instrument.cut_quantity(max(0.0, largest))
    refusal = _refusal(settings, book, instrument, price, quantity, wanted, affordable)
    made_of = Factors(risk, confidence, caps, dict(factors), wanted, affordable, made_by)
    return Size(quantity, made_of, refusal, leverage)


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
    if usable_free(settings, book) <= 0 or affordable < settings.MIN_SIZE_RATIO * wanted:
        return "insufficient_capital"
    return "" if instrument.tradable(quantity, price) else "below_min_size"


def refusal_of(size: Size) -> Refusal | None:
    """Return the "no" of check 16 with the values it looked at, in base currency."""
    if not size.refusal:
        return None
    factors = size.factors
    values = {"wanted": factors.wanted, "affordable": factors.affordable}
    if factors.bound == "bracket":
        values["bracket"] = factors.caps["bracket"]
    return Refusal("size", size.refusal, values)


class Entry(msgspec.Struct, frozen=True):
    """An entry that passed every check."""

    proposal: Proposal
    size: Size
