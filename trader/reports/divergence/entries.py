"""Explains entries that filled otherwise, or only on one side."""

from __future__ import annotations

from trader.core.order import Role
from trader.reports.divergence.done import Done, Leg, alike
from trader.reports.divergence.market import fees, moved
from trader.reports.divergence.place import Finding, Place, not_judged, unexplained
from trader.reports.divergence.records import Cause
from trader.reports.divergence.words import at, seconds

REFUSED = frozenset({"rejected", "below_min_size", "insufficient_capital"})


def not_entered(place: Place, live: Done) -> Finding:
    """Explain an entry that the backtest fills, and life had not filled by the end of the stretch."""
    rule = live.dropped or place.evidence.dropped_later(place.position_id)
    if place.position_id == 0:
        return not_judged(place, "it was never ordered") if place.missed else unexplained("it was never ordered")
    fills = place.evidence.entry_fills(place.position_id)
    later = [fill.time for fill in fills if fill.time > place.start]
    if not rule and later:
        return Finding(Cause.LATENCY, f"filled {seconds(later[0] - place.key.decided)} after the decision")
    return _unfilled(place, rule)


def _unfilled(place: Place, rule: str) -> Finding:
    said = place.evidence.said(place.position_id, Role.ENTRY)
    words = f"its entry was dropped ({rule})" if rule else "its entry was not filled"
    words += f": {said}" if said else ""
    if "no more entries" in said or "halted" in said:
        return Finding(Cause.HALTED, words)
    if rule in REFUSED:
        return Finding(Cause.REJECTED, words)
    if rule or said:
        return Finding(Cause.UNFILLED, words)
    return unexplained(words)


def entered_alone(place: Place, backtest: Done, live: Done) -> Finding:
    """Explain an entry, or a part of it, that the backtest does not fill in this stretch."""
    delay = live.entry.first - place.key.decided
    if place.evidence.entered_before(place.position_id, place.start):
        return Finding(Cause.PARTIAL, f"a further part of its entry filled {seconds(delay)} after the decision")
    if live.entry.first <= place.start:
        return Finding(Cause.LATENCY, f"its fill of {at(live.entry.first)} was told later")
    if backtest.dropped or place.evidence.was_open(place.key):
        return Finding(Cause.LATENCY, f"filled {seconds(delay)} after the decision")
    return unexplained("it was entered, and the backtest enters nothing")


def entries(place: Place, backtest: Leg, live: Leg) -> list[Finding]:
    """Explain how an entry filled otherwise: its fee, its price, its quantity."""
    findings = [*fees(place, backtest, live)]
    if not alike(backtest.quantity, live.quantity):
        findings += moved(place, backtest, live, place.direction > 0, fixed=True)
        return [*findings, _of_quantity(place, backtest, live)]
    return [*findings, *moved(place, backtest, live, place.direction > 0)]


def _of_quantity(place: Place, backtest: Leg, live: Leg) -> Finding:
    ordered, executed = place.evidence.quantities(place.position_id)
    words = f"{live.quantity:.10g} instead of {backtest.quantity:.10g} were entered"
    if executed < ordered * (1 - 1e-12):
        return Finding(Cause.PARTIAL, f"{words}: {executed:.10g} of {ordered:.10g} were filled")
    if not alike(live.quantity, executed) and live.last >= place.evidence.entry_fills(place.position_id)[-1].time:
        return Finding(Cause.FEE, f"{words}: the fee was taken from the coin")
    if backtest.quantity > live.quantity:
        return Finding(Cause.PARTIAL, f"{words} by then")
    return unexplained(words)


def dropped(place: Place, backtest: str, live: str) -> Finding:
    """Explain an entry that was dropped on one side, or under another rule; "" is not."""
    if not live:
        later = place.evidence.dropped_later(place.position_id)
        words = (
            f"the backtest drops it ({backtest}), life did later" if later else f"the backtest drops it ({backtest})"
        )
        return Finding(Cause.LATENCY, words) if later else unexplained(words)
    return _unfilled(place, live)
