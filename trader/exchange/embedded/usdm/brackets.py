"""Leverage brackets: how much of a symbol may be held at which leverage, and what margin keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from trader.core.errors import DataError
from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO

#: Where a store keeps the venue's own, below its root.
FILE = "futures/leverageBracket.json"
#: Caps of notional, highest leverage, maintenance rate: of symbols of which nothing is stored. The first rate is that
#: of the simulation's default, so that both liquidate at one price.
DEFAULT = (
    (600_000, 125, "0.005"),
    (3_000_000, 50, "0.01"),
    (12_000_000, 20, "0.025"),
    (40_000_000, 10, "0.05"),
    (150_000_000, 5, "0.1"),
    (400_000_000, 4, "0.125"),
    (1_000_000_000, 2, "0.25"),
    (2_000_000_000, 1, "0.5"),
)


class Bracket(msgspec.Struct, frozen=True):
    """Notionals of `[floor, cap)`: highest leverage, maintenance rate, and what is taken off their product."""

    floor: Decimal
    cap: Decimal
    leverage: int
    rate: Decimal
    deduction: Decimal


class _Row(msgspec.Struct):
    initialLeverage: int
    notionalCap: Decimal
    notionalFloor: Decimal
    maintMarginRatio: Decimal
    cum: Decimal = ZERO


class _Rows(msgspec.Struct):
    symbol: str
    brackets: list[_Row]


class Brackets:
    """The brackets of all symbols, smallest notional first."""

    def __init__(self, known: dict[str, tuple[Bracket, ...]] | None = None) -> None:
        self._known = known or {}
        self._default = standard()

    def of(self, symbol: str) -> tuple[Bracket, ...]:
        """Return the brackets of a symbol."""
        return self._known.get(symbol, self._default)

    def highest(self, symbol: str) -> int:
        """Return the highest leverage there is."""
        return max(bracket.leverage for bracket in self.of(symbol))

    def cap(self, symbol: str, leverage: int) -> Decimal:
        """Return the largest notional that may be held at `leverage`."""
        return max((each.cap for each in self.of(symbol) if each.leverage >= leverage), default=ZERO)

    def maintenance(self, symbol: str, notional: Decimal) -> Decimal:
        """Return the margin that keeps a notional.

        >>> Brackets().maintenance("BTCUSDT", Decimal(1_000)), Brackets().maintenance("BTCUSDT", Decimal(1_000_000))
        (Decimal('5.000'), Decimal('7000.000'))
        """
        every = self.of(symbol)
        own = next((each for each in every if notional < each.cap), every[-1])
        return CONTEXT.subtract(CONTEXT.multiply(notional, own.rate), own.deduction)

    def row(self, symbol: str) -> dict[str, Any]:
        """Return a row of `leverageBracket`."""
        return {"symbol": symbol, "notionalCoef": 1.0, "brackets": list(_steps(self.of(symbol)))}


def standard() -> tuple[Bracket, ...]:
    """Return the brackets of a symbol of which nothing is stored; the maintenance margin makes no jumps."""
    made: list[Bracket] = []
    floor, rate, deduction = ZERO, ZERO, ZERO
    for cap, leverage, text in DEFAULT:
        deduction += floor * (Decimal(text) - rate) if made else ZERO
        rate = Decimal(text)
        made.append(Bracket(floor, Decimal(cap), leverage, rate, deduction))
        floor = Decimal(cap)
    return tuple(made)


def read_brackets(root: Path | None) -> Brackets:
    """Return the brackets of a store, in the words of `/fapi/v1/leverageBracket`; the standard ones without a file."""
    path = None if root is None else root / FILE
    if path is None or not path.is_file():
        return Brackets()
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[_Rows])
    except msgspec.DecodeError as error:
        raise DataError(f"{path}: no leverage brackets ({error}); put the answer of leverageBracket there") from None
    return Brackets({row.symbol: tuple(sorted(map(_bracket, row.brackets), key=_floor)) for row in rows})


def _bracket(row: _Row) -> Bracket:
    return Bracket(row.notionalFloor, row.notionalCap, row.initialLeverage, row.maintMarginRatio, row.cum)


def _floor(bracket: Bracket) -> Decimal:
    return bracket.floor


def _steps(brackets: Sequence[Bracket]) -> Iterable[dict[str, Any]]:
    for number, each in enumerate(brackets, 1):
        yield {
            "bracket": number,
            "initialLeverage": each.leverage,
            "notionalCap": int(each.cap),
            "notionalFloor": int(each.floor),
            "maintMarginRatio": float(each.rate),
            "cum": float(each.deduction),
        }
