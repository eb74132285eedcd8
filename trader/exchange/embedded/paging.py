"""A page of rows that a client asks for, by number or by time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from trader.exchange.embedded.params import Params


class Numbered(Protocol):
    """Anything with an id that grows."""

    @property
    def id(self) -> int:
        """The id."""
        ...


N = TypeVar("N", bound=Numbered)


def page(params: Params, timed: Iterable[tuple[int, N]], id_name: str, longest_ms: int, too_long: Exception) -> list[N]:
    """Return the first rows from an id or a time on, else the last ones; raise `too_long` for a span that is longer."""
    limit, first = params.limit(500, 1_000), params.integer(id_name)
    start, end = params.span()
    if start is not None and end is not None and end - start > longest_ms:
        raise too_long
    rows = [
        row
        for time, row in timed
        if (start is None or time >= start) and (end is None or time <= end) and (first is None or row.id >= first)
    ]
    return rows[:limit] if first is not None or start is not None else rows[-limit:]
