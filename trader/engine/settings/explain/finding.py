"""What is said of settings that cannot act."""

from __future__ import annotations

import math

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """Settings that are valid alone and dead together: their names, and why in words, with what to change."""

    names: tuple[str, ...]
    text: str

    @property
    def line(self) -> str:
        """The finding in a line."""
        return f"{', '.join(self.names)}: {self.text}"


def percent(fraction: float) -> str:
    """Return a fraction in percent, with three digits.

    >>> percent(0.024), percent(0.33), percent(2 / 3)
    ('2.4 %', '33 %', '66.7 %')
    """
    return f"{100 * fraction:.3g} %"


def plain(number: float) -> str:
    """Return a number as a person would type it, with three digits.

    >>> plain(4.0), plain(1 / 3), plain(0.00198)
    ('4', '0.333', '0.00198')
    """
    return f"{number:.3g}"


def floored(number: float) -> str:
    """Return the number of three digits that is `number` or just less: what is below it is below `number`.

    >>> floored(0.024), floored(8.659), floored(-2 / 3), floored(0.0)
    ('0.024', '8.65', '-0.667', '0')
    """
    digits = 2 - math.floor(math.log10(abs(number))) if number else 0
    return plain(math.floor(number * 10.0**digits + 1e-6) / 10.0**digits)


def raised(number: float) -> str:
    """Return the number of three digits that is `number` or just more.

    >>> raised(8.651), raised(0.33)
    ('8.66', '0.33')
    """
    return floored(-number).removeprefix("-")


def counted(number: int, noun: str) -> str:
    """Return how many there are.

    >>> counted(1, "trade"), counted(3, "trade")
    ('1 trade', '3 trades')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
