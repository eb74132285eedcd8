"""Books of a day that can be copied, compared and valued: what every trade of it has come to so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from trader.core.trade import Trade
from trader.trading.book import Book, Pending
from trader.trading.notes import Note, PartClosed


class Key(NamedTuple):
    """What a trade is known by on both sides: numbers of trades and orders differ once one side has one more.

    A stream decides at most one entry at a time T (`decided`, ms), and a coin opens at most one hedge.
    """

    symbol: str
    timeframe: str
    decided: int
    hedge: bool


def key_of(trade: Trade) -> Key:
    """Return the key of a trade."""
    return Key(trade.symbol, str(trade.timeframe), trade.signal_time, trade.hedge)


def key_of_pending(pending: Pending) -> Key:
    """Return the key of the trade that an entry will open."""
    return Key(pending.request.symbol, str(pending.reading.timeframe), pending.request.decided, pending.hedge)


class DayBooks(msgspec.Struct):
    """The core's books with the trades that have `ended` since the day began, by position id."""

    book: Book
    ended: dict[int, Trade] = {}

    def trades(self) -> Iterator[Trade]:
        """Yield the trades of the day, those that are open last."""
        yield from self.ended.values()
        yield from self.book.trades.values()

    def note(self, note: Note) -> None:
        """Keep a trade that ends."""
        if isinstance(note, PartClosed) and note.trade.quantity_left <= 0:
            self.ended[note.trade.position_id] = note.trade

    def keys(self) -> dict[int, Key]:
        """Return the keys of all positions, by position id."""
        found = {trade.position_id: key_of(trade) for trade in self.trades()}
        pending = [*self.book.pending.values(), *(each.pending for each in self.book.withdrawn.values())]
        return {each.request.position_id: key_of_pending(each) for each in pending} | found


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DayBooks).decode


def frozen(books: DayBooks) -> bytes:
    """Return the books as they stand, to be `thawed` any number of times."""
    return _encode(books)


def thawed(kept: bytes) -> DayBooks:
    """Return books of their own from what was frozen."""
    return _decode(kept)


def worth(trade: Trade, mark: float) -> float:
    """Return what a trade has added to equity with what is left of it valued at `mark`, in quote currency.

    Entry fee and funding count in full from the moment they are paid, as they do in the pool.
    """
    given = sum(part.fees for part in trade.parts), sum(part.funding for part in trade.parts)
    return trade.net + trade.unrealised(mark) - (trade.fees - given[0]) - (trade.funding - given[1])


def worths(books: DayBooks, marks: Mapping[str, float]) -> dict[Key, float]:
    """Return the worth of every trade of the day; `marks` are prices by symbol."""
    return {key_of(trade): worth(trade, marks.get(trade.symbol, trade.entry_price)) for trade in books.trades()}


def equity(book: Book, marks: Mapping[str, float]) -> float:
    """Return the equity of the books with open trades valued at `marks`."""
    open_now = sum(trade.unrealised(marks.get(trade.symbol, trade.entry_price)) for trade in book.trades.values())
    return book.pool.free + book.reserved + open_now
