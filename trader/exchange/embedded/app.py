"""The exchange as a whole: one port on 127.0.0.1, both markets, one play."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web

from trader.core.errors import ConfigError
from trader.exchange.embedded.clock import PlayClock
from trader.exchange.embedded.control import Control
from trader.exchange.embedded.control_trading import TradingControl
from trader.exchange.embedded.faults import Fault, FaultPlan
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.history import BlockCache
from trader.exchange.embedded.hub import Hub
from trader.exchange.embedded.kept import read_kept
from trader.exchange.embedded.options import ExchangeOptions
from trader.exchange.embedded.outage import Outage
from trader.exchange.embedded.page import root_page
from trader.exchange.embedded.play import Play
from trader.exchange.embedded.rest import Rest, not_found
from trader.exchange.embedded.sockets import Sockets
from trader.exchange.embedded.source import MARKETS, Source
from trader.exchange.embedded.source_generated import DEFAULT_START_MS, GeneratedSource
from trader.exchange.embedded.source_store import StoreSource
from trader.exchange.embedded.span import play_span
from trader.exchange.embedded.trading_side import TradingSide
from trader.exchange.embedded.transport import Transport

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
#: What the kernel may keep of a connection's output, bytes: little, so that a play at the highest speed stays near
#: its consumers.
SEND_BUFFER = 131_072
#: How long requests under way may take when the exchange stops, seconds.
SHUTDOWN_S = 0.3


class EmbeddedExchange:
    """A Binance-compatible exchange. `source` is the store of the options, or a generated market, unless it is given.

    `port` is the bound one from `start` on. `stopping` is set when somebody asks for the end by `/control/stop`.
    """

    def __init__(self, options: ExchangeOptions, source: Source | None = None) -> None:
        self.options = options
        self.port = options.port
        self.stopping = asyncio.Event()
        self.source = source or make_source(options)
        self.start_ms, self.end_ms, at_ms = play_span(_taken_up(options), self.source)
        self.plan = FaultPlan(options.faults, options.fault_seed)
        clock = PlayClock(at_ms, options.speed)
        cache = BlockCache()
        floors = {
            market: Floor(market, self.source, clock, cache, self.start_ms, options.default_filters)
            for market in MARKETS
        }
        transport = Transport(options.limits, self.plan, orders=options.trading.orders)
        hub = Hub(floors)
        self.trading = TradingSide(options.trading, floors, transport, options.data)
        if options.keep is not None:
            self.trading.keep(options.keep, f"{self.source.name}, from {self.start_ms}", clock.now)
        self.trading.advance(at_ms)
        self.play = Play(clock, hub, self.end_ms, lambda: self.plan.counts[Fault.SILENT] > 0, self.trading.advance)
        self.play.lockstep.switch(options.lockstep)
        self._outage = Outage()
        self._sockets = Sockets(hub, transport)
        self._control = Control(self.play, self.plan, self._sockets, self._about(floors), self.stopping)
        self._tests = TradingControl(self.play, self.trading.accounts, self.trading.venues, self._sockets, self._outage)
        self._rest = Rest(floors, transport)
        self._runner: web.AppRunner | None = None
        self._playing: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """The address of all doors."""
        return f"http://{HOST}:{self.port}"

    def state(self) -> dict[str, Any]:
        """Return what `/control/state` answers."""
        return self._control.state()

    async def start(self) -> None:
        """Open the port and let time pass, or wait for `/control/start` when told to hold."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        listener = _listener(self.options.port)
        self.port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()
        self._playing = asyncio.create_task(self.play.run())
        if not self.options.hold:
            self.play.start()
        log.info("embedded exchange on %s: %s", self.base_url, self.source.name)

    async def stop(self) -> None:
        """End the play, the connections and the port; again is no error."""
        if self._playing is not None:
            self._playing.cancel()
            with suppress(asyncio.CancelledError):
                await self._playing
            self._playing = None
        if self._runner is not None:
            await self._sockets.close_all()
            await self._runner.cleanup()
            self._runner = None
            self.trading.close()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._outage.middleware(), _unknown_paths])
        application.add_routes([*self._rest.routes(), *self._sockets.routes(), *self._control.routes()])
        application.add_routes(self.trading.routes(self._sockets))
        application.add_routes(self._tests.routes(self._control.guarded))
        application.router.add_get("/", self._root)
        return application

    async def _root(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=root_page(self.state(), self.base_url), content_type="text/html")

    def _about(self, floors: dict[str, Floor]) -> dict[str, Any]:
        """Return what stays the same of the state."""
        return {
            "generated": self.source.generated,
            "source": self.source.name,
            "data": None if self.options.data is None else str(self.options.data.resolve()),
            "seed": self.options.seed,
            "accounts": len(self.trading.accounts),
            "half_spread": self.options.trading.half_spread,
            "touch": self.options.trading.touch,
            "start": self.start_ms,
            "end": self.end_ms,
            "symbols": {market: list(floor.tapes) for market, floor in floors.items()},
            "finest": {market: floor.finest for market, floor in floors.items()},
            "columns": {market: floor.columns for market, floor in floors.items()},
        }


def _taken_up(options: ExchangeOptions) -> ExchangeOptions:
    """Return the options with the time at which kept accounts stood, unless they name one themselves."""
    kept = read_kept(options.keep) if options.keep is not None and options.at is None else None
    return options if kept is None else msgspec.structs.replace(options, at=kept.time)


def make_source(options: ExchangeOptions) -> Source:
    """Return the source that the options name."""
    if options.data is None:
        start = DEFAULT_START_MS if options.start is None else options.start
        return GeneratedSource(options.seed, options.symbols, start)
    return StoreSource(options.data, options.symbols)


@web.middleware
async def _unknown_paths(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer a path or method that is not there as Binance does."""
    try:
        answer: web.StreamResponse = await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return not_found(request)
    return answer


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"port {port} cannot be used ({error.strerror}); choose another, or 0 for a free one"
        ) from None
    return listener
