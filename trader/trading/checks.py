"""The checks before an entry, in the order in which they are made (trading-rules, section 3).

`ENTRY_CHECKS` reads like the table there. Each check answers None (go on) or the values it refuses for. Portfolio
limits and size come last, in `PORTFOLIO_LIMITS` and `trader.trading.sizing`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from trader.core.settings import Settings
from trader.core.settings.groups import TradingHours
from trader.core.signal import Direction, Reading, Refusal, Signal
from trader.trading.book import Book
from trader.trading.guards import forbids_entries
from trader.trading.limits.base import Limit
from trader.trading.limits.exposure import DirectionExposure, SymbolExposure
from trader.trading.limits.liquidation import BeyondLiquidation
from trader.trading.limits.portfolio_risk import PortfolioRisk
from trader.trading.pyramiding import trade_to_add_to
from trader.trading.targets import direction_of, distances_of, expected_profit

Values = dict[str, Any]


class Wish(msgspec.Struct, frozen=True):
    """A signal on its way through the checks: T in ms, the reading, its signal and the side it means."""

    time: int
    reading: Reading
    signal: Signal
    direction: Direction


def quiet_refusal(reading: Reading, time: int, hours: TradingHours) -> Refusal | None:
    """Make checks 1 to 4, which know nothing of money: most candles end here."""
    if not reading.ready:
        return WARMING_UP
    if reading.gap:
        return GAP
    if hours.enable and not inside_hours(hours, time):
        return OUTSIDE_HOURS
    return None if reading.signal is not None else NO_PATTERN


WARMING_UP = Refusal("stream", "warming_up")
GAP = Refusal("stream", "gap")
OUTSIDE_HOURS = Refusal("stream", "outside_hours")
NO_PATTERN = Refusal("signal", "no_pattern")
#: Rules of checks 1 to 4: a decision that ends with one of them is not worth a line in the log.
QUIET_RULES = ("warming_up", "gap", "outside_hours", "no_pattern")


def inside_hours(hours: TradingHours, time: int) -> bool:
    """Tell whether the hour of T (ms) lies in `[start_hour, end_hour)` of the time zone; it may wrap past midnight."""
    hour = datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo(hours.timezone)).hour
    if hours.start_hour < hours.end_hour:
        return hours.start_hour <= hour < hours.end_hour
    return hour >= hours.start_hour or hour < hours.end_hour


def _probability(wish: Wish, book: Book, settings: Settings) -> Values | None:
    if wish.signal.probability >= settings.MIN_PROBABILITY:
        return None
    return {"probability": wish.signal.probability, "least": settings.MIN_PROBABILITY}


def _strength(wish: Wish, book: Book, settings: Settings) -> Values | None:
    if wish.signal.strength >= settings.MIN_STRENGTH:
        return None
    return {"strength": wish.signal.strength, "least": settings.MIN_STRENGTH}


def _max_trades(wish: Wish, book: Book, settings: Settings) -> Values | None:
    trades = sum(1 for trade in book.trades.values() if not trade.hedge) + len(book.entries_pending)
    return None if trades < settings.MAX_CONCURRENT_TRADES else {"trades": trades}


def _already_open(wish: Wish, book: Book, settings: Settings) -> Values | None:
    stream = (wish.reading.symbol, wish.reading.timeframe)
    trading = any((t.symbol, t.timeframe) == stream and not t.hedge for t in book.trades.values())
    waiting = any((p.reading.symbol, p.reading.timeframe) == stream for p in book.entries_pending)
    if trade_to_add_to(settings, book, wish.reading, wish.direction) is not None:
        return None
    return {"pending": waiting} if trading or waiting else None


def _short(wish: Wish, book: Book, settings: Settings) -> Values | None:
    allowed = wish.direction is Direction.LONG or settings.MARKET == "futures"
    return None if allowed else {"market": settings.MARKET}


def _trend(wish: Wish, book: Book, settings: Settings) -> Values | None:
    if not settings.TREND_ALIGNMENT:
        return None
    aligned = wish.direction * wish.reading.close > wish.direction * wish.reading.ema50
    return None if aligned else {"close": wish.reading.close, "ema50": wish.reading.ema50}


def _volatility(wish: Wish, book: Book, settings: Settings) -> Values | None:
    least = settings.min_atr_pct(wish.reading.timeframe)
    atr_pct = wish.reading.atr14 / wish.reading.close
    return None if atr_pct >= least else {"atr_pct": atr_pct, "least": least}


def _profit(wish: Wish, book: Book, settings: Settings) -> Values | None:
    distances = distances_of(settings, wish.signal.pattern, wish.reading.atr14)
    profit = expected_profit(settings, wish.reading.close, distances)
    return None if profit >= settings.MIN_NET_PROFIT_PCT else {"profit": profit, "least": settings.MIN_NET_PROFIT_PCT}


Check = Callable[[Wish, Book, Settings], Values | None]

#: Checks 5, 6 and 8 to 13: (stage, rule, check). Check 7 stands between them because its rule is the guard's.
SIGNAL_CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("signal", "low_probability", _probability),
    ("signal", "low_strength", _strength),
)
ENTRY_CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("trades", "max_trades", _max_trades),
    ("trades", "already_open", _already_open),
    ("market", "short_not_allowed", _short),
    ("market", "against_trend", _trend),
    ("market", "low_volatility", _volatility),
    ("market", "low_profit", _profit),
)
#: Checks 14 and 15, asked with the quantity of section 4.
PORTFOLIO_LIMITS: tuple[Limit, ...] = (PortfolioRisk(), SymbolExposure(), DirectionExposure(), BeyondLiquidation())

#: Every rule that can end a decision, in the order of the checks; reports show their funnel in it.
RULES = (
    *QUIET_RULES,
    *(rule for _, rule, _ in SIGNAL_CHECKS),
    "paused",
    "kill_switch",
    "daily_loss",
    "cooldown",
    *(rule for _, rule, _ in ENTRY_CHECKS),
    *(limit.rule for limit in PORTFOLIO_LIMITS),
    "insufficient_capital",
    "below_min_size",
)


def refusal_of(wish: Wish, book: Book, settings: Settings) -> Refusal | None:
    """Make checks 5 to 13; return the first "no", or None."""
    return _first(SIGNAL_CHECKS, wish, book, settings) or _guarded(book) or _first(ENTRY_CHECKS, wish, book, settings)


def wish_of(reading: Reading, signal: Signal, time: int) -> Wish:
    """Turn a reading's signal into a wish with a direction."""
    return Wish(time, reading, signal, direction_of(signal, reading))


def _first(checks: tuple[tuple[str, str, Check], ...], wish: Wish, book: Book, settings: Settings) -> Refusal | None:
    for stage, rule, check in checks:
        values = check(wish, book, settings)
        if values is not None:
            return Refusal(stage, rule, values)
    return None


def _guarded(book: Book) -> Refusal | None:
    rule = forbids_entries(book)
    return Refusal("guard", rule) if rule else None
