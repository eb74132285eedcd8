"""What the exchange's events say in one form, whatever the market."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tests.chaos.notes import Asked, Happened, Note, Struck

ZERO = Decimal(0)
#: Statuses in which an order, or a conditional one, can still be executed.
RESTING = frozenset({"NEW", "PARTIALLY_FILLED", "TRIGGERING", "TRIGGERED"})


class Execution(msgspec.Struct, frozen=True):
    """One execution."""

    trade_id: int
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str


class Change(msgspec.Struct, frozen=True):
    """An order changed. `name` is its client id (of a conditional order's child: the conditional one's), `by` that of
    who cancelled it, `side` its position's (BOTH on spot)."""

    at: int
    name: str
    by: str
    symbol: str
    order_id: str
    buying: bool
    side: str
    kind: str
    left: Decimal
    rests: bool
    execution: Execution | None = None


def changes(notes: Iterable[Note]) -> Iterator[Change | Asked | Struck]:
    """Yield what happened to orders, with the requests and faults between, by time: a request is noted at its end."""
    every = sorted(notes, key=lambda note: note.at)
    parents = _parents(every)
    for note in every:
        if not isinstance(note, Happened):
            yield note
        elif (change := _change(note, parents)) is not None:
            yield change


def _parents(notes: Iterable[Note]) -> dict[str, str]:
    """Return the conditional order, by client id, of each order that one became."""
    found = {}
    for note in notes:
        if isinstance(note, Happened) and note.event["e"] == "ALGO_UPDATE" and note.event["o"]["ai"]:
            found[note.event["o"]["ai"]] = note.event["o"]["caid"]
    return found


def _change(note: Happened, parents: Mapping[str, str]) -> Change | None:
    event = note.event
    if event["e"] == "executionReport":
        by = event["c"] if event["C"] else ""
        return _order(note.at, event, event["C"] or event["c"], by, "BOTH")
    if event["e"] == "ORDER_TRADE_UPDATE":
        order = event["o"]
        return _order(note.at, order, parents.get(str(order["i"]), order["c"]), "", order["ps"])
    return _algo(note.at, event["o"]) if event["e"] == "ALGO_UPDATE" else None


def _order(at: int, row: Mapping[str, Any], name: str, by: str, side: str) -> Change:
    execution = None
    if row["x"] in ("TRADE", "CALCULATED") and Decimal(row["l"]) > 0:
        fee_asset = row["N"] or ""
        execution = Execution(row["t"], Decimal(row["l"]), Decimal(row["L"]), Decimal(row["n"]), fee_asset)
    left = Decimal(row["q"]) - Decimal(row["z"])
    rests = row["X"] in RESTING
    return Change(at, name, by, row["s"], f"{row['i']}", row["S"] == "BUY", side, row["x"], left, rests, execution)


def _algo(at: int, row: Mapping[str, Any]) -> Change:
    left = Decimal(row["q"]) - Decimal(row.get("aq") or 0)
    rests = row["X"] in RESTING
    buying = row["S"] == "BUY"
    return Change(at, row["caid"], "", row["s"], f"algo {row['aid']}", buying, row["ps"], row["X"], left, rests)
