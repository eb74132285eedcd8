"""Funding: what positions held over a funding time pay, or get; by a rate, or as the exchange has taken it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from trader.core.events import FundingFee, FundingRate
from trader.core.timeframe import DAY_MS
from trader.core.trade import Trade
from trader.trading.book import Book
from trader.trading.notes import FundingPaid

#: So long it is remembered what was taken, ms. What is older than that, beside a newer payment, counts as told.
REMEMBERED_MS = 7 * DAY_MS
#: Amounts are told in eight decimals: what differs by less is the same.
SAME = 5e-9
#: Where a book keeps what was told of a whole coin, beside what was told of its sides (1, -1).
WHOLE = 0


def pay_rates(book: Book, due: Iterable[FundingRate], rank: Mapping[str, int]) -> Iterator[FundingPaid]:
    """Book rates that fell due on the trades filled before (trading rules, section 5), coins by `rank`."""
    for rate in sorted(due, key=lambda rate: (rate.time, rank.get(rate.symbol, -1))):
        for trade in book.trades.values():
            if trade.symbol == rate.symbol and trade.entry_time < rate.time:
                price = book.last_close.get(trade.symbol, trade.entry_price)
                amount = trade.quantity_left * price * rate.rate * trade.direction
                book.pool.gain(-amount)
                yield _paid(trade, rate.time, amount)


def take_fee(book: Book, fee: FundingFee) -> Iterator[FundingPaid]:
    """Book once what the exchange took, however often and in whatever form it is told.

    Trades of the side share it by what is left of them: those filled before, unless that is none. What has ended
    meanwhile cannot bear its share any more: then the pool does, as it does for all where no trade is left.
    """
    amount = _untold(book, fee)
    if amount is None:
        return
    book.pool.gain(-amount)
    trades = _bearers(book, fee)
    weights = [trade.quantity_left * (1 if fee.direction is not None else trade.direction) for trade in trades]
    total = sum(weights)
    for trade, weight in zip(trades, weights, strict=True):
        if total:
            yield _paid(trade, fee.time, amount * (weight / total))


def _untold(book: Book, fee: FundingFee) -> float | None:
    """Return what of a payment is not booked yet, and remember it; None when all of it is."""
    coin = book.funded.setdefault(fee.symbol, {})
    oldest = max([fee.time, *coin]) - REMEMBERED_MS
    if fee.time <= oldest:
        return None
    for time in [time for time in coin if time <= oldest]:
        del coin[time]
    told = coin.setdefault(fee.time, {})
    side = WHOLE if fee.direction is None else int(fee.direction)
    if side != WHOLE and (side in told or WHOLE in told):
        return None
    amount = fee.amount - (sum(told.values()) if side == WHOLE else 0.0)
    told[side] = told.get(side, 0.0) + amount
    return amount if abs(amount) > SAME else None


def _bearers(book: Book, fee: FundingFee) -> Sequence[Trade]:
    sides = book.funded[fee.symbol][fee.time]
    own = [trade for trade in book.trades.values() if trade.symbol == fee.symbol]
    if fee.direction is not None:
        own = [trade for trade in own if trade.direction is fee.direction]
    else:  # the rest of a payment is that of sides of which nothing was told
        own = [trade for trade in own if int(trade.direction) not in sides] or own
    return [trade for trade in own if trade.entry_time < fee.time] or own


def _paid(trade: Trade, time: int, amount: float) -> FundingPaid:
    trade.funding += amount
    return FundingPaid(time, trade, amount)
