"""Spot's trading side, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import of_float
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.endpoints import Endpoint
from trader.exchange.embedded.faults import FaultPlan
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.matching.matcher import Matcher
from trader.exchange.embedded.matching.quotes import Quotes
from trader.exchange.embedded.matching.walk import Walk
from trader.exchange.embedded.options import Touch, Trading
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.spot.books import Books
from trader.exchange.embedded.spot.changes import Changes
from trader.exchange.embedded.spot.desk import SpotDesk
from trader.exchange.embedded.spot.endpoints import SOCKET_METHODS, signed_endpoints
from trader.exchange.embedded.spot.judge import Judge
from trader.exchange.embedded.spot.keep import SpotKeep
from trader.exchange.embedded.spot.queries import Queries
from trader.exchange.embedded.venue import Venue

#: The public methods of the WebSocket API, and the endpoints that they are.
PUBLIC_METHODS = {
    "ping": "ping",
    "time": "time",
    "exchangeInfo": "exchangeInfo",
    "depth": "depth",
    "klines": "klines",
    "avgPrice": "avgPrice",
    "trades.recent": "trades",
    "trades.aggregate": "aggTrades",
    "ticker.price": "ticker/price",
    "ticker.book": "ticker/bookTicker",
    "ticker.24hr": "ticker/24hr",
}


def spot_venue(
    floor: Floor,
    options: Trading,
    accounts: Sequence[Account],
    events: UserEvents,
    plan: FaultPlan,
    wall: Callable[[], float] = time.time,
) -> Venue:
    """Return the market with wallets for all accounts; its orders are judged as the options say."""
    quotes = Quotes(floor, of_float(options.half_spread))
    desk = SpotDesk(Books(floor, quotes, accounts, events, plan, wall))
    queries = Queries(desk.books)
    changes = Changes(desk, queries)
    endpoints = signed_endpoints(changes, queries)
    by_name = {(endpoint.method, endpoint.path.removeprefix("/api/v3/")): endpoint for endpoint in endpoints}
    judge = Judge(desk, events)
    matcher = Matcher(walks(floor, options), desk)
    return Venue(
        floor=floor,
        endpoints=endpoints,
        methods={method: by_name[name] for method, name in SOCKET_METHODS.items()},
        advance=matcher.advance,
        open=matcher.take_openings,
        ledger=judge.ledger,
        stranger=judge.stranger,
        keep=SpotKeep(desk.books, matcher),
    )


def walks(floor: Floor, options: Trading) -> dict[str, Walk]:
    """Return how prices are judged, by symbol."""
    path = options.touch is Touch.PATH
    return {symbol: Walk(tape, None if path else options.judge or tape.finest) for symbol, tape in floor.tapes.items()}


def public_methods(floor: Floor, endpoints: Sequence[Endpoint]) -> dict[str, Callable[[dict[str, str]], Any]]:
    """Return the answers of the WebSocket API's methods that need no key."""
    by_name = {endpoint.path.removeprefix("/api/v3/"): endpoint for endpoint in endpoints}
    return {method: _answered(floor, by_name[name]) for method, name in PUBLIC_METHODS.items()}


def _answered(floor: Floor, endpoint: Endpoint) -> Callable[[dict[str, str]], Any]:
    def answer(values: dict[str, str]) -> Any:
        with floor.clock.still():
            return endpoint.answer(Params(floor, values))

    return answer
