"""What happened on an account, as its events tell it before any fault: one form for both markets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

ZERO = Decimal(0)
RESTING = ("NEW", "PARTIALLY_FILLED")
#: States of conditional orders in which they, or what they became, still guard.
WAITING = ("NEW", "TRIGGERING", "TRIGGERED")
#: How ids of orders begin that the exchange itself makes.
FORCED = ("autoclose-", "adl_autoclose")


class Executed(msgspec.Struct, frozen=True):
    """One execution. `side` is the position side, "" on spot."""

    client_id: str
    symbol: str
    trade_id: int
    buying: bool
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time: int


class Heard(msgspec.Struct, frozen=True):
    """An order as an event tells it: `rests` is what of it can still be executed."""

    symbol: str
    client_id: str
    order_id: int
    words: str
    rests: Decimal
    execution: Executed | None = None
    conditional: bool = False

    @property
    def forced(self) -> bool:
        """Whether the exchange made the order itself."""
        return self.client_id.startswith(FORCED)


class Ears:
    """Reads events; remembers which conditional order became which."""

    def __init__(self) -> None:
        self._became: dict[int, str] = {}

    def heard(self, event: Mapping[str, Any]) -> Heard | None:
        """Return what an event tells of an order, None where it tells of none."""
        kind = event["e"]
        if kind == "executionReport":
            return self._order(event, event["C"] or event["c"], "")
        if kind == "ORDER_TRADE_UPDATE":
            row = event["o"]
            return self._order(row, self._became.get(row["i"], row["c"]), row["ps"])
        return self._algo(event["o"]) if kind == "ALGO_UPDATE" else None

    def _order(self, row: Mapping[str, Any], client_id: str, side: str) -> Heard:
        left = Decimal(row["q"]) - Decimal(row["z"])
        words = f"{row['s']} {row['x']} {row['X']} {client_id} {row['o']} {row['z']}/{row['q']} {side}"
        rests = left if row["X"] in RESTING else ZERO
        execution = None
        if row["x"] in ("TRADE", "CALCULATED") and Decimal(row["l"]) > 0:
            amounts = (Decimal(row[field]) for field in ("l", "L", "n"))
            execution = Executed(
                client_id, row["s"], row["t"], row["S"] == "BUY", side, *amounts, row["N"] or "", row["T"]
            )
        return Heard(row["s"], client_id, row["i"], words, rests, execution)

    def _algo(self, row: Mapping[str, Any]) -> Heard:
        if row.get("ai"):
            self._became[int(row["ai"])] = row["caid"]
        words = f"{row['s']} {row['X']} {row['caid']} {row['o']} {row['q']} at {row['tp']} {row.get('rm', '')}"
        rests = Decimal(row["q"] or 0) if row["X"] in WAITING else ZERO
        return Heard(row["s"], row["caid"], row["aid"], words, rests, conditional=True)
