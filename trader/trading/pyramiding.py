"""Further trades on a winning one, and re-entries after a stop (trading-rules, section 9)."""

from __future__ import annotations

import math

from trader.core.settings import Settings
from trader.core.signal import Direction, Reading
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.trading.book import Book


def first_trade(book: Book, symbol: str, timeframe: Timeframe) -> Trade | None:
    """Return the stream's open trade that is linked to no other."""
    for trade in book.trades.values():
        same = trade.symbol == symbol and trade.timeframe is timeframe
        if same and not trade.hedge and trade.linked_to is None:
            return trade
    return None


def trade_to_add_to(settings: Settings, book: Book, reading: Reading, direction: Direction) -> Trade | None:
    """Return the first trade that a signal may add to, or None.

    It is open, the same way, not about to close, far enough in profit, and has room for one more; an add-on that
    closed counts, one that was dropped does not.
    """
    rule = settings.PYRAMIDING
    if not rule.enable or _awaits_entry(book, reading):
        return None
    trade = first_trade(book, reading.symbol, reading.timeframe)
    if trade is None or trade.direction != direction or trade.closing:
        return None
    profit = (reading.close - trade.entry_price) / trade.entry_price * direction
    if not rule.min_profit_pct < profit < math.inf or book.adds.get(trade.id, 0) >= rule.max_adds:
        return None
    return trade


def _awaits_entry(book: Book, reading: Reading) -> bool:
    for pending in book.pending.values():
        own = pending.reading
        if own.symbol == reading.symbol and own.timeframe is reading.timeframe and not pending.hedge:
            return True
    return False


def stop_key(symbol: str, timeframe: Timeframe, direction: Direction) -> str:
    """Return the name under which the books remember the last stop of a stream in a direction."""
    return f"{symbol} {timeframe} {direction.name}"


def re_enters(settings: Settings, book: Book, reading: Reading, direction: Direction, time: int) -> bool:
    """Tell whether a signal comes soon after a trade the same way on the same stream ended by its stop."""
    rule = settings.RE_ENTRY
    if not rule.enable:
        return False
    stopped = book.stopped.get(stop_key(reading.symbol, reading.timeframe, direction))
    return stopped is not None and time - stopped <= rule.candles * reading.timeframe.ms
