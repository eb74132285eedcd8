"""The signed door: python-binance's AsyncClient for one account of one market.

Beside what `GovernedClient` does (weights, bans, the errors): orders pass the account's own limits, the clock runs on
a monotonic one, recvWindow is ours, a redirect is never followed, and no key or signature gets into an error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import msgspec
from binance import AsyncClient

from trader.core.errors import ConfigError, ExchangeError, RateLimited
from trader.exchange.binance.client import WEIGHT_HEADER, WRONG_HEADER, Gate, GovernedClient, Patience, Reply
from trader.exchange.binance.departure import at_the_gate
from trader.exchange.binance.endpoints import Endpoints, rights_url
from trader.exchange.binance.errors import FOREIGN, read_answer, translate, translate_exception
from trader.exchange.binance.order_limits import ORDER_PATHS, orders_counted
from trader.exchange.binance.signing import HmacSigner
from trader.exchange.binance.venue_clock import VenueClock
from trader.exchange.binance.weights import weight_of

#: Reads that somebody waits for with a position open; others leave the reserve to them.
URGENT_READS = frozenset({"order", "orderList", "algoOrder", "openOrders", "openAlgoOrders", "positionRisk"})
#: Short: an order of which nothing is known counts as never taken only when it can no longer be.
RECV_WINDOW_MS = 2_000
LONGEST_RECV_WINDOW_MS = 60_000
#: Whoever looks an order up decides himself how often; a read is tried once more at most.
PATIENCE = Patience(attempts=2, longest_wait_s=1.0)
#: Too many orders in one of the account's windows.
TOO_MANY_ORDERS = -1015
#: How often the clock is measured.
CLOCK_EVERY_S = 300.0

_LOG = logging.getLogger(__name__)


class Credentials(msgspec.Struct, frozen=True):
    """An API key with its secret (HMAC), or with the PEM text of its private key (Ed25519). Never shown."""

    api_key: str
    api_secret: str = ""
    private_key: str = ""

    def __repr__(self) -> str:
        return "Credentials(***)"

    def check(self) -> None:
        """Raise `ConfigError` unless there is a key and exactly one way to sign."""
        if not self.api_key or bool(self.api_secret) == bool(self.private_key):
            raise ConfigError("an API key needs its secret or its private key, one of them: see BINANCE_API_KEY")


class _Tickets(msgspec.Struct):
    weight: Any
    orders: dict[str, Any]


class TradingClient(GovernedClient):
    """A client whose requests are signed for one account. Make it inside a running loop.

    `gate` is the market's gate of weights, shared with whoever reads the market; `order_gates` are the account's, by
    window (`10S`, `1M`), each counting orders.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        gate: Gate,
        credentials: Credentials,
        *,
        order_gates: Mapping[str, Gate] | None = None,
        recv_window_ms: int = RECV_WINDOW_MS,
        patience: Patience | None = None,
        clock: VenueClock | None = None,
    ) -> None:
        credentials.check()
        if not 0 < recv_window_ms <= LONGEST_RECV_WINDOW_MS:
            raise ConfigError(f"recvWindow is {recv_window_ms} ms; allowed: 1 to {LONGEST_RECV_WINDOW_MS}")
        self.clock = clock or VenueClock()
        secret = credentials.api_secret or None
        super().__init__(endpoints, gate, gate, patience or PATIENCE, credentials.api_key, secret)
        self.PRIVATE_KEY = self._init_private_key(credentials.private_key.strip())
        self._signer = HmacSigner(secret) if secret else None
        self.REQUEST_RECVWINDOW = recv_window_ms
        self.endpoints = endpoints
        self.MARGIN_API_URL = f"{rights_url(endpoints) or endpoints.rest}/sapi"
        self._requests_params["allow_redirects"] = False
        self._order_gates = dict(order_gates or {})

    @property  # type: ignore[override]  # the library only adds it
    def timestamp_offset(self) -> float:
        """What the library adds to the wall clock, ms."""
        return self.clock.offset_ms

    @timestamp_offset.setter
    def timestamp_offset(self, offset_ms: float) -> None:
        self.clock.set_offset(offset_ms)

    def limit_orders(self, gates: Mapping[str, Gate]) -> None:
        """Count orders in these gates, by window, from now on."""
        self._order_gates = dict(gates)
        self._set_offsets()

    def _set_offsets(self) -> None:
        for gate in (self._gate, *self._order_gates.values()):
            gate.offset_s = self.clock.offset_ms / 1000

    async def sync_clock(self) -> int:
        """Measure the venue's clock, by the quickest of a few answers; return its difference to the wall clock, ms."""
        best = (float("inf"), 0.0, 0.0, 0.0)
        for _ in range(3):
            asked = self.clock.monotonic_s()
            answer = await (self.futures_time() if self.market == "futures" else self.get_server_time())
            answered = self.clock.monotonic_s()
            best = min(best, (answered - asked, asked, answered, float(answer["serverTime"])))
            if best[0] < 0.2:
                break
        self.clock.measured(*best[1:])
        self._set_offsets()
        return round(self.clock.offset_ms)

    async def keep_clock(self, every_s: float = CLOCK_EVERY_S) -> None:
        """Measure the clock again and again, until cancelled; a failure waits for the next time."""
        while True:
            try:
                offset_ms = await self.sync_clock()
                _LOG.debug("%s: the venue's clock is %+d ms off ours", self.market, offset_ms)
            except ExchangeError as error:
                _LOG.warning("%s: the venue's clock could not be measured: %s", self.market, error)
            await asyncio.sleep(every_s)

    def signed(self, **params: Any) -> dict[str, Any]:
        """Return the parameters of a signed request on the WebSocket API."""
        signed = params | {"apiKey": self.API_KEY, "timestamp": self.clock.now_ms}
        signed["recvWindow"] = self.REQUEST_RECVWINDOW
        signed["signature"] = self._generate_signature(signed, uri_encode=False)
        return signed

    def __repr__(self) -> str:
        return f"TradingClient({self.market}, {self.API_URL})"

    async def _once(self, method: str, uri: str, signed: bool, force_params: bool, kwargs: dict[str, Any]) -> Any:
        path = _path(uri)
        where = f"{method.upper()} {path}"
        with nullcontext() if method == "get" else at_the_gate():
            tickets = await self._admit(method, path, kwargs.get("data") or {})
        reply = None
        try:
            reply = await AsyncClient._request(self, method, uri, signed, force_params, **kwargs)
        except FOREIGN as error:
            raise translate_exception(where, error) from None  # its words may hold the signed address
        finally:
            self._settle(path, tickets, {} if reply is None else reply.headers)
        return self._read(where, reply)

    def _get_request_kwargs(
        self, method: str, signed: bool, force_params: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """Sign with a secret ourselves: the library needs three times as long, and signs what it does not send."""
        if not signed or self._signer is None:
            kept: dict[str, Any] = super()._get_request_kwargs(method, signed, force_params, **kwargs)
            return kept
        params = kwargs.pop("data", None) or {}
        params["recvWindow"] = self.REQUEST_RECVWINDOW
        params["timestamp"] = self.clock.now_ms
        kwargs["timeout"] = self.REQUEST_TIMEOUT
        kwargs.update(self._requests_params)
        kwargs["params" if method == "get" or force_params else "data"] = self._signer.signed(params)
        return kwargs

    async def _admit(self, method: str, path: str, params: Mapping[str, Any]) -> _Tickets:
        """Wait for room, first in the limits of orders: a ticket of weight is not held while that is waited for."""
        tickets = _Tickets(None, {})
        orders = ORDER_PATHS.get(path, 0) if method == "post" else 0
        try:
            for window, gate in self._order_gates.items():
                if orders:
                    tickets.orders[window] = await gate.admit(orders, True)
            urgent = method != "get" or path in URGENT_READS
            tickets.weight = await self._gate.admit(weight_of(self.market, method, path, params), urgent)
        except BaseException:
            self._settle(path, tickets, {})
            raise
        return tickets

    def _refusal(self, where: str, reply: Reply) -> ExchangeError:
        """Let too many orders silence orders alone: what is asked, and what is cancelled, is no order."""
        answer = read_answer(reply.status, reply.headers, reply.body.decode(errors="replace"))
        if answer.code != TOO_MANY_ORDERS:
            return super()._refusal(where, reply)
        error = translate(self.market, where, answer, self.clock.now_ms)
        for gate in self._order_gates.values():
            gate.pause(error.retry_after_s if isinstance(error, RateLimited) else 0.0)
        return error

    def _settle(self, path: str, tickets: _Tickets, headers: Mapping[str, str]) -> None:
        for window, ticket in tickets.orders.items():
            self._order_gates[window].settle(ticket, orders_counted(headers, window))
        if tickets.weight is not None:
            text = "" if path in WRONG_HEADER else headers.get(WEIGHT_HEADER, "")
            self._gate.settle(tickets.weight, int(text) if text.isdecimal() else None)


def _path(uri: str) -> str:
    """Return what follows the version in an address.

    >>> _path("https://fapi.binance.com/fapi/v3/positionRisk")
    'positionRisk'
    """
    parts = uri.split("/")
    version = next(at for at, part in enumerate(parts) if at > 3 and part[:1] == "v" and part[1:].isdecimal())
    return "/".join(parts[version + 1 :])
