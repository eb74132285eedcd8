"""Sections 3 and 4 of the rules a second time: what becomes of a signal, and how large it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.long.guards import SecondGuards
from tests.long.hours import SecondHours, move_together
from tests.long.terms import allowed, held, kept, tries
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.core.trade import Trade
from trader.trading.book import Book, Pending

SHORTS = ("descending_triangle", "double_top", "head_and_shoulders", "wedge_rising", "flag_bearish")


class Facts(NamedTuple):
    """What a decision is made from; all but the book is remembered a second time."""

    settings: Settings
    book: Book
    guards: SecondGuards
    hours: dict[str, SecondHours]
    instrument: Instrument
    adds: dict[int, int]
    stops: dict[tuple[str, Timeframe, int], int]
    results: list[float]
    reading: Reading
    time: int


class Verdict(NamedTuple):
    """The rule that ends a decision, or `opened` with what is ordered."""

    rule: str
    quantity: float = 0.0
    leverage: float = 0.0
    linked_to: int | None = None


def side(reading: Reading) -> int:
    """Return 1 for LONG, -1 for SHORT, 0 for a triangle that goes with a trend which is not known."""
    assert reading.signal is not None
    if reading.signal.pattern == "symmetrical_triangle":
        if not math.isfinite(reading.close - reading.ema50):
            return 0
        return 1 if reading.close > reading.ema50 else -1
    return -1 if reading.signal.pattern in SHORTS else 1


def decide(facts: Facts) -> Verdict:
    """Make the checks of section 3 in their order."""
    rule = next(_before_size(facts), "")
    if rule:
        return Verdict(rule)
    sign, price, instrument = side(facts.reading), facts.reading.close, facts.instrument
    stop = instrument.level_towards(_stop(facts), price)
    for leverage in _leverages(facts):
        room = allowed(instrument.brackets, leverage) - held(facts.book, facts.reading.symbol, sign)
        wanted, affordable = _sizes(facts, sign * (price - stop), leverage)
        if min(wanted, affordable) * price <= room:
            break
    quantity = instrument.cut_quantity(max(0.0, min(wanted, affordable, room / price)))
    rule = next(_after_size(facts, quantity, stop, leverage), "")
    if rule:
        return Verdict(rule)
    if facts.book.pool.free <= 0 or affordable < facts.settings.MIN_SIZE_RATIO * wanted:
        return Verdict("insufficient_capital")
    if not instrument.tradable(quantity, price):
        return Verdict("below_min_size")
    first = _first_trade_to_add_to(facts)
    return Verdict("opened", quantity, leverage, first.id if first else None)


def _before_size(facts: Facts) -> Iterator[str]:
    settings, book, reading, signal = facts.settings, facts.book, facts.reading, facts.reading.signal
    if not reading.ready:
        yield "warming_up"
    if reading.gap:
        yield "gap"
    if _outside(facts):
        yield "outside_hours"
    if signal is None:
        yield "no_pattern"
        return
    if signal.probability < settings.MIN_PROBABILITY:
        yield "low_probability"
    if signal.strength < settings.MIN_STRENGTH:
        yield "low_strength"
    least = settings.MIN_EXPECTED_RETURN
    if least is not None and (signal.expected is None or signal.expected < least):
        yield "low_expectancy"
    if signal.made and facts.time - signal.made > settings.SIGNAL_TTL_S * 1000:
        yield "expired"
    if facts.guards.forbids():
        yield facts.guards.forbids()
    if len(_own(book)) + len(_entries(book)) >= settings.MAX_CONCURRENT_TRADES:
        yield "max_trades"
    if _stream_is_busy(facts) and _first_trade_to_add_to(facts) is None:
        yield "already_open"
    sign = side(reading)
    if sign < 0 and settings.MARKET == "spot":
        yield "short_not_allowed"
    if settings.TREND_ALIGNMENT and sign * reading.close <= sign * reading.ema50:
        yield "against_trend"
    if reading.atr14 / reading.close < settings.min_atr_pct(reading.timeframe):
        yield "low_volatility"
    if _expected_profit(facts) < settings.MIN_NET_PROFIT_PCT:
        yield "low_profit"


def _after_size(facts: Facts, quantity: float, stop: float, leverage: float) -> Iterator[str]:
    settings, book, reading = facts.settings, facts.book, facts.reading
    sign, price, equity = side(reading), reading.close, book.pool.equity
    risks = [max(0.0, sign * (price - stop)) * quantity]
    risks += [max(0.0, t.direction * (t.entry_price - t.stop)) * t.quantity_left for t in _own(book)]
    risks += [max(0.0, p.request.direction * (p.price - p.stop)) * p.request.quantity for p in _entries(book)]
    if _exceeds(sum(risks), settings.MAX_PORTFOLIO_RISK * equity):
        yield "portfolio_risk"
    held = [(t.symbol, t.direction, t.quantity_left * t.entry_price / t.leverage) for t in book.trades.values()]
    held += [(p.request.symbol, p.request.direction, p.reserve) for p in book.pending.values()]
    more = quantity * price / leverage
    if _exceeds(
        sum(r for symbol, _, r in held if symbol == reading.symbol) + more, settings.MAX_SYMBOL_EXPOSURE * equity
    ):
        yield "symbol_exposure"
    if _exceeds(sum(r for _, way, r in held if way == sign) + more, settings.MAX_DIRECTION_EXPOSURE * equity):
        yield "direction_exposure"
    if settings.CORRELATION_MODE == "skip" and _correlated(facts):
        yield "correlated"
    rate = kept(facts.instrument.brackets, quantity * price or 1e-9, settings)
    liquidation = price * (1 - sign * (1 / leverage - rate))
    if settings.MARKET == "futures" and sign * stop <= sign * liquidation:
        yield "beyond_liquidation"


def _sizes(facts: Facts, distance: float, leverage: float) -> tuple[float, float]:
    """Return what is wanted and what is affordable."""
    settings, equity, price = facts.settings, facts.book.pool.equity, facts.reading.close
    most = [
        equity * settings.RISK_PER_TRADE * _confidence(facts) / distance if distance > 0 else 0.0,
        equity * settings.MAX_POSITION_SIZE_PCT * leverage / price,
    ]
    rule = settings.KELLY
    if rule.enable and len(facts.results) >= rule.min_trades:
        most.append(
            max(_kelly(facts.results[-rule.window :]) * rule.fraction, rule.min_fraction) * equity * leverage / price
        )
    costs = (1 + settings.SLIPPAGE_PCT) / leverage + settings.taker_fee
    return min(most) * _reduction(facts), 0.995 * facts.book.pool.free / (price * costs)


def _kelly(results: list[float]) -> float:
    wins, losses = [r for r in results if r > 0], [-r for r in results if r <= 0]
    if not wins:
        return 0.0
    share, win = len(wins) / len(results), sum(wins) / len(wins)
    return (share * win - (1 - share) * (sum(losses) / len(losses) if losses else 0.0)) / win


def _confidence(facts: Facts) -> float:
    assert facts.reading.signal is not None
    probability, tiers, weights = (
        facts.reading.signal.probability,
        facts.settings.CONFIDENCE_TIERS,
        facts.settings.ML_CONFIDENCE_WEIGHTING,
    )
    if tiers.enable:
        return max((tier.size for tier in tiers.tiers if probability >= tier.min_prob), default=0.0)
    if not weights.enable:
        return 1.0
    reached = [(tier.min_prob, tier.multiplier) for tier in weights.tiers if probability >= tier.min_prob]
    return max(reached)[1] if reached else 1.0


def _reduction(facts: Facts) -> float:
    settings, reading = facts.settings, facts.reading
    streak, again = settings.LOSING_STREAK_PROTECTION, settings.RE_ENTRY
    factor = facts.guards.factor
    if streak.enable and facts.guards.losses >= streak.reduce_risk_after:
        factor *= streak.risk_multiplier
    if settings.CORRELATION_MODE == "halve" and _correlated(facts):
        factor *= 0.5
    stop = facts.stops.get((reading.symbol, reading.timeframe, side(reading)))
    if again.enable and stop is not None and facts.time - stop <= again.candles * reading.timeframe.ms:
        factor *= again.risk_multiplier
    if _first_trade_to_add_to(facts) is not None:
        factor *= settings.PYRAMIDING.risk_multiplier
    return factor


def _leverages(facts: Facts) -> list[float]:
    """Return the leverages at which the entry is sized, in turn: the first that fits counts."""
    symbol, brackets, book = facts.reading.symbol, facts.instrument.brackets, facts.book
    standing = [t.leverage for t in book.trades.values() if t.symbol == symbol]
    standing += [p.request.leverage for p in book.pending.values() if p.request.symbol == symbol]
    if brackets and standing:
        return standing[:1]
    return list(tries(brackets, _leverage(facts)))


def _leverage(facts: Facts) -> float:
    settings, symbol, tiers = facts.settings, facts.reading.symbol, facts.settings.CONFIDENCE_TIERS
    assert facts.reading.signal is not None
    highest = settings.LEVERAGE_BY_COIN.get(symbol, settings.LEVERAGE)
    if settings.MARKET == "spot":
        return 1.0
    if facts.instrument.brackets:
        highest = min(highest, facts.instrument.brackets[0].initial_leverage)
    if not tiers.enable:
        return highest
    standing = [t.leverage for t in facts.book.trades.values() if t.symbol == symbol]
    standing += [p.request.leverage for p in facts.book.pending.values() if p.request.symbol == symbol]
    if standing:
        return standing[0]
    low, high = tiers.tiers[-1].min_prob, tiers.tiers[0].min_prob
    lowest = min(tiers.lowest_leverage, highest)
    share = min(1.0, max(0.0, (facts.reading.signal.probability - low) / (high - low)))
    return float(math.floor(lowest + (highest - lowest) * share + 1e-9))


def _stop(facts: Facts) -> float:
    """Return the estimated stop before rounding."""
    settings, reading, sign = facts.settings, facts.reading, side(facts.reading)
    if settings.STOP_MODE == "atr":
        return reading.close - sign * settings.ATR_STOP.stop_atr * reading.atr14
    assert reading.signal is not None
    return reading.close * (1 - sign * settings.PATTERN_TARGETS[reading.signal.pattern].sl_pct)


def _expected_profit(facts: Facts) -> float:
    settings, reading = facts.settings, facts.reading
    assert reading.signal is not None
    target = settings.PATTERN_TARGETS[reading.signal.pattern].tp_pct
    if settings.STOP_MODE == "atr":
        target = settings.ATR_STOP.target_atr * reading.atr14 / reading.close
    steps: list[tuple[float, float]] = []
    if settings.TARGET_LADDER.enable:
        steps = [
            (part * target, share)
            for part, share in zip(settings.TARGET_LADDER.at, settings.TARGET_LADDER.close_ratios, strict=True)
            if part < 1
        ]
    elif settings.PARTIAL_TP.enable:
        steps = [(level.pct, level.close_ratio) for level in settings.PARTIAL_TP.levels if level.pct < target]
    last = 1 - sum(share for _, share in steps)
    gross = sum(distance * share for distance, share in steps) + last * target
    return gross - settings.taker_fee - settings.maker_fee - settings.SLIPPAGE_PCT


def _outside(facts: Facts) -> bool:
    hours = facts.settings.TRADING_HOURS
    hour = datetime.fromtimestamp(facts.time / 1000, UTC).astimezone(ZoneInfo(hours.timezone)).hour
    open_for = (hours.end_hour - hours.start_hour) % 24
    return hours.enable and (hour - hours.start_hour) % 24 >= open_for


def _own(book: Book) -> list[Trade]:
    return [trade for trade in book.trades.values() if not trade.hedge]


def _entries(book: Book) -> list[Pending]:
    return [pending for pending in book.pending.values() if not pending.hedge]


def _stream_is_busy(facts: Facts) -> bool:
    stream = (facts.reading.symbol, facts.reading.timeframe)
    streams = [(trade.symbol, trade.timeframe) for trade in _own(facts.book)]
    return stream in streams or _stream_waits(facts)


def _stream_waits(facts: Facts) -> bool:
    stream = (facts.reading.symbol, facts.reading.timeframe)
    return stream in [(pending.reading.symbol, pending.reading.timeframe) for pending in _entries(facts.book)]


def _first_trade_to_add_to(facts: Facts) -> Trade | None:
    rule, reading = facts.settings.PYRAMIDING, facts.reading
    stream = (reading.symbol, reading.timeframe)
    firsts = [t for t in _own(facts.book) if (t.symbol, t.timeframe) == stream and t.linked_to is None]
    if not rule.enable or not firsts or _stream_waits(facts):
        return None
    first = firsts[0]
    ahead = (reading.close - first.entry_price) / first.entry_price * side(reading)
    room = facts.adds.get(first.id, 0) < rule.max_adds
    fits = first.direction == side(reading) and not first.closing and ahead > rule.min_profit_pct
    return first if room and fits else None


def _correlated(facts: Facts) -> bool:
    symbol, hour = facts.reading.symbol, facts.time // HOUR_MS
    others = {t.symbol for t in _own(facts.book) if t.direction == side(facts.reading)} - {symbol}
    return any(move_together(facts.hours[symbol], facts.hours[other], hour) for other in others)


def _exceeds(amount: float, limit: float) -> bool:
    return amount > limit * (1 + 1e-9)
