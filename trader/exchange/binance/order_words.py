"""Binance's words for orders -> ours: statuses, sides, forced orders. One place for streams and answers alike."""

from __future__ import annotations

from decimal import Decimal

from trader.core.account import Forced, OrderStatus, PositionSide

STATUSES: dict[str, OrderStatus] = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.OPEN,
    "PENDING_CANCEL": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.PARTLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
ALGO_STATUSES: dict[str, OrderStatus] = {
    "NEW": OrderStatus.OPEN,
    "TRIGGERING": OrderStatus.TRIGGERED,
    "TRIGGERED": OrderStatus.TRIGGERED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
FORCED: tuple[tuple[str, Forced], ...] = (
    ("autoclose-", Forced.LIQUIDATION),
    ("adl_autoclose", Forced.DELEVERAGING),
    ("settlement_autoclose", Forced.SETTLEMENT),
    ("delivery_autoclose", Forced.SETTLEMENT),
)
#: Orders of spot that wait for a price before they are on the book.
WAITING = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
#: Kinds of reports that tell an execution.
EXECUTED = ("TRADE", "CALCULATED")
#: Reasons that are none.
NO_REASONS = frozenset({"", "NONE", "0"})


def status_of(word: str, quantity: Decimal, cumulative: Decimal) -> OrderStatus:
    """Return what a status means; an unknown one (NEW_INSURANCE, NEW_ADL) is told by what is executed."""
    known = STATUSES.get(word)
    if known is not None:
        return known
    if cumulative <= 0:
        return OrderStatus.OPEN
    return OrderStatus.FILLED if cumulative >= quantity else OrderStatus.PARTLY_FILLED


def working_status(status: OrderStatus, kind: str, working: bool) -> OrderStatus:
    """Return the status of an order of spot: one that waited for a price and is on the book now was triggered."""
    return OrderStatus.TRIGGERED if status is OrderStatus.OPEN and kind in WAITING and working else status


def algo_status_of(word: str, quantity: Decimal, executed: Decimal | None) -> OrderStatus:
    """Return what a status of the algo service means.

    FINISHED says that the order it became has ended, not how: with nothing executed it was cancelled; where it does
    not say how much was (None), that order's own updates tell.
    """
    if word != "FINISHED":
        return ALGO_STATUSES.get(word, OrderStatus.OPEN)
    if executed is None:
        return OrderStatus.TRIGGERED
    return OrderStatus.FILLED if executed >= quantity and executed > 0 else OrderStatus.CANCELLED


def position_side_of(word: str) -> PositionSide:
    """Return the position side; "" is BOTH. Raise `ValueError` for another word."""
    return PositionSide(word or "BOTH")


def forced_of(client_id: str, calculated: bool = False) -> Forced:
    """Return whether, and why, the venue made an order itself: by its client id, else for a `calculated` execution."""
    known = next((why for prefix, why in FORCED if client_id.startswith(prefix)), Forced.NONE)
    return Forced.LIQUIDATION if calculated and known is Forced.NONE else known


def is_execution(kind: str, quantity: Decimal, trade_id: int) -> bool:
    """Tell whether a report of `kind` tells an execution; one without a quantity or an id is none."""
    return kind in EXECUTED and quantity > 0 and trade_id >= 0


def reason_of(*words: object) -> str:
    """Return the first of `words` that is a reason, else ""."""
    return next((text for text in map(_text, words) if text not in NO_REASONS), "")


def _text(word: object) -> str:
    return "" if word is None else str(word)[:200]
