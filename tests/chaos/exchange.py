"""The exchange of a chaos run: `python -m tests.chaos.exchange NOTES <what start.py exchange takes>`.

It is the embedded exchange as `start.py exchange` runs it, and it writes down what it was asked, what it made of it,
and which faults struck.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from tests.chaos.notes import NAMES, Asked, Happened, Notebook, Struck, now_ms
from trader.cli import app
from trader.cli import exchange as command
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import ORDER_FAULTS, REQUEST_FAULTS, Fault
from trader.exchange.embedded.options import ExchangeOptions

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Faults that have met the request that is being answered.
_met: ContextVar[list[str] | None] = ContextVar("met", default=None)
#: The window of weights, seconds: a daemon that starts fifteen times a minute spends the weight of as many starts, and
#: would do nothing but wait in a window of a minute.
WINDOW_S = 6.0
OF_REQUESTS = frozenset((*REQUEST_FAULTS, *ORDER_FAULTS))


class WatchedExchange(EmbeddedExchange):
    """An embedded exchange with a notebook."""

    notebook: Notebook

    def __init__(self, options: ExchangeOptions) -> None:
        limits = msgspec.structs.replace(options.limits, window_s=WINDOW_S)
        super().__init__(msgspec.structs.replace(options, limits=limits))
        self._telling = ""
        self._publish, self._count = self.trading.events.publish, self.plan.count
        self.trading.events.publish = self._published  # type: ignore[method-assign]
        self.plan.count = self._counted  # type: ignore[method-assign]

    def _published(self, uid: int, market: str, event: dict[str, Any]) -> None:
        self.notebook.note(Happened(now_ms(), market, event))
        self._telling = _name_of(event)
        self._publish(uid, market, event)
        self._telling = ""

    def _counted(self, kind: Fault) -> None:
        self._count(kind)
        met = _met.get()
        if met is not None and kind in OF_REQUESTS:
            met.append(str(kind))
        rate = self.plan.rates.get(kind)
        self.notebook.note(Struck(now_ms(), str(kind), rate.amount if rate else 0.0, self._telling))

    def _application(self) -> web.Application:
        application = super()._application()
        application.middlewares.append(self._noting)
        return application

    @web.middleware
    async def _noting(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "X-MBX-APIKEY" not in request.headers:
            return await handler(request)
        at, status, met = now_ms(), 0, list[str]()
        values = dict([*request.query.items(), *parse_qsl((await request.read()).decode(errors="replace"))])
        token = _met.set(met)
        try:
            answer = await handler(request)
            status = 0 if request.transport is None or request.transport.is_closing() else answer.status
            return answer
        finally:
            _met.reset(token)
            names = tuple(values[name] for name in NAMES if name in values)
            self.notebook.note(Asked(at, now_ms(), request.method, request.path, names, status, tuple(met)))


def _name_of(event: dict[str, Any]) -> str:
    """Return the client id of the order that an event tells of, "" where it tells of none."""
    order = event.get("o")
    told = order if isinstance(order, dict) else event
    return str(told.get("caid") or told.get("C") or told.get("c") or "")


def main(arguments: list[str]) -> int:
    """Run the exchange until it is ended."""
    notes, *rest = arguments
    WatchedExchange.notebook = Notebook(Path(notes))
    setattr(command, EmbeddedExchange.__name__, WatchedExchange)
    sys.argv = ["start.py", "exchange", *rest]
    return app.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
