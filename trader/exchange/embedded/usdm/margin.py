"""What an account can still use, and at which price a position is taken from it.

The maintenance margin is that of the notional at the entry, as in the simulation (trading-rules, section 6), so that
both liquidate at one price. A cross position is kept by the whole cross wallet less the losses of the other cross
positions; what those have gained counts only when it is realised.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO, nearest, product
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.orders import Order, PositionSide, Side
from trader.exchange.embedded.usdm.positions import Position

ONE_WAY = ((PositionSide.BOTH, Side.BUY), (PositionSide.BOTH, Side.SELL))
HEDGE = ((PositionSide.LONG, Side.BUY), (PositionSide.SHORT, Side.SELL))


def cross_wallet(books: Books, uid: int, asset: str) -> Decimal:
    """Return the wallet without the margin of isolated positions."""
    own = sum((each.margin for each in of_asset(books, uid, asset) if each.isolated), ZERO)
    return nearest(CONTEXT.subtract(books.wallets[uid].amount(asset), own))


def cross_unrealised(books: Books, uid: int, asset: str) -> Decimal:
    """Return what the cross positions would bring now."""
    some = (each for each in of_asset(books, uid, asset) if not each.isolated)
    return sum((each.unrealised(books.mark(each.symbol)) for each in some), ZERO)


def initial(books: Books, position: Position) -> Decimal:
    """Return the margin that a position needs at its present leverage and price."""
    leverage = books.setting(position.uid, position.symbol).leverage
    return nearest(abs(position.quantity) * books.mark(position.symbol) / leverage)


def maintenance(books: Books, position: Position) -> Decimal:
    """Return the margin that keeps a position."""
    return books.brackets.maintenance(position.symbol, abs(position.cost))


def order_margin(books: Books, uid: int, symbol: str, without: Order | None = None) -> Decimal:
    """Return what the open orders of a symbol need beyond what they close, their fees included."""
    orders = [each for each in books.shelf.open_orders(uid, symbol) if each is not without]
    kinds = HEDGE if books.hedge[uid] else ONE_WAY
    return sum((_side_margin(books, uid, symbol, kind, orders) for kind in kinds), ZERO)


def available(books: Books, uid: int, asset: str, without: Order | None = None) -> Decimal:
    """Return what may be used for new positions; `without` that order's own margin."""
    positions = list(of_asset(books, uid, asset))
    cross = [each for each in positions if not each.isolated]
    used = sum((max(initial(books, each), maintenance(books, each)) for each in cross), ZERO)
    symbols = dict.fromkeys(order.wish.symbol for order in books.shelf.open_orders(uid))
    reserved = sum(
        (order_margin(books, uid, each, without) for each in symbols if books.contracts[each].asset == asset), ZERO
    )
    return cross_wallet(books, uid, asset) + _losses(books, cross) - used - reserved


def liquidation_price(books: Books, position: Position) -> Decimal:
    """Return the price at which the exchange takes a position; 0 or less where none does."""
    return position.price_at(CONTEXT.subtract(_funds(books, position), _kept(books, position)))


def bankruptcy_price(books: Books, position: Position) -> Decimal:
    """Return the price at which all is lost that keeps a position: there a liquidation is booked."""
    return position.price_at(_funds(books, position))


def need(books: Books, uid: int, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:
    """Return the margin and the taker's fee of a quantity to be opened."""
    notional = CONTEXT.multiply(quantity, price)
    rate = books.accounts[uid].rates[MARKET].taker
    return CONTEXT.divide(notional, Decimal(books.setting(uid, symbol).leverage)) + product(notional, rate)


def of_asset(books: Books, uid: int, asset: str) -> Iterable[Position]:
    """Return the positions whose margin is in an asset."""
    return (each for each in books.positions(uid) if books.contracts[each.symbol].asset == asset)


def _side_margin(
    books: Books, uid: int, symbol: str, kind: tuple[PositionSide, Side], orders: Iterable[Order]
) -> Decimal:
    """Return the margin of the orders that open one side: those that a position stands against cost nothing."""
    own = [each for each in orders if (each.wish.position_side, each.wish.side) == kind and not each.wish.reduces]
    total = sum((each.left for each in own), ZERO)
    if not total:
        return ZERO
    position = books.position(uid, symbol, kind[0])
    opening = total - position.closable(own[0].wish.sign, total)
    mean = CONTEXT.divide(sum((each.left * (each.price or ZERO) for each in own), ZERO), total)
    return nearest(need(books, uid, symbol, opening, mean))


def _funds(books: Books, position: Position) -> Decimal:
    """Return what may be lost with a position."""
    if position.isolated:
        return position.margin
    others = _other_cross(books, position)
    asset = books.contracts[position.symbol].asset
    return max(ZERO, cross_wallet(books, position.uid, asset) + _losses(books, others))


def _kept(books: Books, position: Position) -> Decimal:
    """Return the margin that must be left: a cross position's with that of the others."""
    others = [] if position.isolated else _other_cross(books, position)
    return sum((maintenance(books, each) for each in others), maintenance(books, position))


def _other_cross(books: Books, position: Position) -> list[Position]:
    asset = books.contracts[position.symbol].asset
    some = of_asset(books, position.uid, asset)
    return [each for each in some if not each.isolated and each is not position]


def _losses(books: Books, positions: Iterable[Position]) -> Decimal:
    return sum((min(ZERO, each.unrealised(books.mark(each.symbol))) for each in positions), ZERO)
