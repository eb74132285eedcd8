"""What an audit may find, in words of ours, and which of it stands."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.core.account import ZERO


class Kind(StrEnum):
    """The kinds of findings; the words are told to a person."""

    MISSING = "an order of ours that should rest does not"
    UNKNOWN = "an order of ours, of an open position, that the journal does not have: it is taken up"
    LEFTOVER = "an order of ours, of a position that has ended: it is cancelled"
    LOST = "an order of ours, of a position that the journal does not have: it is left alone"
    OTHER_RUN = "an order of another journal of this program: it is left alone"
    STRANGERS_ORDER = "an order that is not ours: it is left alone"
    SHORTFALL = "less is held than our positions have"
    SURPLUS = "more is held than our positions have: it is left alone"
    DUST_GONE = "less is held than positions and dust together: the dust has gone elsewhere"


#: What is said once, and never touched.
REPORTED = frozenset({Kind.LOST, Kind.OTHER_RUN, Kind.STRANGERS_ORDER, Kind.SURPLUS})


class Finding(msgspec.Struct, frozen=True):
    """One difference. `what` is a client id, a position side or a coin; `quantity` where that is what differs.

    `conditional`: an order that the algo service keeps.
    """

    kind: Kind
    symbol: str
    what: str
    quantity: Decimal = ZERO
    conditional: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same finding in another look; a surplus is the same whatever its size."""
        size = "" if self.kind is Kind.SURPLUS else str(self.quantity.normalize())
        return (self.kind, self.symbol, self.what, size)

    @property
    def text(self) -> str:
        """The finding for a person."""
        size = f" {self.quantity}" if self.quantity else ""
        return f"{self.symbol} {self.what}{size}: {self.kind}"


def standing(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """Return what two looks in a row have found: the rest was under way."""
    known = {each.key for each in first}
    return [each for each in second if each.key in known]
