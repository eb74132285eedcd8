"""The real signed client on a session without sockets: what it asks for travels through the simulated network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import parse_qsl

import aiohttp
import msgspec
import yarl

from tests.simulate.network import Network
from trader.core.settings import Market
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.venue_clock import VenueClock
from trader.execution.governor import WeightGovernor

WEIGHTS: dict[Market, int] = {"spot": 6_000, "futures": 2_400}
#: The parameters that may hold an id of ours, the first that is there.
IDS = ("newClientOrderId", "clientAlgoId", "listClientOrderId", "origClientOrderId")
#: How what came of a request begins that met a fault; a clock that is not wrong is refused by one too.
FAILED, CLOCK = "nothing: ", b"-1021"


class Witness(Protocol):
    """Whoever sees requests leave, and answers come (`failed`: a fault came instead); it may kill the trader there."""

    def sends(self, client_id: str, what: str) -> None: ...
    def answered(self, client_id: str, came: str) -> None: ...
    def asks(self, client_id: str) -> None: ...
    def told_of(self, client_id: str, failed: bool) -> None: ...


class Response:
    """What python-binance reads of an answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._body = body

    async def read(self) -> bytes:
        return self._body


class VirtualSession:
    """What python-binance asks of aiohttp's session. `now_ms` is the trader's clock."""

    def __init__(self, network: Network, now_ms: Callable[[], int], witness: Witness) -> None:
        self._network = network
        self._now_ms = now_ms
        self._witness = witness

    def get(self, url: yarl.URL, **options: Any) -> Any:
        return self._sent("GET", url, options)

    def post(self, url: yarl.URL, **options: Any) -> Any:
        return self._sent("POST", url, options)

    def put(self, url: yarl.URL, **options: Any) -> Any:
        return self._sent("PUT", url, options)

    def delete(self, url: yarl.URL, **options: Any) -> Any:
        return self._sent("DELETE", url, options)

    @asynccontextmanager
    async def _sent(self, method: str, url: yarl.URL, options: Mapping[str, Any]) -> AsyncIterator[Response]:
        values = {name: str(value) for name, value in _pairs(url, options)}
        if "timestamp" in values:  # the library reads the machine's clock
            values["timestamp"] = str(self._now_ms())
        timeout: aiohttp.ClientTimeout = options["timeout"]
        client_id = next((values[name] for name in IDS if name in values), "")
        asked = self._read if method == "GET" else self._changed
        async with asyncio.timeout(timeout.total):
            response = await asked(method, url.path, values, client_id)
        yield response

    async def _changed(self, method: str, path: str, values: Mapping[str, str], client_id: str) -> Response:
        what = f"{method} {path} {client_id} {values.get('type', '')} {values.get('quantity', '')}"
        self._witness.sends(client_id, what)
        came = f"{FAILED}it was given up"
        try:
            response = await self._carried(method, path, values)
            came = _words(response)
        except aiohttp.ClientError as error:
            came = f"{FAILED}{type(error).__name__}"
            raise
        finally:
            self._witness.answered(client_id, came)
        return response

    async def _read(self, method: str, path: str, values: Mapping[str, str], client_id: str) -> Response:
        self._witness.asks(client_id)
        failed = True
        try:
            response = await self._carried(method, path, values)
            failed = response.status >= 500
        finally:
            self._witness.told_of(client_id, failed)
        return response

    async def _carried(self, method: str, path: str, values: Mapping[str, str]) -> Response:
        reply = await self._network.carry(method, path, values)
        return Response(reply.status, dict(reply.headers), msgspec.json.encode(reply.body))


class VirtualClient(TradingClient):
    """`TradingClient` on a session of ours."""

    def __init__(self, session: VirtualSession, market: Market, clock: VenueClock, gate: WeightGovernor) -> None:
        self._virtual = session
        where = Endpoints(market, "http://127.0.0.1", "ws://127.0.0.1")
        super().__init__(where, gate, Credentials("key", "secret"), clock=clock)

    def _init_session(self) -> Any:
        return self._virtual


def made_client(network: Network, market: Market, epoch_s: float, witness: Witness) -> VirtualClient:
    """Return a client whose clocks are the loop's; time 0 of the loop is `epoch_s`."""
    seconds = asyncio.get_running_loop().time

    def wall() -> float:
        return epoch_s + seconds()

    clock = VenueClock(wall, seconds)
    gate = WeightGovernor(WEIGHTS[market], 0.2, clock=wall)
    session = VirtualSession(network, lambda: clock.now_ms, witness)
    return VirtualClient(session, market, clock, gate)


def _pairs(url: yarl.URL, options: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    data = options.get("data")
    if data:
        return data if isinstance(data, list) else parse_qsl(data)
    return parse_qsl(options.get("params") or url.raw_query_string)


def _words(response: Response) -> str:
    if response.status < 300:
        return ""
    failed = response.status >= 500 or CLOCK in response._body
    return f"{FAILED if failed else ''}{response.status} {response._body[:90].decode()}"
