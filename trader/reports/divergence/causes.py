"""Which cause explains what, judged by what the journal and the final candles show; what they do not is unexplained."""

from __future__ import annotations

from trader.reports.divergence.done import Done
from trader.reports.divergence.entries import dropped, entered_alone, entries, not_entered
from trader.reports.divergence.exits import exits
from trader.reports.divergence.place import Finding, Place


def of_fills(place: Place, backtest: Done, live: Done) -> list[Finding]:
    """Explain how what became of one trade differs; nothing where only its exits' times do."""
    findings: list[Finding] = []
    entered = backtest.entry.quantity > 0, live.entry.quantity > 0
    if entered == (True, False):
        return [not_entered(place, live)]
    if entered == (False, True):
        findings.append(entered_alone(place, backtest, live))
    elif entered == (True, True):
        findings += entries(place, backtest.entry, live.entry)
    elif live.dropped != backtest.dropped:
        findings.append(dropped(place, backtest.dropped, live.dropped))
    findings += exits(place, backtest, live)
    return findings
