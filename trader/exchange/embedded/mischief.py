"""Faults on the way of messages to one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trader.exchange.embedded.faults import Fault, FaultPlan
from trader.exchange.embedded.frames import Message, frame

#: How long a message that waits to be overtaken is kept when nothing comes, seconds.
OVERTAKE_S = 0.1


class Mischief:
    """Sends, loses, doubles, swaps, delays or cuts messages as the plan draws. `send` takes frames, `drop` ends the
    connection at once, `stall` keeps it silent for seconds. `name` seeds the connection's own generator."""

    def __init__(
        self,
        plan: FaultPlan,
        name: int,
        send: Callable[[bytes], None],
        drop: Callable[[], None],
        stall: Callable[[float], None],
    ) -> None:
        self.silent: set[str] = set()
        self._plan = plan
        self._random = plan.random(name)
        self._send = send
        self._drop = drop
        self._stall = stall
        self._held: dict[asyncio.TimerHandle, bytes] = {}
        self._overtaken: asyncio.TimerHandle | None = None

    @property
    def active(self) -> bool:
        """Whether messages must go through here although no fault is in force."""
        return bool(self.silent or self._held)

    def pass_on(self, message: Message, combined: bool) -> None:
        """Send a message, or do to it what the plan draws."""
        if message.stream in self.silent:
            return
        drawn = self._plan.for_message(self._random, message.stream, message.closed)
        whole = message.frame(combined)
        if drawn is None:
            self._emit(whole)
            return
        self._strike(*drawn, message, combined, whole)

    def forgive(self, stream: str) -> None:
        """Let a stream that has gone silent speak again: it was subscribed anew."""
        self.silent.discard(stream)

    def settle(self) -> None:
        """Send at once all that is held back."""
        for handle in list(self._held):
            self._release(handle)

    def _strike(self, kind: Fault, amount: float, message: Message, combined: bool, whole: bytes) -> None:
        if kind is Fault.DROP:
            self._drop()
        elif kind is Fault.SILENT:
            self.silent.add(message.stream)
        elif kind is Fault.CORRUPT:
            text = message.payload(combined).encode()
            self._emit(frame(text[: len(text) // 2]))
        elif kind is Fault.DELAY:
            self._hold(whole, amount)
        elif kind is Fault.REORDER:
            self._overtaken = self._hold(whole, OVERTAKE_S)
        elif kind is not Fault.GAP:
            self._send_despite(kind, amount, whole)

    def _send_despite(self, kind: Fault, amount: float, whole: bytes) -> None:
        if kind is Fault.STALL:
            self._stall(amount)
        self._emit(whole)
        if kind is Fault.DUPLICATE:
            self._send(whole)

    def _emit(self, whole: bytes) -> None:
        """Send a frame, and behind it the one that it was to overtake."""
        self._send(whole)
        if self._overtaken is not None:
            self._release(self._overtaken)

    def _hold(self, whole: bytes, seconds: float) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        handle: asyncio.TimerHandle = loop.call_later(seconds, lambda: self._release(handle))
        self._held[handle] = whole
        return handle

    def _release(self, handle: asyncio.TimerHandle) -> None:
        handle.cancel()
        if handle is self._overtaken:
            self._overtaken = None
        whole = self._held.pop(handle, None)
        if whole is not None:
            self._send(whole)
