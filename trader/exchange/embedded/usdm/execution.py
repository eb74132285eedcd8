"""One execution: how a position, its margin and the wallet change, and what the owner is told."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO, product
from trader.exchange.embedded.usdm import events, margin
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.orders import Order, Status, Trade
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.wallet import Kind


def execute(books: Books, order: Order, quantity: Decimal, price: Decimal, maker: bool, time: int) -> Trade:
    """Let `quantity` of an order be filled at `price`; the owner affords it. Money first, then the order is told of."""
    wish = order.wish
    position = books.position(order.uid, wish.symbol, wish.position_side)
    closing = position.closable(wish.sign, quantity)
    realised = position.shrink(closing, price) if closing else ZERO
    if quantity > closing:
        _open(books, position, wish.sign, quantity - closing, price)
    rate = books.accounts[order.uid].rates[MARKET].of(maker)
    asset, fee = books.contracts[wish.symbol].asset, product(quantity, price, rate)
    trade = Trade(next(books.trade_ids), order.id, price, quantity, fee, realised, asset, time, maker)
    return book(books, order, position, trade)


def book(books: Books, order: Order, position: Position, trade: Trade, kind: str = "TRADE") -> Trade:
    """Book an execution whose position has changed already, and tell the owner."""
    position.updated = trade.time
    books.settle(position)
    wallet, symbol = books.wallets[order.uid], order.wish.symbol
    wallet.move(Kind.REALIZED_PNL, trade.asset, trade.realised, trade.time, symbol, trade.id)
    wallet.move(Kind.COMMISSION, trade.asset, -trade.commission, trade.time, symbol, trade.id)
    _clear(books, order.uid, trade)
    order.executed += trade.quantity
    order.quote = CONTEXT.add(order.quote, CONTEXT.multiply(trade.quantity, trade.price))
    order.updated = trade.time
    order.status = Status.PARTIALLY_FILLED if order.left > 0 else Status.FILLED
    books.shelf.add_trade(order, trade)
    books.shelf.settle(order)
    if kind == "TRADE":
        books.tell(order.uid, events.trade_lite(books, order, trade))
    books.tell(order.uid, events.account_event(books, order.uid, "ORDER", trade.asset, ZERO, [position]))
    books.tell(order.uid, events.order_event(books, order, kind, trade))
    return trade


def _open(books: Books, position: Position, sign: int, quantity: Decimal, price: Decimal) -> None:
    """Grow a position, with margin of its own where its symbol is isolated."""
    setting = books.setting(position.uid, position.symbol)
    if not position.quantity:
        position.isolated, position.called = setting.isolated, False
    own = CONTEXT.divide(CONTEXT.multiply(quantity, price), Decimal(setting.leverage))
    position.grow(sign * quantity, price, own if position.isolated else ZERO)
    position.since = books.now()


def _clear(books: Books, uid: int, trade: Trade) -> None:
    """Let the insurance fund pay what a loss or fee takes beyond the wallet: nobody owes the exchange."""
    missing = margin.cross_wallet(books, uid, trade.asset)
    if missing < 0:
        books.wallets[uid].move(Kind.INSURANCE_CLEAR, trade.asset, -missing, trade.time)
