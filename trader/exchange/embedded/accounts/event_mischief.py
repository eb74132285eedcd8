"""Faults on the way of events to one user stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from trader.exchange.embedded.faults import Fault, FaultPlan


class Listener(Protocol):
    """One subscription of one connection."""

    def hear(self, event: dict[str, Any]) -> None:
        """Take one event."""
        ...

    def over(self, told: bool) -> None:
        """End: the subscription has died while its socket lives; `told` says so to the client."""
        ...


class EventMischief:
    """Passes events on, loses, doubles, swaps or delays them as the plan draws. `end` takes the listener out."""

    def __init__(self, plan: FaultPlan, number: int, listener: Listener, end: Callable[[], None]) -> None:
        self._plan = plan
        self._random = plan.random(f"events {number}")
        self._listener = listener
        self._end = end
        self._overtaken: dict[str, Any] | None = None

    def pass_on(self, event: dict[str, Any]) -> None:
        """Send an event, or do to it what the plan draws."""
        drawn = self._plan.for_event(self._random, str(event["e"]))
        if drawn is None:
            self._emit(event)
        else:
            self._strike(*drawn, event)

    def _strike(self, kind: Fault, amount: float, event: dict[str, Any]) -> None:
        if kind is Fault.SUBSCRIPTION:
            self._end()
            self._listener.over(amount > 0)
        elif kind is Fault.EVENT_LATE:
            asyncio.get_running_loop().call_later(amount, self._listener.hear, event)
        elif kind is Fault.EVENT_SWAP:
            self._release()
            self._overtaken = event
            asyncio.get_running_loop().call_later(amount, self._release)
        elif kind is Fault.EVENT_TWICE:
            self._emit(event)
            self._listener.hear(event)

    def _emit(self, event: dict[str, Any]) -> None:
        """Send an event, and behind it the one that it was to overtake."""
        self._listener.hear(event)
        self._release()

    def _release(self) -> None:
        event, self._overtaken = self._overtaken, None
        if event is not None:
            self._listener.hear(event)
