"""Hedges: a position the other way while a coin's own trades lose and the pool is in drawdown (section 8)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Direction
from trader.core.trade import Trade
from trader.trading.book import Book
from trader.trading.guards import drawdown_of
from trader.trading.leverage import leverage_of

#: Bounds of the factor by which volatility moves the threshold.
WILDEST, CALMEST = 0.7, 1.3


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


def open_hedge(book: Book, symbol: str) -> Trade | None:
    """Return the coin's hedge, if it has one."""
    return next((trade for trade in book.trades.values() if trade.hedge and trade.symbol == symbol), None)


def awaits_hedge(book: Book, symbol: str) -> bool:
    """Tell whether a hedge of the coin waits for its fill."""
    return any(pending.hedge and pending.request.symbol == symbol for pending in book.pending.values())


def is_over(settings: Settings, book: Book, symbol: str) -> bool:
    """Tell whether a coin's hedge has nothing left to do: the pool has recovered, or its own trades are closed."""
    recovered = drawdown_of(book) <= settings.HEDGING.hedge_recovery_threshold
    return recovered or exposure_of(book, symbol).trades == 0


def threshold_of(settings: Settings, book: Book, symbol: str) -> float:
    """Return the drawdown at which the coin is hedged; with `dynamic_hedge` sooner in a market wilder than usual.

    The factor is the median of the hourly ATR14 % of 30 days over the present one, within 0.7 and 1.3; 1 while it is
    not known.
    """
    rule = settings.HEDGING
    override = rule.coin_overrides.get(symbol)
    threshold = override.hedge_threshold if override else rule.hedge_threshold
    calm = book.hours[symbol].calm() if rule.dynamic_hedge and symbol in book.hours else None
    return threshold if calm is None else threshold * min(CALMEST, max(WILDEST, calm))


def wanted_hedge(
    settings: Settings, book: Book, symbol: str, instrument: Instrument
) -> tuple[Direction, float, float] | None:
    """Return (direction, quantity, reserve) of the hedge that the coin needs now, or None.

    None below the exchange's minimum, or when its reserve is above free capital.
    """
    if drawdown_of(book) < threshold_of(settings, book, symbol):
        return None
    exposure = exposure_of(book, symbol)
    if exposure.net == 0 or exposure.unrealised >= 0:
        return None
    price = book.last_close[symbol]
    quantity = instrument.cut_quantity(settings.HEDGING.hedge_ratio * abs(exposure.net))
    reserve = quantity * price / leverage_of(settings, book, symbol)
    if not instrument.tradable(quantity, price) or reserve > book.pool.free:
        return None
    return Direction.SHORT if exposure.net > 0 else Direction.LONG, quantity, reserve


def hedged_coins(book: Book, coins: Iterable[str]) -> list[str]:
    """Return the coins, in their order, that have trades or a hedge open."""
    open_coins = {trade.symbol for trade in book.trades.values()}
    return [symbol for symbol in coins if symbol in open_coins]
