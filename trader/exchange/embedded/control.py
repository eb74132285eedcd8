"""The door for people and for the daemon: state, start, speed, faults, stop. JSON, on this machine only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from trader.core.errors import ConfigError
from trader.exchange.embedded.faults import Armed, Fault, FaultPlan, fault_kind, fault_rate
from trader.exchange.embedded.options import parse_speed, speed_text
from trader.exchange.embedded.play import Play
from trader.exchange.embedded.rest import json_answer
from trader.exchange.embedded.sockets import Sockets

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HERE = ("127.0.0.1", "localhost")


class Control:
    """`about` is what the state says of the source; `stopping` is set when somebody asks for the end."""

    def __init__(
        self, play: Play, plan: FaultPlan, sockets: Sockets, about: dict[str, Any], stopping: asyncio.Event
    ) -> None:
        self._play = play
        self._plan = plan
        self._sockets = sockets
        self._about = about
        self._stopping = stopping

    def routes(self) -> list[web.RouteDef]:
        """Return the routes below `/control/`."""
        return [
            web.get("/control/state", self.guarded(self._state)),
            web.post("/control/start", self.guarded(self._start)),
            web.post("/control/speed", self.guarded(self._speed)),
            web.post("/control/fault", self.guarded(self._fault)),
            web.post("/control/stop", self.guarded(self._stop)),
        ]

    def state(self) -> dict[str, Any]:
        """Return what is played, how far it is, and what was done to its consumers. Times in ms UTC."""
        clock = self._play.clock
        return self._about | {
            "now": clock.now(),
            "speed": speed_text(clock.speed),
            "started": self._play.started,
            "ended": self._play.ended,
            "held": self._play.lockstep.held,
            "lockstep": self._play.lockstep.on,
            "connections": len(self._sockets.connections),
            "accepted": self._sockets.accepted,
            "faults": {
                "seed": self._plan.seed,
                "rates": [msgspec.to_builtins(rate) for rate in self._plan.rates.values()],
                "counts": dict(self._plan.counts),
            },
        }

    def inject(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Set a rate (`probability`), or let a fault strike now or next; raise `ConfigError` when it cannot be."""
        kind = fault_kind(str(wish.get("kind")))
        amount = number(wish, "amount")
        if kind is Fault.SKEW or "probability" in wish:
            probability = 1.0 if kind is Fault.SKEW else number(wish, "probability") or 0.0
            self._plan.set(fault_rate(kind, probability, amount))
            return {"set": kind}
        value = fault_rate(kind, 1.0, amount).amount
        if kind in (Fault.DROP, Fault.STALL) and "stream" not in wish:
            return {"struck": self._strike_all(kind, value)}
        stream = wish.get("stream")
        self._plan.arm(Armed(kind, value, int(number(wish, "count") or 1), None if stream is None else str(stream)))
        return {"armed": kind}

    def _strike_all(self, kind: Fault, seconds: float) -> int:
        struck = self._sockets.drop_all() if kind is Fault.DROP else self._sockets.stall_all(seconds)
        self._plan.counts[kind] += struck
        return struck

    def guarded(self, follow: Callable[[dict[str, Any]], dict[str, Any]]) -> Handler:
        """Answer this machine only, and no web page of another origin; refuse impossible wishes in words."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.url.host not in HERE or request.headers.get("Origin", "").startswith("http"):
                return json_answer({"error": "control is for programs on this machine"}, 403)
            try:
                return json_answer(follow(_asked(request) | _decoded(await request.read())))
            except ConfigError as error:
                return json_answer({"error": str(error)}, 400)

        return handle

    def _state(self, _: dict[str, Any]) -> dict[str, Any]:
        return self.state()

    def _start(self, _: dict[str, Any]) -> dict[str, Any]:
        self._play.start()
        return self.state()

    def _speed(self, wish: dict[str, Any]) -> dict[str, Any]:
        self._play.clock.set_speed(parse_speed(str(wish.get("speed"))))
        return self.state()

    def _fault(self, wish: dict[str, Any]) -> dict[str, Any]:
        return self.inject(wish)

    def _stop(self, _: dict[str, Any]) -> dict[str, Any]:
        self._stopping.set()
        return self.state()


def _asked(request: web.Request) -> dict[str, Any]:
    return {name: int(value) if value.isdigit() else value for name, value in request.query.items()}


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any]) if body else {}
    except msgspec.DecodeError as error:
        raise ConfigError(f"the body is no JSON object ({error})") from None


def number(wish: dict[str, Any], name: str) -> float | None:
    """Return an optional number of a wish."""
    value = wish.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ConfigError(f"{name} {value!r} is impossible; allowed: a number")
    return value
