"""What the exchange does with positions itself: liquidation, deleveraging, warnings."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO, nearest, product
from trader.exchange.embedded.usdm import endings, events, margin
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.execution import book
from trader.exchange.embedded.usdm.orders import Order, Side, Status, TimeInForce, Trade, Type, Wish
from trader.exchange.embedded.usdm.positions import Position

#: How client ids of the exchange's own orders begin (binance.md, section 3).
LIQUIDATION, DELEVERAGING = "autoclose-", "adl_autoclose-"
#: An owner is warned when so much of a position's margin is needed to keep it, and may be warned again below.
CALL_AT = Decimal("0.8")


def liquidate(books: Books, position: Position, time: int) -> None:
    """Take a position at the price where all that keeps it is lost, without a fee; its orders end first."""
    _cancel_orders(books, position)
    price = max(nearest(margin.bankruptcy_price(books, position)), ZERO)
    _close(books, position, abs(position.quantity), price, ZERO, time, LIQUIDATION)


def deleverage(books: Books, position: Position, quantity: Decimal, time: int) -> None:
    """Take a part of a position at the price of now, for the usual fee."""
    price = books.mark(position.symbol)
    _close(books, position, quantity, price, books.accounts[position.uid].rates[MARKET].taker, time, DELEVERAGING)


def passed(books: Books, position: Position, price: Decimal) -> bool:
    """Tell whether `price` is at or past the one at which a position is liquidated."""
    if not position.quantity:
        return False
    level = margin.liquidation_price(books, position)
    return price <= level if position.long else price >= level


def warn(books: Books) -> None:
    """Warn the owners of positions that are near liquidation, once until they are not any more."""
    for symbol in books.symbols_held():
        for position in books.held(symbol):
            near = _used(books, position) >= CALL_AT
            if near and not position.called:
                books.tell(position.uid, events.margin_call(books, position))
            position.called = near


def _used(books: Books, position: Position) -> Decimal:
    """Return the maintenance margin as a share of what is left to keep a position; 1 where nothing is."""
    mark = books.mark(position.symbol)
    needed = margin.maintenance(books, position)
    distance = CONTEXT.multiply(position.quantity, mark - margin.liquidation_price(books, position))
    return CONTEXT.divide(needed, needed + distance) if distance > 0 else Decimal(1)


def _cancel_orders(books: Books, position: Position) -> None:
    for order in books.shelf.open_orders(position.uid, position.symbol):
        if order.wish.position_side is position.side:
            endings.end(books, order, Status.CANCELED)


def _close(
    books: Books, position: Position, quantity: Decimal, price: Decimal, rate: Decimal, time: int, prefix: str
) -> None:
    order = _order(books, position, quantity, price, time, prefix)
    books.shelf.add(order)
    books.tell(order.uid, events.order_event(books, order, "CALCULATED"))
    asset = books.contracts[position.symbol].asset
    realised = position.shrink(quantity, price)
    fee = product(quantity, price, rate)
    trade = Trade(next(books.trade_ids), order.id, price, quantity, fee, realised, asset, time, False)
    book(books, order, position, trade, "CALCULATED")
    endings.leave(books, position)


def _order(books: Books, position: Position, quantity: Decimal, price: Decimal, time: int, prefix: str) -> Order:
    number = next(books.ids)
    wish = Wish(
        symbol=position.symbol,
        side=Side.SELL if position.long else Side.BUY,
        type=Type.LIMIT,
        quantity=quantity,
        price=price,
        time_in_force=TimeInForce.IOC,
        position_side=position.side,
        client_id=f"{prefix}{time}{number}",
    )
    return Order(
        id=number,
        uid=position.uid,
        wish=wish,
        client_id=wish.client_id,
        quantity=quantity,
        price=price,
        placed=time,
        updated=time,
        since=time,
        forced=True,
    )
