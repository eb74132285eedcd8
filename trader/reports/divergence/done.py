"""What became of each trade in a stretch of time, on either side, so that both can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from trader.core.order import Fill, OrderDropped, Role
from trader.reports.divergence.books import Key

#: Prices on the wire have eight decimals where the simulation has a float's digits: what differs by less is the same.
SAME = 1e-7


class Leg(msgspec.Struct):
    """Fills of one kind together: quantity, its value in quote currency, fees, the times of the first and last (ms)."""

    role: Role
    quantity: float = 0.0
    value: float = 0.0
    fee: float = 0.0
    first: int = 0
    last: int = 0

    @property
    def price(self) -> float:
        """The average price."""
        return self.value / self.quantity if self.quantity else math.nan

    def add(self, fill: Fill) -> None:
        """Take a further fill."""
        self.first = self.first or fill.time
        self.last = fill.time
        self.quantity += fill.quantity
        self.value += fill.quantity * fill.price
        self.fee += fill.fee


class Done(msgspec.Struct):
    """One trade's share of a stretch: what filled its entry, what closed it by reason, why its entry was dropped."""

    entry: Leg = msgspec.field(default_factory=lambda: Leg(Role.ENTRY))
    exits: dict[str, Leg] = {}
    dropped: str = ""


def add(to: Done, other: Done) -> None:
    """Add what became of a trade later to what became of it before."""
    to.dropped = to.dropped or other.dropped
    _add_leg(to.entry, other.entry)
    for reason, leg in other.exits.items():
        _add_leg(to.exits.setdefault(reason, Leg(leg.role)), leg)


def _add_leg(to: Leg, other: Leg) -> None:
    if other.quantity:
        to.first, to.last = to.first or other.first, other.last
        to.quantity += other.quantity
        to.value += other.value
        to.fee += other.fee


def done(answers: Iterable[object], keys: Mapping[int, Key]) -> dict[Key, Done]:
    """Return what `answers` (fills and dropped orders among them) did, by key; `keys` are those of position ids."""
    found: dict[Key, Done] = {}
    for answer in answers:
        if isinstance(answer, Fill) and answer.position_id in keys:
            own = found.setdefault(keys[answer.position_id], Done())
            leg = own.entry if answer.role is Role.ENTRY else own.exits.setdefault(answer.reason, Leg(answer.role))
            leg.add(answer)
        elif isinstance(answer, OrderDropped) and answer.order_id in keys:
            found.setdefault(keys[answer.order_id], Done()).dropped = answer.rule
    return found


def alike(one: float, other: float) -> bool:
    """Tell whether two amounts are the same but for the decimals of the wire.

    >>> alike(100.0, 100.000001), alike(100.0, 100.01)
    (True, False)
    """
    return math.isclose(one, other, rel_tol=SAME, abs_tol=1e-12)


def same_leg(one: Leg, other: Leg) -> bool:
    """Tell whether two legs are the same, whatever their times."""
    if not one.quantity and not other.quantity:
        return True
    return (
        alike(one.quantity, other.quantity)
        and alike(one.price, other.price)
        and math.isclose(one.fee, other.fee, rel_tol=1e-6, abs_tol=1e-9)
    )


def same_done(one: Done, other: Done) -> bool:
    """Tell whether the same became of a trade on both sides."""
    if one.dropped != other.dropped or one.exits.keys() != other.exits.keys():
        return False
    return same_leg(one.entry, other.entry) and all(same_leg(one.exits[name], other.exits[name]) for name in one.exits)
