"""An event loop on a clock of its own: when nothing is ready it jumps to the next timer, so hours pass in no time.

It opens no socket and asks no clock: what runs on it takes the same steps every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

#: Timers nearer than this are due together, seconds.
RESOLUTION_S = 1e-6


class Stuck(RuntimeError):
    """Nothing is ready and no timer runs: it would wait for ever."""


class _Jumps(selectors.BaseSelector):
    """Where a selector would wait for sockets, time jumps instead."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("no task can ever go on")
        self.now_s += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """`asyncio.sleep`, time-outs and timers of the real code run on it unchanged."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._jumps.now_s
