"""The trading side of all markets: accounts, the gate, the venues, and the doors to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from trader.exchange.embedded.accounts.account import Rates
from trader.exchange.embedded.accounts.decimals import of_float
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.accounts.gate import Gate
from trader.exchange.embedded.accounts.specs import opened
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.kept import KeptAccounts
from trader.exchange.embedded.options import Trading
from trader.exchange.embedded.rest_signed import SignedRest
from trader.exchange.embedded.rest_spot import spot_endpoints
from trader.exchange.embedded.socket_api import SocketApi
from trader.exchange.embedded.sockets import Sockets
from trader.exchange.embedded.spot.venue import public_methods, spot_venue
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.usdm.private_streams import PrivateStreams
from trader.exchange.embedded.usdm.venue import usdm_venue
from trader.exchange.embedded.venue import Venue

SPOT_SOCKET_API = "/ws-api/v3"
USDM_SOCKET_API = "/ws-fapi/v1"


class TradingSide:
    """Opens the accounts of the options on every venue. `store` is the folder of what is played, if it is a store."""

    def __init__(
        self, options: Trading, floors: Mapping[str, Floor], transport: Transport, store: Path | None = None
    ) -> None:
        rates = {
            market: Rates(of_float(options.maker_fee.of(market)), of_float(options.taker_fee.of(market)))
            for market in floors
        }
        self.accounts = tuple(
            opened(spec, number, rates, options.orders) for number, spec in enumerate(options.accounts)
        )
        self.events = UserEvents(transport.plan)
        self.gate = Gate(self.accounts, transport)
        self.usdm = usdm_venue(floors["futures"], options, self.accounts, self.events, transport.plan, store)
        spot = spot_venue(floors["spot"], options, self.accounts, self.events, transport.plan)
        self.venues: dict[str, Venue] = {
            market: msgspec.structs.replace(venue, written=self._keep)
            for market, venue in (("spot", spot), ("futures", self.usdm.venue))
        }
        self._transport = transport
        self._kept: KeptAccounts | None = None
        self._told = 0

    def keep(self, path: Path, play: str, now: Callable[[], int]) -> None:
        """Go on with the accounts in a file, if it is there, and keep them in it from now on.

        Raise `ConfigError` where it is not of `play`.
        """
        kept = KeptAccounts(path, play, {market: venue.keep for market, venue in self.venues.items()}, now)
        kept.take_up()
        self._kept = kept
        self._keep(True)

    def advance(self, now: int) -> None:
        """Let resting orders of all markets meet prices up to `now`."""
        for venue in self.venues.values():
            venue.advance(now)
        self._keep(False)

    def close(self) -> None:
        """Write for the last time what is to be kept."""
        self._keep(True)

    def _keep(self, changed: bool) -> None:
        """Write what is to be kept, if anything was told since the last time or `changed` says so."""
        if self._kept is not None and (changed or self._told != self.events.changes):
            self._told = self.events.changes
            self._kept.write()

    def routes(self, sockets: Sockets) -> list[web.RouteDef]:
        """Return the routes of REST, of the WebSocket APIs and of the private streams."""
        rest = SignedRest(list(self.venues.values()), self.gate, self._transport)
        spot = self.venues["spot"]
        public = public_methods(spot.floor, spot_endpoints(self._transport))
        api = SocketApi(SPOT_SOCKET_API, spot, public, self.gate, self.events, self._transport, sockets)
        futures = self.venues["futures"]
        futures_api = SocketApi(USDM_SOCKET_API, futures, {}, self.gate, self.events, self._transport, sockets)
        private = PrivateStreams(self.usdm.keys, self.events, self._transport, sockets, futures.floor.clock.now)
        return [*rest.routes(), *api.routes(), *futures_api.routes(), *private.routes()]
