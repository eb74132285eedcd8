"""What a client says on the WebSocket API, and what it is answered: no socket, only texts (binance.md, section 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trader.exchange.embedded.accounts.account import Account, ApiKey, Right
from trader.exchange.embedded.accounts.gate import Gate
from trader.exchange.embedded.accounts.signatures import socket_texts
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.order_mischief import Reply, with_mischief
from trader.exchange.embedded.signed import SignedEndpoint
from trader.exchange.embedded.socket_streams import UserStreams
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.venue import Venue, serve

Json = dict[str, Any]
Values = dict[str, str]


class Request(msgspec.Struct):
    """One request as it came; parameters may be numbers or texts."""

    method: str
    id: str | int | None = None
    params: dict[str, Any] = {}


class SocketSession:
    """The requests of one connection: public ones, those signed one by one, those of a session that has logged on.

    `public` answers methods without a key; `streams` are the connection's subscriptions to accounts.
    """

    def __init__(
        self,
        venue: Venue,
        public: Mapping[str, Callable[[Values], Any]],
        gate: Gate,
        transport: Transport,
        streams: UserStreams,
    ) -> None:
        self._venue = venue
        self._public = public
        self._gate = gate
        self._transport = transport
        self._streams = streams
        self._connected_ms = int(time.time() * 1000)
        self._logged_on: tuple[Account, ApiKey, int] | None = None
        self._own: dict[str, Callable[[Values], Any]] = {
            "session.logon": self._logon,
            "session.status": lambda _: self._status(),
            "session.logout": self._logout,
            "session.subscriptions": lambda _: streams.rows(),
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": streams.unsubscribe,
        }

    async def answer(self, text: str) -> Json | None:
        """Return the reply to one text; None where the connection is to be cut instead."""
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.DecodeError as error:
            return _worded(None, Reply(400, {"code": -1135, "msg": f"Invalid JSON Request: {error}"}), [])
        values = {name: _text(value) for name, value in request.params.items() if value is not None}
        endpoint = self._venue.methods.get(request.method)
        if endpoint is None:
            reply = self._unsigned(request.method, values)
        elif endpoint.changes:
            drawn = await with_mischief(self._transport.plan, lambda: self._signed(endpoint, values))
            if drawn is None:
                return None
            reply = drawn
        else:
            reply = self._signed(endpoint, values)
        return _worded(request.id, reply, self._limits())

    def _signed(self, endpoint: SignedEndpoint, values: Values) -> Reply:
        return serve(self._venue, endpoint, self._transport, lambda: self._admitted(endpoint.right, values), values)

    def _admitted(self, right: Right, values: Values) -> tuple[Account, ApiKey]:
        """Return who asks: the session, unless the request brings a key of its own."""
        if self._logged_on is None or "apiKey" in values:
            return self._gate.admit(right, values.get("apiKey"), values, socket_texts(values))
        self._gate.timely(values)
        return self._gate.known(right, self._logged_on[1].key)

    def _unsigned(self, method: str, values: Values) -> Reply:
        answer = self._own.get(method) or self._public.get(method)
        try:
            self._transport.meters[self._venue.market].charge(2 if method in self._own else 1)
            if answer is None:
                raise ApiError(-1020, f"Unknown method: {method}")
            return Reply(200, answer(values))
        except ApiError as error:
            return Reply(error.status, error.body)

    def _logon(self, values: Values) -> Json:
        account, key = self._gate.admit(Right.READ, values.get("apiKey"), values, socket_texts(values))
        if key.public is None:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")
        self._logged_on = (account, key, self._transport.time_ms())
        return self._status()

    def _logout(self, _: Values) -> Json:
        self._logged_on = None
        self._streams.close()
        return self._status()

    def _status(self) -> Json:
        _, key, since = self._logged_on or (None, None, None)
        return {
            "apiKey": None if key is None else key.key,
            "authorizedSince": since,
            "connectedSince": self._connected_ms,
            "returnRateLimits": True,
            "serverTime": self._transport.time_ms(),
            "userDataStream": bool(self._streams.rows()),
        }

    def _subscribe(self, _: Values) -> Json:
        if self._logged_on is None:
            raise ApiError(-1002, "You are not authorized to execute this request.", 401)
        return self._streams.subscribe(self._logged_on[0].uid)

    def _subscribe_signed(self, values: Values) -> Json:
        account, _ = self._gate.admit(Right.READ, values.get("apiKey"), values, socket_texts(values))
        return self._streams.subscribe(account.uid)

    def _limits(self) -> list[Json]:
        used = self._transport.meters[self._venue.market].used
        limit = self._transport.weight_limit(self._venue.market)
        weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}
        return [weight | {"count": used}]


def _worded(id: str | int | None, reply: Reply, limits: list[Json]) -> Json:
    head = {"id": id, "status": reply.status}
    kind = "result" if reply.status == 200 else "error"
    return head | {kind: reply.body, "rateLimits": limits}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
