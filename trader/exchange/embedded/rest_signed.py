"""REST with a key: query and form bodies, signatures over what was sent, faults around orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from trader.exchange.embedded.accounts.gate import Gate
from trader.exchange.embedded.accounts.signatures import sent_values, signed_text
from trader.exchange.embedded.order_mischief import Reply, with_mischief
from trader.exchange.embedded.rest import json_answer, misbehave
from trader.exchange.embedded.signed import SignedEndpoint
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.venue import Admit, Venue, serve

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SignedRest:
    """The endpoints of all venues."""

    def __init__(self, venues: Sequence[Venue], gate: Gate, transport: Transport) -> None:
        self._venues = venues
        self._gate = gate
        self._transport = transport

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of all endpoints."""
        return [
            web.route(endpoint.method, endpoint.path, self._handler(venue, endpoint))
            for venue in self._venues
            for endpoint in venue.endpoints
        ]

    def _handler(self, venue: Venue, endpoint: SignedEndpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            transport = self._transport
            fault = transport.plan.for_request()
            if fault is not None:
                broken = await misbehave(transport.meters[venue.market], request, *fault)
                if broken is not None:
                    return broken
            return await self._followed(venue, endpoint, request)

        return handle

    async def _followed(self, venue: Venue, endpoint: SignedEndpoint, request: web.Request) -> web.StreamResponse:
        query, body = request.url.raw_query_string, (await request.read()).decode(errors="replace")
        values = sent_values(query, body)
        admit = self._admitted(endpoint, request.headers.get("X-MBX-APIKEY"), values, signed_text(query, body))

        def act() -> Reply:
            return serve(venue, endpoint, self._transport, admit, values)

        reply = await with_mischief(self._transport.plan, act) if endpoint.changes else act()
        if reply is None:
            return cut(request)
        return json_answer(reply.body, reply.status, reply.headers)

    def _admitted(self, endpoint: SignedEndpoint, key: str | None, values: dict[str, str], text: str) -> Admit:
        if not endpoint.signature:
            return lambda: self._gate.known(endpoint.right, key)
        return lambda: self._gate.admit(endpoint.right, key, values, (text,))


def cut(request: web.Request) -> web.Response:
    """End the connection of a request without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=408)
