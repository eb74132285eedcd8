"""Random numbers by position: the n-th number of a key is the same whatever was asked before.

The generator is splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), its state being
the key and the position.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from trader.market.table import Floats, Times

Words = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
S0, S16, S27, S30, S31, S32, S48 = (np.uint64(shift) for shift in (0, 16, 27, 30, 31, 32, 48))
LOW_16 = np.uint64(0xFFFF)


def key_of(*parts: object) -> np.uint64:
    """Return the key of a name, e.g. of seed, symbol and purpose."""
    text = "/".join(map(str, parts)).encode()
    return np.uint64(int.from_bytes(blake2b(text, digest_size=8).digest(), "little"))


def words(key: np.uint64, positions: Times) -> Words:
    """Return 64 random bits for each position."""
    value: Words = key + (positions.astype(np.uint64) + np.uint64(1)) * GOLDEN
    value = (value ^ (value >> S30)) * MIX_1
    value = (value ^ (value >> S27)) * MIX_2
    return value ^ (value >> S31)


def uniform(key: np.uint64, positions: Times) -> Floats:
    """Return numbers in [0, 1)."""
    return (words(key, positions) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(key: np.uint64, positions: Times) -> Floats:
    """Return numbers of mean 0 and variance 1, nearly normal: sums of four uniform ones, so none is beyond 3.5."""
    bits = words(key, positions)
    total = np.zeros(len(positions))
    for shift in (S0, S16, S32, S48):
        total += (bits >> shift) & LOW_16
    return (total * 2.0**-16 - 2.0) * float(np.sqrt(3.0))


def smooth(key: np.uint64, minutes: Times, period: int) -> Floats:
    """Return normal numbers at the multiples of `period`, joined by straight lines, at the ascending `minutes`."""
    first, last = int(minutes[0]) // period, int(minutes[-1]) // period + 1
    knots = np.arange(first, last + 1, dtype=np.int64)
    return np.interp(minutes, knots * period, normal(key, knots))
