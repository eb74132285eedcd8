"""The embedded exchange's trading side without its sockets: the real books, matching, answers, events and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tests.simulate.market import PLAY_MS, DrawnMarket
from tests.simulate.weather import Weather
from trader.exchange.embedded.accounts.account import Account, ApiKey, Rates
from trader.exchange.embedded.accounts.decimals import of_float
from trader.exchange.embedded.accounts.event_mischief import Listener
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.accounts.gate import Gate
from trader.exchange.embedded.accounts.order_count import OrderCount
from trader.exchange.embedded.clock import PlayClock
from trader.exchange.embedded.faults import FaultPlan
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.history import BlockCache
from trader.exchange.embedded.matching.quotes import Quotes
from trader.exchange.embedded.options import NO_FILTERS, ORDER_WINDOWS, Limits, Touch, Trading
from trader.exchange.embedded.order_mischief import Reply, with_mischief
from trader.exchange.embedded.spot.venue import spot_venue
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.usdm.venue import usdm_venue
from trader.exchange.embedded.venue import Venue, serve

KEY = "key-of-a-simulation"
UID = 1
FOREVER_MS = 10**15
#: Maker's and taker's fee by market.
FEES = {"spot": (Decimal("0.001"), Decimal("0.001")), "futures": (Decimal("0.0002"), Decimal("0.0005"))}
#: What the trader's pool has; a stranger on the account has money of his own.
CAPITAL = Decimal(10_000)

#: States in which an order, or a conditional one, is open.
OPEN = ("NEW", "PARTIALLY_FILLED", "TRIGGERING", "TRIGGERED")


class SimulatedExchange:
    """One market of the embedded exchange on a virtual clock (`wall`, seconds from 0); `ask` is what a wire carries."""

    def __init__(self, seed: int, drawn: DrawnMarket, weather: Weather, wall: Callable[[], float]) -> None:
        self.market = drawn.market
        self.clock = PlayClock(PLAY_MS, 1.0, wall)
        self.clock.start()
        self.clock.due(FOREVER_MS)
        self.plan = FaultPlan(weather.rates, seed)
        options = Trading(touch=Touch.PATH if weather.paths else Touch.STOP_FIRST)
        floor = Floor(drawn.market, drawn.source(), self.clock, BlockCache(), PLAY_MS, NO_FILTERS)
        self.account = _account(drawn, weather.strangers, self.seconds)
        self.events = UserEvents(FaultPlan(), self.seconds)
        self._quotes = Quotes(floor, of_float(options.half_spread))
        self._venue = self._made(floor, options)
        self._transport = Transport(Limits(), self.plan, self.seconds)
        self.gate = Gate([self.account], self._transport)
        self._endpoints = {(each.method, each.path): each for each in self._venue.endpoints}
        #: Told of each request that changes something, as it arrives: method, path, values.
        self.asked: Callable[[str, str, Mapping[str, str]], None] = lambda method, path, values: None

    def _made(self, floor: Floor, options: Trading) -> Venue:
        accounts = [self.account]
        if self.market == "spot":
            return spot_venue(floor, options, accounts, self.events, self.plan, self.seconds)
        return usdm_venue(floor, options, accounts, self.events, self.plan, wall=self.seconds).venue

    @property
    def now(self) -> int:
        """The market's time, ms."""
        return self.clock.now()

    def seconds(self) -> float:
        """Return the same in seconds."""
        return self.clock.now() / 1000

    def price(self, symbol: str) -> float:
        """Return the last price, 0 where there is none."""
        return float(self._quotes.price(symbol) or 0)

    def join(self, listener: Listener) -> None:
        """Let somebody hear the account."""
        self.events.join(UID, self.market, listener)

    def advance(self) -> None:
        """Let resting orders meet prices up to now."""
        with self.clock.still() as now:
            self._venue.advance(now)

    async def ask(self, method: str, path: str, values: Mapping[str, str]) -> Reply | None:
        """Answer a request as its faults will have it; None where the connection is cut."""
        if path.endswith("/time"):
            return Reply(200, {"serverTime": self.now})
        endpoint = self._endpoints[method, path]
        if method != "GET":
            self.asked(method, path, values)

        def admit() -> tuple[Account, ApiKey]:
            self.gate.timely(values)
            return self.account, self.account.keys[0]

        def act() -> Reply:
            return serve(self._venue, endpoint, self._transport, admit, values)

        return await with_mischief(self.plan, act) if endpoint.changes else act()

    def stranger(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Do by hand what somebody else on the account does."""
        self.advance()
        return self._venue.stranger(self.account, wish)

    def heal(self) -> None:
        """Let no fault strike any more."""
        for rate in tuple(self.plan.rates.values()):
            self.plan.set(msgspec.structs.replace(rate, probability=0.0))

    def ledger(self) -> dict[str, Any]:
        """Return all that a judge may see of the account."""
        return self._venue.ledger(self.account)


def resting(ledger: dict[str, Any]) -> list[str]:
    """Return the client ids of what rests."""
    orders = [each["clientOrderId"] for each in ledger["orders"] if each["status"] in OPEN]
    algos = [each["clientAlgoId"] for each in ledger.get("algos", ()) if each["algoStatus"] in OPEN]
    return orders + algos


def held(ledger: dict[str, Any]) -> dict[str, str]:
    """Return what is held on USD-M, by symbol and side."""
    return {f"{each['symbol']} {each['positionSide']}": each["positionAmt"] for each in ledger.get("positions", ())}


def _account(drawn: DrawnMarket, strangers: bool, wall: Callable[[], float]) -> Account:
    balances = {"USDT": CAPITAL * (2 if strangers else 1)}
    for base in drawn.bases().values() if drawn.market == "spot" else ():
        balances[base] = Decimal(1_000 if strangers else 0)
    return Account(
        uid=UID,
        keys=(ApiKey(KEY),),
        balances=balances,
        rates={drawn.market: Rates(*FEES[drawn.market])},
        counts={drawn.market: OrderCount(ORDER_WINDOWS[drawn.market], wall)},
    )
