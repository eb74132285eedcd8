"""A circuit breaker: a request that is refused again and again for the same reason is no longer sent.

Nothing is blocked for ever: after a while one may try again. What protects or closes a position may try sooner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from trader.core.venue import NewList, NewOrder, NewStop, Request

#: So many of a kind within the window open the circuit.
LIMIT = 3
WINDOW_S = 60.0
#: How long nothing of the kind is sent, then one try at a time; of what protects.
HOLD_S = 300.0
URGENT_HOLD_S = 5.0
#: Kinds of refusals remembered at a time; the oldest are forgotten.
MOST_KINDS = 1_000


class Shape(msgspec.Struct, frozen=True):
    """What makes two requests the same but for id, quantity and price."""

    what: str
    symbol: str
    side: str
    kind: str
    position_side: str = ""

    @classmethod
    def of(cls, request: Request) -> Shape:
        """Return the shape of `request`."""
        what, symbol, side = type(request).__name__, request.symbol, str(request.side)
        if isinstance(request, NewList):
            return cls(what, symbol, side, f"{request.above.kind}/{request.below.kind}")
        assert isinstance(request, NewOrder | NewStop)
        return cls(what, symbol, side, str(request.kind), str(request.position_side))


class Alarm(msgspec.Struct, frozen=True):
    """A circuit has opened: `count` refusals with `code` in the window; nothing of the shape for `hold_s` seconds."""

    shape: Shape
    code: int
    text: str
    count: int
    hold_s: float


class _Circuit(msgspec.Struct):
    times: deque[float]
    open_until: float = 0.0
    is_open: bool = False


class Breaker:
    """Counts refusals by shape and code. `clock` gives seconds, and never goes back."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        limit: int = LIMIT,
        window_s: float = WINDOW_S,
        hold_s: float = HOLD_S,
        urgent_hold_s: float = URGENT_HOLD_S,
    ) -> None:
        self.limit = limit
        self._clock = clock
        self._window_s = window_s
        self._hold_s = {False: hold_s, True: urgent_hold_s}
        self._circuits: dict[tuple[Shape, int], _Circuit] = {}

    def refused(self, shape: Shape, code: int, text: str = "", urgent: bool = False) -> Alarm | None:
        """Count a refusal; return an alarm when it opens the circuit (once for each time it was closed)."""
        circuit = self._circuit(shape, code)
        now = self._clock()
        while circuit.times and now - circuit.times[0] > self._window_s:
            circuit.times.popleft()
        circuit.times.append(now)
        if len(circuit.times) < self.limit and not circuit.is_open:
            return None
        was_open, circuit.is_open = circuit.is_open, True
        circuit.open_until = now + self._hold_s[urgent]
        return None if was_open else Alarm(shape, code, text, len(circuit.times), self._hold_s[urgent])

    def held_s(self, shape: Shape) -> float:
        """Return for how many seconds nothing of `shape` is to be sent; 0 when it may."""
        now = self._clock()
        waits = (each.open_until - now for (known, _), each in self._circuits.items() if known == shape)
        return max(0.0, max(waits, default=0.0))

    def accepted(self, shape: Shape) -> None:
        """Close the circuits of `shape`: one of it went through."""
        for key in [key for key in self._circuits if key[0] == shape]:
            del self._circuits[key]

    def _circuit(self, shape: Shape, code: int) -> _Circuit:
        key = (shape, code)
        circuit = self._circuits.pop(key, None) or _Circuit(deque(maxlen=self.limit))
        self._circuits[key] = circuit
        if len(self._circuits) > MOST_KINDS:
            del self._circuits[next(iter(self._circuits))]
        return circuit
