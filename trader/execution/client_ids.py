"""Client order ids that say what an order is for, also to a program that has lost everything but the exchange.

`td-<run>-<trade>-<role><part>-<attempt>-<check>` in base 36, e.g. `td-3f9k-1c-s0-2-x4`: within 36 characters of those
that Binance takes, without any that a form or an address would encode. The check tells ours from a stranger's.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from zlib import crc32

import msgspec

from trader.core.errors import InvariantError

PREFIX = "td"
#: The longest id that Binance takes, and the characters.
LONGEST = 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_RUN = re.compile(r"[0-9a-z]{1,8}")
_FORM = re.compile(
    rf"({PREFIX}-([0-9a-z]{{1,8}})-([0-9a-z]{{1,9}})-([a-z])([0-9a-z]{{1,2}})-([0-9a-z]{{1,3}}))-([0-9a-z]{{2}})"
)
_PAIRS = [one + other for one in _DIGITS for other in _DIGITS]
_CHECKS = len(_PAIRS)
MOST_TRADES = 36**9
MOST_PARTS = 36**2
MOST_ATTEMPTS = 36**3


class Purpose(StrEnum):
    """What an order is for; the letter stands in its id."""

    ENTRY = "e"
    STOP = "s"
    TARGET = "t"
    CLOSE = "c"
    LIST = "l"  # an OCO list; its legs are a stop and a target with the same part
    TAKEN = "x"  # never sent: what went without an order of ours has one in the journal all the same


class ClientId(msgspec.Struct, frozen=True):
    """The parts of an id: `trade` is the position id, `part` counts targets (else 0), `attempt` the tries.

    `run` is 1 to 8 of `0-9a-z` and the same for all runs on one journal.
    """

    run: str
    trade: int
    purpose: Purpose
    part: int = 0
    attempt: int = 0

    @property
    def text(self) -> str:
        """The id as sent; raise `InvariantError` where a part of it is out of range."""
        self._check()
        body = f"{PREFIX}-{self.run}-{_base36(self.trade)}-{self.purpose}{_base36(self.part)}-{_base36(self.attempt)}"
        return f"{body}-{_sum(body)}"

    def _check(self) -> None:
        if (
            0 <= self.trade < MOST_TRADES
            and 0 <= self.part < MOST_PARTS
            and 0 <= self.attempt < MOST_ATTEMPTS
            and _is_run(self.run)
        ):
            return
        most = {"trade": MOST_TRADES, "part": MOST_PARTS, "attempt": MOST_ATTEMPTS}
        for name, limit in most.items():
            value = getattr(self, name)
            if not 0 <= value < limit:
                raise InvariantError(f"client id: {name} is {value}; allowed: 0 to {limit - 1}")
        if not _is_run(self.run):
            raise InvariantError(f"client id: run is {self.run!r}; allowed: 1 to 8 of 0-9 a-z")


def parse(text: str) -> ClientId | None:
    """Return what an id of ours says; None for a stranger's.

    >>> parse(ClientId("3f9k", 48, Purpose.STOP, attempt=2).text)
    ClientId(run='3f9k', trade=48, purpose=<Purpose.STOP: 's'>, part=0, attempt=2)
    >>> parse("autoclose-1234567890") is None
    True
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    body, run, trade, letter, part, attempt, check = found.groups()
    if check != _sum(body) or letter not in set(Purpose):
        return None
    parsed = ClientId(run, int(trade, 36), Purpose(letter), int(part, 36), int(attempt, 36))
    return parsed if parsed.text == text else None


@lru_cache(maxsize=16)
def _is_run(text: str) -> bool:
    return _RUN.fullmatch(text) is not None


def _sum(body: str) -> str:
    return _PAIRS[crc32(body.encode()) % _CHECKS]


def _base36(number: int) -> str:
    if number < 36:
        return _DIGITS[number]
    high, low = divmod(number, _CHECKS)
    return _base36(high) + _PAIRS[low] if high else _PAIRS[low]
