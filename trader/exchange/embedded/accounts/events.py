"""Events of accounts on their way to user streams, and the record of all of them for a judge."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from trader.exchange.embedded.accounts.event_mischief import EventMischief, Listener
from trader.exchange.embedded.faults import FaultPlan


class Record(msgspec.Struct, frozen=True):
    """One event as it was made, before any fault: `number` counts from 0 within its account, `wall_ms` is UTC."""

    number: int
    wall_ms: int
    market: str
    event: dict[str, Any]


class UserEvents:
    """Who listens to which account on which market. Listeners of one account hear the same events in order.

    `changes` counts what was told: nothing of an account changes without an event, but its settings.
    """

    def __init__(self, plan: FaultPlan, wall: Callable[[], float] = time.time) -> None:
        self.changes = 0
        self.records: dict[int, list[Record]] = defaultdict(list)
        self._plan = plan
        self._wall = wall
        self._listeners: dict[tuple[int, str], dict[Listener, EventMischief]] = defaultdict(dict)
        self._joined = 0

    def join(self, uid: int, market: str, listener: Listener) -> None:
        """Let a listener hear an account from now on."""
        self._joined += 1
        mischief = EventMischief(self._plan, self._joined, listener, lambda: self.leave(uid, market, listener))
        self._listeners[uid, market][listener] = mischief

    def leave(self, uid: int, market: str, listener: Listener) -> None:
        """Let a listener hear no more."""
        self._listeners[uid, market].pop(listener, None)

    def publish(self, uid: int, market: str, event: dict[str, Any]) -> None:
        """Record an event and send it to whoever listens."""
        self.changes += 1
        some = self.records[uid]
        some.append(Record(len(some), int(self._wall() * 1000), market, event))
        for mischief in tuple(self._listeners[uid, market].values()):
            mischief.pass_on(event)
