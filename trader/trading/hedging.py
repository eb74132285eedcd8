"""Hedges: a position the other way while a coin's own trades lose and the pool is in drawdown (section 8)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from trader.core.brackets import notional_cap
from trader.core.instrument import Instrument
from trader.core.settings import CALMEST, WILDEST, Settings
from trader.core.signal import Direction
from trader.core.trade import Trade
from trader.trading.book import Book
from trader.trading.ceiling import usable_free
from trader.trading.guards import drawdown_of
from trader.trading.leverage import leverage_of

#: What `threshold_of` said of each coin, with the count of its hours then: the median of 30 days takes its time.
Thresholds = dict[str, tuple[int, float]]


class Exposure(msgspec.Struct, frozen=True):
    """A coin's own trades together: `net` quantity (LONG positive), and what they are worth now, unrealised."""

    trades: int
    net: float
    unrealised: float


def exposure_of(book: Book, symbol: str) -> Exposure:
    """Sum a coin's own trades at its last close; hedges are not its own, trades about to close are."""
    own = [trade for trade in book.trades.values() if trade.symbol == symbol and not trade.hedge]
    net = sum(trade.quantity_left * trade.direction for trade in own)
    unrealised = sum(trade.unrealised(book.last_close.get(symbol, trade.entry_price)) for trade in own)
    return Exposure(len(own), net, unrealised)


def own_coins(book: Book) -> set[str]:
    """Return the coins that have trades open, hedges apart."""
    return {trade.symbol for trade in book.trades.values() if not trade.hedge}


def open_hedges(book: Book) -> dict[str, Trade]:
    """Return the open hedges, by coin: each has one at most."""
    return {trade.symbol: trade for trade in book.trades.values() if trade.hedge}


def awaits_hedge(book: Book, symbol: str) -> bool:
    """Tell whether a hedge of the coin waits for its fill."""
    return any(pending.hedge and pending.request.symbol == symbol for pending in book.pending.values())


def threshold_of(settings: Settings, book: Book, symbol: str) -> float:
    """Return the drawdown at which the coin is hedged; with `dynamic_hedge` sooner in a market wilder than usual.

    The factor is the median of the hourly ATR14 % of 30 days over the present one, within 0.7 and 1.3; 1 while it is
    not known.
    """
    threshold = _usual_threshold(settings, symbol)
    calm = book.hours[symbol].calm() if settings.HEDGING.dynamic_hedge and symbol in book.hours else None
    return threshold if calm is None else threshold * min(CALMEST, max(WILDEST, calm))


def _known_threshold(settings: Settings, book: Book, symbol: str, known: Thresholds) -> float:
    hours = book.hours.get(symbol)
    count = hours.count if hours else 0
    found = known.get(symbol)
    if found is None or found[0] != count:
        found = known[symbol] = (count, threshold_of(settings, book, symbol))
    return found[1]


def _usual_threshold(settings: Settings, symbol: str) -> float:
    override = settings.HEDGING.coin_overrides.get(symbol)
    return override.hedge_threshold if override else settings.HEDGING.hedge_threshold


def least_threshold(settings: Settings, symbols: Iterable[str]) -> float:
    """Return the drawdown below which no coin is hedged, however wild its market is; inf where none ever is."""
    if not settings.HEDGING.enable:
        return math.inf
    least = min((_usual_threshold(settings, symbol) for symbol in symbols), default=0.0)
    return least * WILDEST if settings.HEDGING.dynamic_hedge else least


def wanted_hedge(
    settings: Settings, book: Book, symbol: str, instrument: Instrument, known: Thresholds
) -> tuple[Direction, float, float] | None:
    """Return (direction, quantity, reserve) of the hedge that the coin needs now, or None.

    `known` keeps thresholds, which change by the hour. It is never worth more than the exchange's brackets allow at its
    leverage. None below the exchange's minimum, or when its reserve is above free capital; and while the drawdown is
    one at which hedges close, where a wild market has brought the threshold down to that: it would flap.
    """
    drawdown = drawdown_of(book)
    if drawdown <= settings.HEDGING.hedge_recovery_threshold or drawdown < _known_threshold(
        settings, book, symbol, known
    ):
        return None
    exposure = exposure_of(book, symbol)
    if exposure.net == 0 or exposure.unrealised >= 0:
        return None
    price = book.last_close[symbol]
    direction = Direction.SHORT if exposure.net > 0 else Direction.LONG
    leverage = leverage_of(settings, book, symbol, None, instrument.brackets)
    room = notional_cap(instrument.brackets, leverage) - book.notional_of(symbol, direction)
    quantity = instrument.cut_quantity(max(0.0, min(settings.HEDGING.hedge_ratio * abs(exposure.net), room / price)))
    reserve = quantity * price / leverage
    if not instrument.tradable(quantity, price) or reserve > usable_free(settings, book):
        return None
    return direction, quantity, reserve
