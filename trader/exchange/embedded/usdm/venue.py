"""USD-M's trading side, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import of_float
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.faults import FaultPlan
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.matching.matcher import Matcher
from trader.exchange.embedded.matching.quotes import Quotes
from trader.exchange.embedded.matching.walk import Walk
from trader.exchange.embedded.options import Touch, Trading
from trader.exchange.embedded.usdm import forced
from trader.exchange.embedded.usdm.account_desk import AccountDesk
from trader.exchange.embedded.usdm.algo_desk import AlgoDesk
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.brackets import read_brackets
from trader.exchange.embedded.usdm.changes import Changes
from trader.exchange.embedded.usdm.desk import OrderDesk
from trader.exchange.embedded.usdm.endpoints import SOCKET_METHODS, signed_endpoints
from trader.exchange.embedded.usdm.floor_desk import FloorDesk
from trader.exchange.embedded.usdm.funding import Funding
from trader.exchange.embedded.usdm.judge import Judge
from trader.exchange.embedded.usdm.keep import UsdmKeep
from trader.exchange.embedded.usdm.listen_keys import ListenKeys
from trader.exchange.embedded.usdm.queries import Queries
from trader.exchange.embedded.venue import Venue


class Usdm(msgspec.Struct, frozen=True):
    """The market as the doors see it, and the keys of its private streams."""

    venue: Venue
    keys: ListenKeys


def usdm_venue(
    floor: Floor,
    options: Trading,
    accounts: Sequence[Account],
    events: UserEvents,
    plan: FaultPlan,
    store: Path | None = None,
    wall: Callable[[], float] = time.time,
) -> Usdm:
    """Return the market with wallets for all accounts; `store` may hold its leverage brackets."""
    quotes = Quotes(floor, of_float(options.half_spread))
    books = Books(floor, quotes, accounts, events, plan, read_brackets(store), wall)
    algos = AlgoDesk(OrderDesk(books))
    queries, keys = Queries(books), ListenKeys(lambda: options.listen_key_s)
    endpoints = signed_endpoints(Changes(algos, queries), queries, AccountDesk(books), keys)
    by_name = {(endpoint.method, endpoint.path.removeprefix("/fapi/")): endpoint for endpoint in endpoints}
    judge = Judge(algos, events, keys)
    matcher, funding = Matcher(_walks(floor, options), FloorDesk(algos)), Funding(books)
    venue = Venue(
        floor=floor,
        endpoints=endpoints,
        methods={method: by_name[name] for method, name in SOCKET_METHODS.items()},
        advance=Progress(books, matcher, funding).advance,
        open=matcher.take_openings,
        ledger=judge.ledger,
        stranger=judge.stranger,
        keep=UsdmKeep(books, matcher, funding),
    )
    return Usdm(venue, keys)


class Progress:
    """Lets time pass: orders meet prices up to each funding time, positions pay, and so on to now."""

    def __init__(self, books: Books, matcher: Matcher, funding: Funding) -> None:
        self._books = books
        self._matcher = matcher
        self._funding = funding
        self._warned = -1

    def advance(self, now: int) -> None:
        """Do all that happens up to `now`."""
        for due_ms, rates in self._funding.due(now).items():
            self._matcher.advance(due_ms)
            self._funding.pay(due_ms, rates)
        self._matcher.advance(now)
        if now > self._warned:
            self._warned = now
            forced.warn(self._books)


def _walks(floor: Floor, options: Trading) -> dict[str, Walk]:
    path = options.touch is Touch.PATH
    return {symbol: Walk(tape, None if path else options.judge or tape.finest) for symbol, tape in floor.tapes.items()}
