"""One execution: what changes hands, what it costs, and what stays locked."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO, product
from trader.exchange.embedded.accounts.ledger import Ledger
from trader.exchange.embedded.spot.answers import BNB_DISCOUNT
from trader.exchange.embedded.spot.books import MARKET, Books
from trader.exchange.embedded.spot.orders import LIMITED, Order, Status, Trade, Wish

BNB = "BNB"
#: What a BNB is worth in a quote asset in which it is not played: fees in it should not need a coin that nobody trades.
UNLISTED = Decimal(600)


def need(books: Books, wish: Wish, left: Decimal) -> tuple[str, Decimal]:
    """Return the asset and amount that `left` of an order may take: a stop that buys at market by its stop price."""
    pair = books.pairs[wish.symbol]
    if not wish.buying:
        return pair.base, left
    if wish.type in LIMITED:
        return pair.quote, product(left, wish.price or ZERO)
    return pair.quote, product(left, books.quotes.taken(wish.stop_price or ZERO, True))


def lock(books: Books, orders: list[Order]) -> None:
    """Lock once what the dearest of orders needs, of which only one can fill; raise `Shortage`."""
    needs = [need(books, order.wish, order.left) for order in orders]
    hold = books.ledgers[orders[0].uid].lock(needs[0][0], max(amount for _, amount in needs))
    for order in orders:
        order.hold = hold


def release(books: Books, order: Order, holders: Iterable[Order]) -> None:
    """Keep locked what those of `holders` need that are still open, all of one hold; free the rest."""
    if order.hold is None:
        return
    needs = [need(books, each.wish, each.left)[1] for each in holders if each.open]
    kept = min(max(needs, default=ZERO), order.hold.amount)
    books.ledgers[order.uid].resize(order.hold, kept)


def affords(books: Books, order: Order, quantity: Decimal, price: Decimal) -> bool:
    """Tell whether an order's owner can pay for `quantity` at `price`."""
    pair = books.pairs[order.wish.symbol]
    asset, amount = (pair.quote, product(quantity, price)) if order.wish.buying else (pair.base, quantity)
    return books.ledgers[order.uid].covers(asset, amount, order.hold)


def execute(books: Books, order: Order, quantity: Decimal, price: Decimal, maker: bool, time: int) -> Trade:
    """Let `quantity` change hands at `price`, and book it; the owner affords it."""
    pair, ledger = books.pairs[order.wish.symbol], books.ledgers[order.uid]
    quote = product(quantity, price)
    if order.wish.buying:
        ledger.pay(pair.quote, quote, order.hold)
        ledger.receive(pair.base, quantity)
        commission, asset = _commission(books, order, pair.base, quantity, quote, maker)
    else:
        ledger.pay(pair.base, quantity, order.hold)
        ledger.receive(pair.quote, quote)
        commission, asset = _commission(books, order, pair.quote, quote, quote, maker)
    ledger.pay(asset, commission)
    trade = Trade(next(books.trade_ids), order.id, price, quantity, quote, commission, asset, time, maker)
    _book(books, order, trade)
    return trade


def _book(books: Books, order: Order, trade: Trade) -> None:
    if not order.executed:
        books.accounts[order.uid].counts[MARKET].give_back()
    order.executed += trade.quantity
    order.quote_executed += trade.quote
    order.updated = trade.time
    order.status = Status.PARTIALLY_FILLED if order.left > 0 else Status.FILLED
    books.shelf.add_trade(order, trade)


def _commission(
    books: Books, order: Order, asset: str, received: Decimal, quote: Decimal, maker: bool
) -> tuple[Decimal, str]:
    """Return the commission: in BNB, cheaper, where the account wants that and has enough; else of what it gets."""
    account = books.accounts[order.uid]
    rate = account.rates[MARKET].of(maker)
    if account.pays_in_bnb and (amount := _in_bnb(books, order, product(quote, rate))) is not None:
        return amount, BNB
    return product(received, rate), asset


def _in_bnb(books: Books, order: Order, worth: Decimal) -> Decimal | None:
    """Return what a commission worth so much of the quote asset is in BNB; None where it cannot be paid so."""
    quote = books.pairs[order.wish.symbol].quote
    symbol = BNB + quote
    listed = books.quotes.price(symbol) if symbol in books.pairs else UNLISTED
    price = Decimal(1) if quote == BNB else listed
    if not price:
        return None
    amount = product(CONTEXT.divide(worth, price), Decimal(BNB_DISCOUNT))
    ledger: Ledger = books.ledgers[order.uid]
    return amount if ledger.covers(BNB, amount) else None
