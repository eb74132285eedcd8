"""A restart of the exchange: for a while nobody gets in, and nobody is told why."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Outage:
    """Refuses all requests but those to `/control/` until it is over; `wall` in seconds."""

    def __init__(self, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._until = 0.0

    @property
    def active(self) -> bool:
        """Whether nobody gets in."""
        return self._wall() < self._until

    def begin(self, seconds: float) -> None:
        """Let nobody in for `seconds` from now."""
        self._until = self._wall() + seconds

    def middleware(self) -> Middleware:
        """Return what cuts off requests during the outage."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self.active or request.path.startswith("/control/"):
                return await handler(request)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)

        return guard
