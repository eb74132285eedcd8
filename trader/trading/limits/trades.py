"""How many trades may be open: in all, and on one stream (checks 8 and 9)."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal
from trader.trading.pyramiding import trade_to_add_to


class MaxTrades:
    """Open trades and pending entries stay below `MAX_CONCURRENT_TRADES`; hedges do not count."""

    stage, rule = "trades", "max_trades"

    def __init__(self, settings: Settings) -> None:
        self._most = settings.MAX_CONCURRENT_TRADES

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the number of trades."""
        trades = len(book.trades) + len(book.pending)
        if trades >= self._most:
            trades = sum(1 for trade in book.trades.values() if not trade.hedge) + len(book.entries_pending)
        return APPROVED if trades < self._most else Refusal(self.stage, self.rule, {"trades": trades})


class AlreadyOpen:
    """A stream has one trade or pending entry at a time; an add-on of pyramiding is the exception."""

    stage, rule = "trades", "already_open"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse, telling whether an entry waits."""
        symbol, timeframe = proposal.symbol, proposal.reading.timeframe
        trading = waiting = False
        for trade in book.trades.values():
            trading |= trade.symbol == symbol and trade.timeframe is timeframe and not trade.hedge
        for pending in book.pending.values():
            reading = pending.reading
            waiting |= reading.symbol == symbol and reading.timeframe is timeframe and not pending.hedge
        if not trading and not waiting:
            return APPROVED
        if trade_to_add_to(self._settings, book, proposal.reading, proposal.direction) is not None:
            return APPROVED
        return Refusal(self.stage, self.rule, {"pending": waiting})
