"""Explains exits that filled otherwise, for another reason, later, or only on one side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trader.core.order import Role
from trader.reports.divergence.done import Done, Leg, alike
from trader.reports.divergence.market import fees, moved
from trader.reports.divergence.place import Finding, Place, not_judged, unexplained
from trader.reports.divergence.records import Cause
from trader.reports.divergence.words import at, price_text, seconds

#: Reasons of parts that no order of ours closed, and that the desk closed on its own.
FORCED = frozenset({"liquidation", "deleveraged", "settlement"})
OTHER_HANDS, UNPROTECTED, DUST = "manual", "unprotected", "dust"


def exits(place: Place, backtest: Done, live: Done) -> Iterator[Finding]:
    """Explain how what closed a trade differs, reason by reason."""
    ours = {reason: leg for reason, leg in live.exits.items() if reason not in backtest.exits}
    theirs = {reason: leg for reason, leg in backtest.exits.items() if reason not in live.exits}
    for reason in backtest.exits.keys() & live.exits.keys():
        yield from _same_exit(place, reason, backtest.exits[reason], live.exits[reason])
    if ours and theirs:
        yield from _other_exit(place, ours, theirs)
        return
    for reason, leg in ours.items():
        yield _exit_alone(place, reason, leg)
    for reason, leg in theirs.items():
        yield _no_exit(place, reason, leg)


def _same_exit(place: Place, reason: str, backtest: Leg, live: Leg) -> Iterator[Finding]:
    yield from fees(place, backtest, live)
    words = f"{reason} at {price_text(live.price)} instead of {price_text(backtest.price)}"
    wrong = place.evidence.booked_wrong(place.position_id, live)
    if wrong:
        yield unexplained(wrong)
    elif place.end > place.until:
        yield _behind(place, words, backtest, live) or unexplained(words)
    elif not alike(backtest.quantity, live.quantity):
        yield Finding(Cause.PARTIAL, f"{reason} of {live.quantity:.10g} instead of {backtest.quantity:.10g} by then")
    elif live.role is Role.CLOSE and backtest.role is Role.CLOSE:
        yield from moved(place, backtest, live, place.direction < 0)
    elif live.role is Role.CLOSE and (said := place.evidence.said(place.position_id, backtest.role)):
        yield Finding(Cause.REJECTED, f"{words}, at market: its order was {said}")
    elif not alike(backtest.price, live.price):
        cause = {Role.STOP: Cause.STOP, Role.LIQUIDATION: Cause.LIQUIDATION}.get(live.role, Cause.SLIPPAGE)
        yield Finding(cause, words)


def _other_exit(place: Place, ours: Mapping[str, Leg], theirs: Mapping[str, Leg]) -> Iterator[Finding]:
    """Explain exits of different reasons."""
    words = f"closed by {_reasons(ours)}, where the backtest has {_reasons(theirs)}"
    first, expected = next(iter(ours.values())), next(iter(theirs.values()))
    special = [cause for reason in ours if (cause := _special(reason)) is not None]
    behind = _behind(place, words, expected, first)
    if special:
        yield Finding(special[0], words)
    elif behind is not None:
        yield behind
    elif all(leg.role in (Role.STOP, Role.TARGET) and _was_traded(place, leg) for leg in ours.values()):
        yield Finding(Cause.PATH, f"{words}: one candle holds both")
    else:
        yield unexplained(words)


def _behind(place: Place, words: str, expected: Leg, got: Leg) -> Finding | None:
    """Explain why life has not closed when the backtest did (`expected`), but as it `got`: maybe not at all."""
    evidence, position_id, closed = place.evidence, place.position_id, got.first
    said = evidence.said(position_id, expected.role)
    if closed and closed <= place.start:
        return Finding(Cause.LATENCY, f"{words}: told later than it happened")
    if place.missed:
        return not_judged(place, words)
    if closed and closed <= place.until and place.end > place.until:
        return Finding(Cause.LATENCY, f"{words}: told after the instant was judged")
    if evidence.entered_within(position_id, place.start, place.until):
        return Finding(Cause.LATENCY, f"{words}: its price had passed before the position was there, and guarded")
    level = evidence.level(position_id, got) if got.quantity else 0.0
    if expected.role is Role.STOP and got.role is Role.STOP and level and not alike(level, place.stop):
        levels = f"it was ordered to {price_text(place.stop)}, and still was at {price_text(level)}"
        return Finding(Cause.LATENCY, f"{words}: {levels}")
    if evidence.filled_in_parts(position_id, expected.role):
        return Finding(Cause.PARTIAL, f"{words}: it was filled in parts")
    if said:
        return Finding(Cause.REJECTED, f"{words}: {said}")
    if expected.role is Role.CLOSE:
        return Finding(Cause.LATENCY, f"{words}, {seconds(closed - expected.first)} later") if closed else None
    if evidence.placed_after(position_id, expected.role, place.until):
        return Finding(Cause.LATENCY, f"{words}: its order came, or was moved, when the price had passed")
    return None


def _special(reason: str) -> Cause | None:
    if reason in FORCED:
        return Cause.LIQUIDATION
    return {UNPROTECTED: Cause.UNPROTECTED, OTHER_HANDS: Cause.OTHER_HAND, DUST: Cause.FEE}.get(reason)


def _exit_alone(place: Place, reason: str, leg: Leg) -> Finding:
    """Explain an exit that the backtest does not have in this stretch."""
    words = f"{reason} at {price_text(leg.price)}, {at(leg.first)}"
    special = _special(reason)
    if special is not None:
        return Finding(special, words)
    if leg.first <= place.start:
        return Finding(Cause.LATENCY, f"{words}, was told later")
    if leg.role in (Role.STOP, Role.TARGET) and not _was_traded(place, leg):
        return Finding(Cause.REVISED_CANDLE, f"{words}: the final candles show no such price")
    if place.missed:
        return not_judged(place, words)
    said = place.evidence.said(place.position_id, Role.STOP)
    if leg.role is Role.CLOSE and said:
        return Finding(Cause.REJECTED, f"{words}, at market: its stop was {said}")
    if leg.role is Role.CLOSE and place.evidence.was_closing(place.key):
        return Finding(Cause.LATENCY, f"{words}, {seconds(leg.first - place.start)} later than at once")
    return unexplained(f"{words}: the backtest closes nothing")


def _no_exit(place: Place, reason: str, leg: Leg) -> Finding:
    """Explain an exit of the backtest's that life does not have."""
    words = f"the backtest has {reason} at {price_text(leg.price)}"
    got = Leg(leg.role)
    for fill in place.evidence.exit_fills(place.position_id):
        if fill.time > place.start and fill.role is leg.role:
            got.add(fill)
    behind = _behind(place, words, leg, got)
    if behind is not None:
        return behind
    if leg.role is Role.TARGET:
        return Finding(Cause.UNFILLED, f"{words}: its price was touched, its order was not filled")
    return unexplained(f"{words}; life has none")


def _was_traded(place: Place, leg: Leg) -> bool:
    """Tell whether the final candles reach the level of an exit: its fill's price but for a market order's slippage."""
    candles = place.final.between(place.key.symbol, place.start, place.end)
    if not len(candles):
        return False
    level = place.evidence.level(place.position_id, leg) or leg.price
    slack = 1e-9 * level
    return float(candles.low.min()) - slack <= level <= float(candles.high.max()) + slack


def _reasons(legs: Mapping[str, Leg]) -> str:
    return " and ".join(f"{reason} at {price_text(leg.price)}" for reason, leg in legs.items())
