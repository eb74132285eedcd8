"""Sums and extremes of the last n values, without drift, at a constant cost.

A running sum that adds the new value and takes away the old one gathers rounding errors for ever, and one huge value
leaves its error behind. Here nothing is ever taken away. Time is cut into blocks of n values. The window is the tail
of the block before and the head of this one: the head is summed as it comes, and the sums of all tails are made once,
when a block begins. So a result is a sum of n terms, rounded as n additions are, and depends on nothing but the
window and its position since the anchor. Extremes work alike (van Herk 1992, Gil and Werman 1993).

A window of n values takes n + 1 floats from `at`, all 0 at first: the head, then in ring order the values of this
block and the tails of the one before. `position` is that of the new value in its block: 0 … n-1, 0 …
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined

Floats = NDArray[np.float64]


def window_size(n: int) -> int:
    """Return how many floats a window of `n` values takes."""
    return n + 1


@inlined
def window_sum(f: Floats, at: int, position: int, n: int, x: float) -> float:
    """Return the sum of the last `n` values, `x` included; of those there are, before the window is full.

    >>> f = np.zeros(window_size(3))
    >>> [window_sum(f, 0, i % 3, 3, x) for i, x in enumerate((1.0, 2.0, 4.0, 8.0, 16.0))]
    [1.0, 3.0, 7.0, 14.0, 28.0]
    """
    if position == 0:
        for tail in range(at + n - 1, at + 1, -1):
            f[tail] += f[tail + 1]
        f[at] = 0.0
    f[at] += x
    f[at + 1 + position] = x
    total: float = f[at] + f[at + 2 + position] if position < n - 1 else f[at]
    return total


@inlined
def window_max(f: Floats, at: int, position: int, n: int, x: float) -> float:
    """Return the greatest of the last `n` values, `x` included; meaningless before the window is full.

    >>> f = np.zeros(window_size(3))
    >>> [window_max(f, 0, i % 3, 3, x) for i, x in enumerate((5.0, 1.0, 4.0, 2.0, 3.0))][2:]
    [5.0, 4.0, 4.0]
    """
    if position == 0:
        for tail in range(at + n - 1, at + 1, -1):
            f[tail] = max(f[tail], f[tail + 1])
        f[at] = x
    f[at] = max(f[at], x)
    f[at + 1 + position] = x
    greatest: float = max(f[at], f[at + 2 + position]) if position < n - 1 else f[at]
    return greatest


@inlined
def window_min(f: Floats, at: int, position: int, n: int, x: float) -> float:
    """Return the least of the last `n` values, `x` included; meaningless before the window is full.

    >>> f = np.zeros(window_size(3))
    >>> [window_min(f, 0, i % 3, 3, x) for i, x in enumerate((5.0, 1.0, 4.0, 2.0, 3.0))][2:]
    [1.0, 1.0, 2.0]
    """
    if position == 0:
        for tail in range(at + n - 1, at + 1, -1):
            f[tail] = min(f[tail], f[tail + 1])
        f[at] = x
    f[at] = min(f[at], x)
    f[at + 1 + position] = x
    least: float = min(f[at], f[at + 2 + position]) if position < n - 1 else f[at]
    return least


@inlined
def mean_deviation(f: Floats, at: int, n: int, mean: float) -> float:
    """Return the mean of `|value - mean|` of the `n` values at `at`, in any order; `n` is a multiple of 4.

    Four partial sums, so that the processor need not wait for one addition after another.

    >>> mean_deviation(np.array([1.0, 2.0, 3.0, 6.0]), 0, 4, 3.0)
    1.5
    """
    a = b = c = d = 0.0
    for i in range(at, at + n, 4):
        a += abs(f[i] - mean)
        b += abs(f[i + 1] - mean)
        c += abs(f[i + 2] - mean)
        d += abs(f[i + 3] - mean)
    return ((a + b) + (c + d)) / n


@inlined
def variance(f: Floats, at: int, n: int, mean: float) -> float:
    """Return the population variance of the `n` values at `at` about `mean`, in any order; `n` is a multiple of 4.

    Of the deviations themselves: the mean of squares less the square of the mean would lose most digits of a price.

    >>> variance(np.array([1.0, 2.0, 3.0, 6.0]), 0, 4, 3.0)
    3.5
    """
    a = b = c = d = 0.0
    for i in range(at, at + n, 4):
        a += (f[i] - mean) * (f[i] - mean)
        b += (f[i + 1] - mean) * (f[i + 1] - mean)
        c += (f[i + 2] - mean) * (f[i + 2] - mean)
        d += (f[i + 3] - mean) * (f[i + 3] - mean)
    return ((a + b) + (c + d)) / n
