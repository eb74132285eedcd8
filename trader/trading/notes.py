"""What the core did and why, as values for logs, reports and journals. Notes never lead back into the core."""

from __future__ import annotations

from typing import Protocol

import msgspec

from trader.core.order import Fill, OrderRequest
from trader.core.signal import Reading, Refusal
from trader.core.trade import Part, Trade


class Refused(msgspec.Struct, frozen=True):
    """A decision ended with a "no"."""

    time: int
    reading: Reading
    refusal: Refusal


class Ordered(msgspec.Struct, frozen=True):
    """A decision passed every check, and an entry was ordered."""

    time: int
    reading: Reading
    request: OrderRequest
    stop: float
    risk: float


class Dropped(msgspec.Struct, frozen=True):
    """A pending entry will never fill. `time` is the candle's open time where the fill failed, else T."""

    time: int
    reading: Reading
    rule: str


class TradeOpened(msgspec.Struct, frozen=True):
    """An entry filled."""

    trade: Trade
    fill: Fill


class TradeGrown(msgspec.Struct, frozen=True):
    """A further part of an entry filled: an exchange may fill one order in parts."""

    trade: Trade
    fill: Fill


class PartClosed(msgspec.Struct, frozen=True):
    """A part of a trade closed; the trade has ended when nothing is left."""

    trade: Trade
    part: Part
    fill: Fill


class StopMoved(msgspec.Struct, frozen=True):
    """A stop was raised; it counts from the next candle on."""

    time: int
    trade: Trade
    before: float


class FundingPaid(msgspec.Struct, frozen=True):
    """Funding of one trade: `amount` in quote currency, paid is positive. `time` is when it fell due."""

    time: int
    trade: Trade
    amount: float


class GuardChanged(msgspec.Struct, frozen=True):
    """A guard went on or off; `text` says why, in words."""

    time: int
    guard: str
    on: bool
    text: str


class ModelChanged(msgspec.Struct, frozen=True):
    """From the instant `time` on another model is asked; one of both is empty where there was or is none."""

    time: int
    model: str
    before: str


Note = (
    Refused
    | Ordered
    | Dropped
    | TradeOpened
    | TradeGrown
    | PartClosed
    | StopMoved
    | FundingPaid
    | GuardChanged
    | ModelChanged
)


class Audience(Protocol):
    """Listens to the core."""

    def note(self, note: Note) -> None:
        """Take one note; it must not change what it refers to."""
        ...


class Nobody:
    """An audience that does not listen."""

    def note(self, note: Note) -> None:
        """Ignore `note`."""
