"""Whether a request has left yet: whoever gives it up while it waits for room knows that nobody has got it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec


class Departure(msgspec.Struct):
    """How far a request has come: `waits` while it waits for room in the venue's limits; `leaves` is called after."""

    leaves: Callable[[], None]
    waits: bool = False


_departure: ContextVar[Departure | None] = ContextVar("departure", default=None)


@contextmanager
def departing(leaves: Callable[[], None]) -> Iterator[Departure]:
    """Follow the requests that are made within."""
    departure = Departure(leaves)
    token = _departure.set(departure)
    try:
        yield departure
    finally:
        _departure.reset(token)


def came_back() -> None:
    """Let whoever follows know that the venue has proved not to have taken what left; it will leave again."""
    departure = _departure.get()
    if departure is not None:
        departure.waits = True


@contextmanager
def at_the_gate() -> Iterator[None]:
    """Let whoever follows know that a request waits within, and leaves behind it."""
    departure = _departure.get()
    if departure is None:
        yield
        return
    departure.waits = True
    yield
    departure.waits = False
    departure.leaves()
