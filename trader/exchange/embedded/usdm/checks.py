"""What a new order must pass: its position mode, filters, numbers, names, margin, faults that reject stops."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.filters import Filter, Filters
from trader.exchange.embedded.usdm import refusals
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.margin import available, initial, need
from trader.exchange.embedded.usdm.orders import LIMITED, Order, PositionSide, Type, Wish
from trader.exchange.embedded.usdm.positions import Position

#: Open orders on a symbol, and conditional ones of an account, where exchangeInfo names no number.
MOST_ORDERS = Decimal(200)
MOST_ALGOS = Decimal(200)


def check_wish(books: Books, uid: int, wish: Wish, price: Decimal) -> None:
    """Refuse an order that mode or filters forbid; `price` is the one of now."""
    if books.hedge[uid] == (wish.position_side is PositionSide.BOTH):
        raise refusals.wrong_side()
    filters = books.contracts[wish.symbol].filters
    for each in (wish.price, wish.trigger):
        check_price(books, wish.symbol, each)
    if wish.quantity is not None:
        check_quantity(books, wish.symbol, wish.quantity, wish.type not in LIMITED)
    if wish.price is not None:
        _check_distance(filters, wish.buying, wish.price, price)
    if wish.quantity is not None and not wish.reduces:
        check_notional(filters, wish.quantity, wish.price or wish.trigger or price)


def check_price(books: Books, symbol: str, price: Decimal | None) -> None:
    """Refuse a price by PRICE_FILTER."""
    contract = books.contracts[symbol]
    rule = contract.filters.get("PRICE_FILTER", {})
    if price is None:
        return
    if _digits(price) > contract.price_digits:
        raise refusals.too_precise()
    if price < rule.get("minPrice", ZERO):
        raise ApiError(-4013, f"Price less than min price {rule['minPrice']:f}.")
    if rule.get("maxPrice") and price > rule["maxPrice"]:
        raise ApiError(-4002, "Price greater than max price.")
    if not _on_grid(price, rule, "minPrice", "tickSize"):
        raise ApiError(-4014, "Price not increased by tick size.")


def check_quantity(books: Books, symbol: str, quantity: Decimal, market: bool) -> None:
    """Refuse a quantity by LOT_SIZE, and one that goes to market by MARKET_LOT_SIZE too."""
    contract = books.contracts[symbol]
    if _digits(quantity) > contract.quantity_digits:
        raise refusals.too_precise()
    for name in ("LOT_SIZE", "MARKET_LOT_SIZE") if market else ("LOT_SIZE",):
        rule = contract.filters.get(name, {})
        if quantity < rule.get("minQty", ZERO):
            raise ApiError(-4004, "Quantity less than min quantity.")
        if rule.get("maxQty") and quantity > rule["maxQty"]:
            raise ApiError(-4005, "Quantity greater than max quantity.")
        if not _on_grid(quantity, rule, "minQty", "stepSize"):
            raise ApiError(-4023, "Qty not increased by step size.")


def check_notional(filters: Filters, quantity: Decimal, price: Decimal) -> None:
    """Refuse what is worth too little."""
    least = filters.get("MIN_NOTIONAL", {}).get("notional", ZERO)
    if quantity * price < least:
        raise refusals.too_small(least)


def check_counts(books: Books, uid: int, wish: Wish) -> None:
    """Refuse an order too many, and a client id that an open one has."""
    if wish.trigger is not None:
        own = books.shelf.open_algos(uid)
        if len(own) >= _limit(books, wish.symbol, "MAX_NUM_ALGO_ORDERS", MOST_ALGOS):
            raise refusals.too_many_stops()
        taken = {each.client_id for each in own}
    else:
        orders = books.shelf.open_orders(uid, wish.symbol)
        if len(orders) >= _limit(books, wish.symbol, "MAX_NUM_ORDERS", MOST_ORDERS):
            raise refusals.too_many_orders()
        taken = {each.client_id for each in orders}
    if wish.client_id and wish.client_id in taken:
        raise refusals.duplicate()


def check_trigger(books: Books, wish: Wish, price: Decimal) -> None:
    """Refuse a conditional order that would trigger at once; faults may say so of any."""
    if books.plan.strikes(Fault.STOP_REJECTED, wish.symbol) is not None or passed(wish, price):
        raise refusals.triggers_now()


def check_reducing(position: Position, wish: Wish, quantity: Decimal) -> None:
    """Refuse what was to reduce a position that is not there, or is smaller."""
    if not wish.reduces:
        return
    closable = position.closable(wish.sign, quantity)
    if not closable or (not wish.reduce_only and closable < quantity):
        raise refusals.not_reducing()


def check_size(books: Books, position: Position, wish: Wish, quantity: Decimal, price: Decimal) -> None:
    """Refuse a position that its leverage does not allow."""
    opening = quantity - position.closable(wish.sign, quantity)
    if not opening:
        return
    held = abs(position.quantity) if position.quantity * wish.sign > 0 else ZERO
    leverage = books.setting(position.uid, wish.symbol).leverage
    if (held + opening) * price > books.brackets.cap(wish.symbol, leverage):
        raise refusals.too_large()


def affords(books: Books, order: Order, quantity: Decimal, price: Decimal) -> bool:
    """Tell whether an order's owner has the margin and the fee for what of `quantity` opens a position."""
    wish = order.wish
    position = books.position(order.uid, wish.symbol, wish.position_side)
    closing = position.closable(wish.sign, quantity)
    if closing == quantity:
        return True
    free = available(books, order.uid, books.contracts[wish.symbol].asset, order)
    if closing:
        free += position.unrealised(price) + (position.margin if position.isolated else initial(books, position))
    return free >= need(books, order.uid, wish.symbol, quantity - closing, price)


def crosses(books: Books, buying: bool, limit: Decimal | None, price: Decimal) -> bool:
    """Tell whether a limit can be taken at `price`."""
    if limit is None:
        return False
    taken = books.quotes.taken(price, buying)
    return taken <= limit if buying else taken >= limit


def passed(wish: Wish, price: Decimal) -> bool:
    """Tell whether `price` has reached the trigger."""
    trigger = wish.trigger or ZERO
    return price >= trigger if wish.rising else price <= trigger


def check_market(filters: Filters, wish: Wish, price: Decimal, taken: Decimal) -> None:
    """Refuse a market order that would be filled too far from the mark price."""
    rule = filters.get("PERCENT_PRICE", {})
    if wish.type is Type.MARKET and not _near(rule, price, taken):
        raise refusals.far_from_price()


def _check_distance(filters: Filters, buying: bool, price: Decimal, mark: Decimal) -> None:
    rule = filters.get("PERCENT_PRICE", {})
    up, down = rule.get("multiplierUp"), rule.get("multiplierDown")
    if buying and up is not None and price > mark * up:
        raise ApiError(-4016, f"Limit price can't be higher than {mark * up:f}.")
    if not buying and down is not None and price < mark * down:
        raise ApiError(-4024, f"Limit price can't be lower than {mark * down:f}.")


def _near(rule: Filter, mark: Decimal, price: Decimal) -> bool:
    up, down = rule.get("multiplierUp"), rule.get("multiplierDown")
    return (up is None or price <= mark * up) and (down is None or price >= mark * down)


def _limit(books: Books, symbol: str, name: str, default: Decimal) -> Decimal:
    return books.contracts[symbol].filters.get(name, {}).get("limit", default)


def _on_grid(value: Decimal, rule: Filter, start: str, unit: str) -> bool:
    step = rule.get(unit, ZERO)
    return not step or not CONTEXT.remainder(CONTEXT.subtract(value, rule.get(start, ZERO)), step)


def _digits(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0
