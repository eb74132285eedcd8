"""Leverage brackets as Binance answers them (`GET /fapi/v1/leverageBracket`), checked and turned into ours.

The answer is of one account: it may have brackets of its own (`notionalCoef` says so; the bounds are its own already).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from trader.core.brackets import Brackets, LeverageBracket
from trader.core.errors import DataError

#: Our fields by Binance's, and what each may be.
FIELDS = {
    "notionalFloor": (0.0, math.inf, "a number of at least 0"),
    "notionalCap": (0.0, math.inf, "a number above notionalFloor"),
    "initialLeverage": (1.0, math.inf, "a number of at least 1"),
    "maintMarginRatio": (0.0, 1.0, "a fraction below 1 / initialLeverage"),
    "cum": (0.0, math.inf, "a number from 0 to notionalFloor × maintMarginRatio"),
}
#: What float noise may make of a sum of products, as a share of it.
NOISE = 1e-6


def is_bracket_list(answer: Any) -> bool:
    """Tell whether decoded JSON is an answer of the endpoint: a list of coins with brackets, or one such coin."""
    entries = answer if isinstance(answer, list) else [answer]
    return bool(entries) and all(isinstance(each, dict) and "symbol" in each and "brackets" in each for each in entries)


def entries_by_symbol(answer: Any, place: str) -> dict[str, dict[str, Any]]:
    """Return the entries of an answer by symbol, as they came; raise `DataError` naming `place` and what is wrong."""
    if not is_bracket_list(answer):
        raise DataError(f'{place}: no leverage brackets; allowed: a list of {{"symbol": …, "brackets": […]}}')
    entries: dict[str, dict[str, Any]] = {}
    for entry in answer if isinstance(answer, list) else [answer]:
        symbol = entry["symbol"]
        if not isinstance(symbol, str) or not symbol or symbol in entries:
            raise DataError(f"{place}: symbol {symbol!r} is impossible; allowed: each coin's name, once")
        brackets_of(entry, place)
        entries[symbol] = entry
    return entries


def brackets_of(entry: Mapping[str, Any], place: str) -> Brackets:
    """Return the brackets of one coin's entry, the smallest first.

    Raise `DataError` naming `place`, coin, bracket, field and value when they cannot be understood, leave a gap or
    overlap, or allow larger positions more.
    """
    rows, where = entry["brackets"], f"{place}, {entry.get('symbol')}"
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{where}: it has no brackets; allowed: a list of at least one")
    brackets = sorted((_bracket(row, where) for row in rows), key=lambda bracket: bracket.notional_floor)
    if brackets[0].notional_floor != 0:
        raise DataError(f"{where}: the first bracket begins at {brackets[0].notional_floor:g}; allowed: 0")
    for smaller, larger in pairwise(brackets):
        _require_order(smaller, larger, where)
    return tuple(brackets)


def _bracket(row: Any, where: str) -> LeverageBracket:
    if not isinstance(row, dict):
        raise DataError(f"{where}: {row!r} is no bracket; allowed: a table with {', '.join(FIELDS)}")
    where = f"{where}, bracket {row.get('bracket', '?')}"
    bracket = LeverageBracket(*(_number(row, name, where) for name in FIELDS))
    if bracket.notional_cap <= bracket.notional_floor:
        raise _impossible("notionalCap", row, where)
    if bracket.maintenance_rate >= 1 / bracket.initial_leverage:
        raise _impossible("maintMarginRatio", row, where)
    if bracket.cumulative > bracket.notional_floor * bracket.maintenance_rate * (1 + NOISE):
        raise _impossible("cum", row, where)
    return bracket


def _number(row: Mapping[str, Any], name: str, where: str) -> float:
    least, most, _ = FIELDS[name]
    try:
        value = float(row[name])
    except (KeyError, TypeError, ValueError):
        raise _impossible(name, row, where) from None
    if not math.isfinite(value) or not least <= value <= most:
        raise _impossible(name, row, where)
    return value


def _impossible(name: str, row: Mapping[str, Any], where: str) -> DataError:
    value = f"{row[name]!r} is impossible" if name in row else "is missing"
    return DataError(f"{where}: {name} {value}; allowed: {FIELDS[name][2]}")


def _require_order(smaller: LeverageBracket, larger: LeverageBracket, where: str) -> None:
    if larger.notional_floor != smaller.notional_cap:
        told = f"one bracket ends at {smaller.notional_cap:g} and the next begins at {larger.notional_floor:g}"
        raise DataError(f"{where}: {told}; allowed: without gap or overlap")
    if larger.initial_leverage > smaller.initial_leverage:
        raise DataError(
            f"{where}: leverage rises from {smaller.initial_leverage:g} to {larger.initial_leverage:g} "
            f"above {larger.notional_floor:g}; allowed: the larger a position, the less"
        )
    if larger.maintenance_rate < smaller.maintenance_rate:
        raise DataError(
            f"{where}: maintMarginRatio falls from {smaller.maintenance_rate:g} to {larger.maintenance_rate:g} "
            f"above {larger.notional_floor:g}; allowed: the larger a position, the more"
        )
