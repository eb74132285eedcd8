"""Which rule earned its place: what the signals that it refused would have made, each followed alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec
import numpy as np

from trader.core.timeframe import DAY_MS
from trader.core.trade import Trade
from trader.engine.result import FollowedSignal, RunResult
from trader.metrics import Floats, Times
from trader.reports.book import closed, defined
from trader.reports.steps import Stream, stream_name
from trader.trading.checks import RULES

#: Below so many results nothing is said of a rule.
FEW = 30
#: An average nearer to 0 than so many standard errors may be chance.
CLEAR = 2.0
#: What every report says beside the figures.
HOW = (
    "Each signal refused behind check 6 is followed alone: same entry, targets and stops; no capital, no other limit, "
    "no funding, and SHORT also where the market has none. Results are shares of the position, after fees and "
    "slippage. Signals that overlap count each, so a sum is not what the pool would have made; the standard error "
    "counts the signals of a day as one. Where the trades taken lose on average, refusing anything helps: only a rule "
    "whose refusals are worse than they (against taken below 0) chooses well."
)


class Outcome(msgspec.Struct, frozen=True):
    """What some signals would have made. Net results are shares of the position; what is undefined is None.

    `signals` = `not_filled` + `won` + `lost`; `open_at_end` of the last two were closed by the end of the data.
    `error` is the standard error of `average`.
    """

    name: str
    signals: int
    not_filled: int
    won: int
    lost: int
    open_at_end: int
    sum: float
    average: float | None
    error: float | None

    @property
    def ended(self) -> int:
        """How many had a result."""
        return self.won + self.lost

    @property
    def verdict(self) -> str:
        """Say what that means for whoever refused them."""
        if self.average is None or self.error is None or self.ended < FEW:
            return "too few to say"
        if abs(self.average) < CLEAR * self.error:
            return "may be chance"
        return "earned its place" if self.average < 0 else "cost money"


class RuleOutcome(msgspec.Struct, frozen=True):
    """A rule's outcome over all streams, and on each stream where it refused something."""

    total: Outcome
    streams: list[Outcome]


class Consequences(msgspec.Struct, frozen=True):
    """What every rule's refusals led to, in the order of the checks, beside the trades that were taken."""

    rules: list[RuleOutcome]
    taken: Outcome

    def against_taken(self, outcome: Outcome) -> float | None:
        """Return how much better than the trades taken the refused ones would have done on average."""
        if outcome.average is None or self.taken.average is None:
            return None
        return outcome.average - self.taken.average

    def chooses(self, outcome: Outcome) -> bool:
        """Tell whether what was refused is worse than what was taken, by more than chance explains."""
        difference = self.against_taken(outcome)
        if difference is None or outcome.error is None or self.taken.error is None or outcome.ended < FEW:
            return False
        return difference < -CLEAR * math.hypot(outcome.error, self.taken.error)


def consequences(result: RunResult) -> Consequences | None:
    """Return what the refusals of a run led to; None where they were not followed."""
    if result.followed is None:
        return None
    ranked = sorted(result.followed, key=lambda signal: (_rank(signal.rule), signal.rule))
    rules = [_rule(rule, list(signals), result.streams) for rule, signals in groupby(ranked, lambda each: each.rule)]
    return Consequences(rules, _taken(closed(result)))


def _rank(rule: str) -> int:
    return RULES.index(rule) if rule in RULES else len(RULES)


def _rule(rule: str, signals: Sequence[FollowedSignal], streams: Iterable[Stream]) -> RuleOutcome:
    own = {stream: [each for each in signals if (each.symbol, each.timeframe) == stream] for stream in streams}
    return RuleOutcome(
        _outcome(rule, signals), [_outcome(stream_name(stream), chosen) for stream, chosen in own.items() if chosen]
    )


def _outcome(name: str, signals: Sequence[FollowedSignal]) -> Outcome:
    shadows = [signal.shadow for signal in signals if signal.shadow is not None]
    net = np.array([shadow.net_return for shadow in shadows], np.float64)
    entered = np.array([shadow.entry_time for shadow in shadows], np.int64)
    return _figures(name, len(signals), net, entered, sum(shadow.open_at_end for shadow in shadows))


def _taken(trades: Sequence[Trade]) -> Outcome:
    """Return the same figures of the trades that were taken, funding left out likewise; hedges are no signals."""
    own = [trade for trade in trades if not trade.hedge]
    net = [(trade.net + sum(part.funding for part in trade.parts)) / _position(trade) for trade in own]
    entered = np.array([trade.entry_time for trade in own], np.int64)
    ended = sum(trade.parts[-1].reason == "end_of_data" for trade in own)
    return _figures("trades taken", len(own), np.array(net, np.float64), entered, ended)


def _position(trade: Trade) -> float:
    return sum(part.quantity for part in trade.parts) * trade.entry_price


def _figures(name: str, signals: int, net: Floats, entered: Times, open_at_end: int) -> Outcome:
    won = int((net > 0).sum())
    return Outcome(
        name=name,
        signals=signals,
        not_filled=signals - len(net),
        won=won,
        lost=len(net) - won,
        open_at_end=open_at_end,
        sum=math.fsum(net),
        average=defined(math.fsum(net) / len(net)) if len(net) else None,
        error=defined(error_by_day(net, entered // DAY_MS)),
    )


def error_by_day(values: Floats, days: Times) -> float:
    """Return the standard error of the mean of `values`, the values of one day counted as moving together.

    `sqrt(G / (G - 1) * Σ (Σ (value - mean) of a day)²) / n` over G days: the cluster-robust variance of a mean
    (Liang and Zeger 1986). NaN below two days.

    >>> error_by_day(np.array([1.0, 3.0]), np.array([1, 2])), error_by_day(np.array([1.0, 3.0]), np.array([1, 1]))
    (1.0, nan)
    """
    _, place = np.unique(days, return_inverse=True)
    groups = int(place.max()) + 1 if len(place) else 0
    if groups < 2:
        return math.nan
    by_day = np.bincount(place.ravel(), values - values.mean(), groups)
    return math.sqrt(groups / (groups - 1) * math.fsum(by_day**2)) / len(values)


def share(value: float | None) -> str:
    """Return a net result as people read it.

    >>> share(-0.00123), share(2.5), share(None)
    ('-0.123 %', '+250.000 %', '–')
    """
    return "–" if value is None else f"{value * 100:+,.3f} %"


def in_lines(found: Consequences) -> list[str]:
    """Return the consequences in a few lines: how many were followed, then the rules by verdict."""
    followed = sum(rule.total.signals for rule in found.rules)
    taken = (
        f"the trades taken made {share(found.taken.average)} on average (n = {found.taken.won + found.taken.lost:,})"
    )
    lines = [f"{followed:,} refused signals, each followed alone, in % of its position after costs; {taken}."]
    for verdict in ("earned its place", "cost money", "may be chance", "too few to say"):
        rules = [_said(rule.total) for rule in found.rules if rule.total.verdict == verdict]
        lines += [f"{verdict}: {', '.join(rules)}."] if rules else []
    return [*lines, *_caveat(found)]


def _caveat(found: Consequences) -> list[str]:
    """Say what a saving is worth where the trades taken lost too: then less trading helps by itself."""
    saving = [rule.total for rule in found.rules if rule.total.verdict == "earned its place"]
    if not saving or found.taken.average is None or found.taken.average >= 0:
        return []
    choosing = ", ".join(outcome.name for outcome in saving if found.chooses(outcome)) or "none"
    return [f"The trades taken lost too, so any refusal saves; refused what is clearly worse than they: {choosing}."]


def _said(rule: Outcome) -> str:
    return f"{rule.name} (n = {rule.ended:,}, sum {rule.sum * 100:+,.1f} %, average {share(rule.average)})"
