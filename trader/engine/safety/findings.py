"""What a look at an account means for a start: what is well, what a person should know, what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from trader.core.account import OrderUpdate, PositionSide
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.settings.model import BINANCE_ORDERS
from trader.core.signal import Direction
from trader.core.venue import KeyRights, Position, SymbolConfig
from trader.engine.safety.capital import free_quote, pool_start
from trader.engine.safety.found import FAIL, OK, WARN, Found, found_if
from trader.engine.safety.look import Look
from trader.exchange.binance.symbols import MarketInfo
from trader.execution.client_ids import parse
from trader.trading.book import Book

#: Rows of strangers' orders and positions that are listed one by one.
MOST_LISTED = 5


class Known(msgspec.Struct, frozen=True):
    """What this machine knows of the pool: its name in order ids and its books, where there is one to take up."""

    run: str = ""
    book: Book | None = None


def account_findings(settings: Settings, seen: Look, info: MarketInfo, known: Known) -> Iterator[Found]:
    """Yield the findings, most important first."""
    yield from rights_findings(settings, seen.rights)
    yield found_if(
        seen.account.can_trade,
        "account",
        f"it may trade on {settings.MARKET}",
        f"Binance does not let it trade on {settings.MARKET}: see its notices",
    )
    yield from _capital(settings, seen, known)
    yield from _fees(settings, seen)
    yield from _filters(settings, seen, info)
    yield from _terms(settings, seen, known)
    yield from _orders(seen.orders, known)
    yield from _positions(settings, seen, info, known)


def rights_findings(settings: Settings, rights: KeyRights | None) -> Iterator[Found]:
    """Yield what the rights of the key mean: one for MODE=live trades, and cannot withdraw."""
    if rights is None:
        yield Found(OK, "key", f"{settings.MODE} has nobody to ask what a key may do; its money is play money")
        return
    market, live = settings.MARKET, settings.MODE == "live"
    may = rights.spot if market == "spot" else rights.futures
    yield found_if(
        may,
        "key",
        f"it may trade on {market}",
        f"it may not trade on {market}: allow that at Binance's API Management, or make a key that may",
    )
    yield found_if(
        not rights.withdraw,
        "key",
        "it cannot withdraw",
        "it can withdraw: whoever steals it takes the money; make a key without that right",
        FAIL if live else WARN,
    )
    if rights.transfer:
        yield Found(WARN, "key", "it can transfer between accounts, which nothing here needs: take that right away")
    if not rights.ip_restricted and settings.MODE in BINANCE_ORDERS:
        yield Found(WARN, "key", "it works from any address: restrict it to this machine's at Binance's API Management")


def _capital(settings: Settings, seen: Look, known: Known) -> Iterator[Found]:
    free, quote = free_quote(settings, seen.account), settings.QUOTE
    bound = "no MAX_CAPITAL" if settings.MAX_CAPITAL is None else f"MAX_CAPITAL {settings.MAX_CAPITAL:,.2f}"
    yield Found(OK, "balance", f"{free:,.2f} {quote} free; {bound}")
    if known.book is not None:
        needed = known.book.pool.free
        yield found_if(
            free >= needed,
            "balance",
            f"it covers the {needed:,.2f} {quote} that the pool has free",
            f"the pool has {needed:,.2f} {quote} free in its books, the account {free:,.2f}: entries may be refused",
            WARN,
        )
        return
    try:
        capital = pool_start(settings, seen.account)
    except ConfigError as error:
        yield Found(FAIL, "balance", str(error))
        return
    yield Found(OK, "start", f"a new pool would begin with {capital:,.2f} {quote}")
    if settings.MAX_CAPITAL is not None and settings.MODE in BINANCE_ORDERS and capital < settings.MAX_CAPITAL:
        yield Found(WARN, "balance", f"the account has less than MAX_CAPITAL {settings.MAX_CAPITAL:,.2f}")


def _fees(settings: Settings, seen: Look) -> Iterator[Found]:
    dear = [
        f"{symbol} {fee.taker} taker, {fee.maker} maker"
        for symbol, fee in seen.fees.items()
        if float(fee.taker * fee.discount) > settings.taker_fee or float(fee.maker * fee.discount) > settings.maker_fee
    ]
    yield found_if(
        not dear,
        "fees",
        "no higher than TAKER_FEE and MAKER_FEE say",
        f"higher than TAKER_FEE {settings.taker_fee:g} and MAKER_FEE {settings.maker_fee:g}: {'; '.join(dear)}",
        WARN,
    )


def _filters(settings: Settings, seen: Look, info: MarketInfo) -> Iterator[Found]:
    """Judge the least order of each coin against the largest position that the capital allows."""
    free = free_quote(settings, seen.account)
    capital = min(settings.MAX_CAPITAL or free, free)
    for symbol in seen.fees:
        filters, quote = info.symbols[symbol].filters, info.symbols[symbol].quote
        largest = capital * settings.MAX_POSITION_SIZE_PCT * settings.leverage_of(symbol)
        least = max(float(filters["minNotional"]), float(filters["minQty"]) * seen.prices[symbol])
        told = f"{symbol}: tick {filters['tickSize']}, step {filters['stepSize']}, least order {least:,.2f} {quote}"
        yield found_if(
            largest >= least,
            "filters",
            told,
            f"{told}; the largest position is {largest:,.2f}: no entry would ever be large enough; more MAX_CAPITAL, "
            "MAX_POSITION_SIZE_PCT, or another coin",
        )


def _terms(settings: Settings, seen: Look, known: Known) -> Iterator[Found]:
    """Say how the futures account is traded, and what would be set."""
    config = seen.config
    if config is None:
        return
    strangers = [each for each in seen.orders if not _is_ours(each, known)] or seen.positions
    if config.hedge_mode:
        yield Found(OK, "modes", "the account is in hedge mode")
    elif strangers:
        told = "one-way mode, and Binance changes it only while nothing is open: close positions and orders, or use "
        yield Found(FAIL, "modes", f"the account is in {told}an account of its own")
    else:
        yield Found(OK, "modes", "the account is in one-way mode")
        yield Found(WARN, "start", "hedge mode would be set, for the whole account, before the first entry")
    yield found_if(
        not config.multi_assets,
        "modes",
        "single-asset margin",
        "multi-assets margin forbids isolated positions: turn it off at Binance",
    )
    open_on = {position.symbol for position in seen.positions}
    for symbol in seen.fees:
        held = seen.symbols.get(symbol, SymbolConfig(symbol, 0, False))
        yield _leverage(settings, held, symbol in open_on)


def _leverage(settings: Settings, held: SymbolConfig, is_open: bool) -> Found:
    wanted = int(settings.leverage_of(held.symbol))
    margin = "isolated" if held.isolated else "cross"
    told = f"{held.symbol}: leverage {held.leverage}, {margin} margin"
    if is_open and not held.isolated:
        return Found(
            FAIL, "leverage", f"{told}, and a position is open: with cross margin nothing is entered; close it"
        )
    if is_open:
        return Found(WARN, "leverage", f"{told}; a position is open: entries take that leverage, {wanted} is not set")
    if held.isolated and held.leverage == wanted:
        return Found(OK, "leverage", told)
    return Found(OK, "leverage", f"{told}; leverage {wanted} at most and isolated margin would be set at an entry")


def _orders(orders: Sequence[OrderUpdate], known: Known) -> Iterator[Found]:
    ours = [order for order in orders if _is_ours(order, known)]
    others = [order for order in orders if order not in ours]
    of_program = [order for order in others if parse(order.client_id) is not None]
    if ours:
        yield Found(OK, "orders", f"{len(ours)} open orders of this pool: they would be taken up")
    if of_program:
        told = f"{len(of_program)} open orders of another pool of this program: left alone; cancel what is not wanted"
        yield Found(WARN, "orders", told)
    strangers = [order for order in others if order not in of_program]
    for order in strangers[:MOST_LISTED]:
        told = f"{order.symbol} {order.side} {order.kind} {_plain(order.quantity)} {order.client_id}"
        yield Found(WARN, "orders", f"a stranger's: {told}; it is left alone")
    if len(strangers) > MOST_LISTED:
        yield Found(WARN, "orders", f"and {len(strangers) - MOST_LISTED} more strangers' orders; they are left alone")
    if not orders:
        yield Found(OK, "orders", "none is open")


def _positions(settings: Settings, seen: Look, info: MarketInfo, known: Known) -> Iterator[Found]:
    if settings.MARKET == "spot":
        yield from _coins_held(seen, info, known)
        return
    held = _held(known)
    for position in seen.positions:
        yield _position(position, held)
    if not seen.positions:
        yield Found(OK, "positions", "none is open")


def _position(position: Position, held: Mapping[tuple[str, PositionSide], float]) -> Found:
    told = f"{position.symbol} {position.position_side} {_plain(position.quantity)} at {_plain(position.entry_price)}"
    ours = held.get((position.symbol, position.position_side), 0.0)
    if not ours:
        return Found(WARN, "positions", f"a stranger's: {told}; it is left alone")
    if abs(abs(float(position.quantity)) - ours) < 1e-9 * max(1.0, ours):
        return Found(OK, "positions", f"ours: {told}; it would be taken up")
    return Found(WARN, "positions", f"{told}; the books have {ours:g}: what is beyond that is a stranger's")


def _coins_held(seen: Look, info: MarketInfo, known: Known) -> Iterator[Found]:
    """Spot has no positions: coins that the account holds beside those of the pool's trades are a person's."""
    held = _held(known)
    for symbol in seen.fees:
        base = info.symbols[symbol].base
        balance = seen.account.balances.get(base)
        beside = float(balance.total if balance else 0) - held.get((symbol, PositionSide.LONG), 0.0)
        if beside > float(info.symbols[symbol].filters["minQty"]):
            told = f"the account holds {beside:.8g} {base} beside the pool's trades; it is left alone"
            yield Found(OK, "positions", told)


def _held(known: Known) -> dict[tuple[str, PositionSide], float]:
    """Return what the books have open, by coin and side."""
    held: dict[tuple[str, PositionSide], float] = {}
    for trade in known.book.trades.values() if known.book else ():
        side = PositionSide.LONG if trade.direction is Direction.LONG else PositionSide.SHORT
        held[trade.symbol, side] = held.get((trade.symbol, side), 0.0) + trade.quantity_left
    return held


def _is_ours(order: OrderUpdate, known: Known) -> bool:
    found = parse(order.client_id)
    return found is not None and bool(known.run) and found.run == known.run


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
