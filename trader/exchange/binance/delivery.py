"""What one supervisor hands on: messages and states, counted, with every stream watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trader.exchange.binance.messages import KlineMessage, Message
from trader.exchange.binance.states import StateKind, StreamOptions, StreamState
from trader.exchange.binance.watch import StreamWatch

OnMessage = Callable[[Message], None]
OnState = Callable[[StreamState], None]


class Delivery:
    """Calls `on_message` and `on_state`, which must not block. What a callback raises is set on `failed`."""

    def __init__(
        self,
        streams: dict[str, None],
        watch: StreamWatch,
        options: StreamOptions,
        on_message: OnMessage,
        on_state: OnState,
    ) -> None:
        self.messages = 0
        self.corrupt = 0
        self.failed: asyncio.Future[None] | None = None
        self._streams = streams
        self._watch = watch
        self._options = options
        self._heard = 0
        self._heard_at = 0.0
        self._on_message = on_message
        self._on_state = on_state

    def message(self, message: Message) -> None:
        """Hand on a message; what this raises ends the reader that called it."""
        self.messages += 1
        back = self._watch.candle(message) if type(message) is KlineMessage else self._watch.other(message)
        if back:
            self.say(StateKind.RESUMED, (message.stream,))  # type: ignore[union-attr]  # answers never get here
        self._on_message(message)

    def corrupt_frame(self, reason: str) -> None:
        """Count a frame that could not be read."""
        self.corrupt += 1
        self.say(StateKind.CORRUPT, tuple(self._streams), reason)

    def refused(self, streams: tuple[str, ...], reason: str) -> None:
        """Tell that the venue does not serve `streams`."""
        self.say(StateKind.REFUSED, streams, reason)

    def tell_late(self, now: float, opened_at: float) -> None:
        """Tell which streams have become late since the last time; `now` and `opened_at` in seconds of wall time.

        A new connection has `grace_s` to speak. One on which only pings come moves no clock of a market: so its
        silence is measured on the wall.
        """
        if self.messages != self._heard:
            self._heard, self._heard_at = self.messages, now
        if now - opened_at < self._options.grace_s:
            return
        if now - max(self._heard_at, opened_at) > self._options.silence_s:
            self._say_stale(self._watch.hush(), f"no message on any stream for {self._options.silence_s:g} s")
        late = self._watch.look()
        self._say_stale(late.silent, f"silent {self._options.stale_ms} ms after the due close")
        if late.missed:
            self.say(StateKind.MISSED, late.missed, f"no close {self._options.stale_ms} ms after it was due")

    def _say_stale(self, streams: tuple[str, ...], reason: str) -> None:
        if streams:
            self.say(StateKind.STALE, streams, reason)

    def say(self, kind: StateKind, streams: tuple[str, ...], reason: str = "") -> None:
        """Hand on a change of state."""
        try:
            self._on_state(StreamState(kind, streams, reason))
        except Exception as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Let the supervisor end with `error`."""
        if self.failed is not None and not self.failed.done():
            self.failed.set_exception(error)
