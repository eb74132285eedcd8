"""The trading side of all markets: accounts, the gate, the venues, and the doors to them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from trader.exchange.embedded.accounts.account import Rates
from trader.exchange.embedded.accounts.decimals import of_float
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.accounts.gate import Gate
from trader.exchange.embedded.accounts.specs import opened
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.options import Trading
from trader.exchange.embedded.rest_signed import SignedRest
from trader.exchange.embedded.rest_spot import spot_endpoints
from trader.exchange.embedded.socket_api import SocketApi
from trader.exchange.embedded.sockets import Sockets
from trader.exchange.embedded.spot.venue import public_methods, spot_venue
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.venue import Venue

SPOT_SOCKET_API = "/ws-api/v3"


class TradingSide:
    """Opens the accounts of the options on every venue."""

    def __init__(self, options: Trading, floors: Mapping[str, Floor], transport: Transport) -> None:
        rates = {
            market: Rates(of_float(options.maker_fee.of(market)), of_float(options.taker_fee.of(market)))
            for market in floors
        }
        self.accounts = tuple(
            opened(spec, number, rates, options.orders) for number, spec in enumerate(options.accounts)
        )
        self.events = UserEvents(transport.plan)
        self.gate = Gate(self.accounts, transport)
        self.venues: dict[str, Venue] = {
            "spot": spot_venue(floors["spot"], options, self.accounts, self.events, transport.plan)
        }
        self._transport = transport

    def advance(self, now: int) -> None:
        """Let resting orders of all markets meet prices up to `now`."""
        for venue in self.venues.values():
            venue.advance(now)

    def routes(self, sockets: Sockets) -> list[web.RouteDef]:
        """Return the routes of REST and of the WebSocket APIs."""
        rest = SignedRest(list(self.venues.values()), self.gate, self._transport)
        spot = self.venues["spot"]
        public = public_methods(spot.floor, spot_endpoints(self._transport))
        api = SocketApi(SPOT_SOCKET_API, spot, public, self.gate, self.events, self._transport, sockets)
        return [*rest.routes(), *api.routes()]
