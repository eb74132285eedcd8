"""Spans of time: which candles lack, in which pieces to ask for them, which the venue turned out not to have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from trader.market.manifest import Span
from trader.market.table import Times


def lacking(known: Iterable[Span], start_ms: int, end_ms: int) -> list[Span]:
    """Return the parts of `[start_ms, end_ms)` that no span of `known` covers, ascending.

    >>> lacking([(20, 30), (0, 5), (25, 40)], 0, 50)
    [(5, 20), (40, 50)]
    """
    found = []
    at = start_ms
    for first, last in sorted(known):
        if first > at:
            found.append((at, min(first, end_ms)))
        at = max(at, last)
        if at >= end_ms:
            break
    found.append((at, end_ms))
    return [(first, last) for first, last in found if first < last]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans that neither touch nor overlap, ascending.

    >>> joined([(5, 9), (0, 5), (20, 21), (8, 12)])
    [(0, 12), (20, 21)]
    """
    whole: list[Span] = []
    for first, last in sorted(spans):
        if whole and first <= whole[-1][1]:
            first, last = whole[-1][0], max(last, whole.pop()[1])
        whole.append((first, last))
    return whole


def pieces(span: Span, step_ms: int) -> Iterator[Span]:
    """Yield `span` in pieces of at most `step_ms`, cut at multiples of it.

    >>> list(pieces((5, 25), 10))
    [(5, 10), (10, 20), (20, 25)]
    """
    first, end_ms = span
    while first < end_ms:
        last = min(end_ms, first - first % step_ms + step_ms)
        yield first, last
        first = last


def absent(open_times: Times, span: Span, step_ms: int) -> list[Span]:
    """Return the parts of `span` in which no candle opens; all bounds are multiples of `step_ms`.

    >>> absent(np.array([10, 20, 50]), (0, 70), 10)
    [(0, 10), (30, 50), (60, 70)]
    """
    return lacking(_runs(open_times, step_ms), *span)


def _runs(open_times: Times, step_ms: int) -> list[Span]:
    if not len(open_times):
        return []
    breaks = np.flatnonzero(np.diff(open_times) != step_ms)
    firsts = open_times[np.r_[0, breaks + 1]].tolist()
    lasts = (open_times[np.r_[breaks, -1]] + step_ms).tolist()
    return list(zip(firsts, lasts, strict=True))
