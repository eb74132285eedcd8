"""The verdict on a model, in words: whether it has shown an edge after costs, or not."""

from __future__ import annotations

import math

import msgspec

from trader.engine.train.proof.facts import Evidence

#: Fewer trades, or trades on fewer days, show nothing, whatever they brought.
LEAST_TRADES, LEAST_DAYS = 100, 20
#: How many standard errors the mean net must lie above 0.
LEAST_ERRORS = 2.0
#: How often chance may do as well, and how sure the deflated Sharpe ratio must be.
MOST_CHANCE, LEAST_DEFLATED = 0.05, 0.95


class Verdict(msgspec.Struct, frozen=True):
    """Whether there is an edge, and the sentence that says so. `missing`: what an edge would have needed besides.

    `net` is the mean net return of a trade, `error` its standard error over days; `p_value` against random entries;
    `deflated` the probability that the Sharpe ratio is more than luck and choice.
    """

    edge: bool
    words: str
    missing: tuple[str, ...]
    trades: int
    net: float
    error: float
    p_value: float
    deflated: float


def verdict(evidence: Evidence) -> Verdict:
    """Return the verdict on out-of-sample signals that were followed to their exits, with costs.

    An edge is said to be there when all of these hold, else it is not:

    1. at least `LEAST_TRADES` trades, on at least `LEAST_DAYS` days;
    2. the mean net return is above 0 by `LEAST_ERRORS` of its standard errors, with days as what is drawn;
    3. fewer than `MOST_CHANCE` of the draws of random entries did as well;
    4. the deflated Sharpe ratio, for all trials made, is above `LEAST_DEFLATED`.

    It is said of the past: what has had an edge need not have one.
    """
    signals, chance = evidence.signals, evidence.chance
    missing = tuple(_missing(evidence))
    edge = not missing
    return Verdict(
        edge,
        _few(evidence) or (_edge(evidence) if edge else _no_edge(evidence)),
        missing,
        signals.entries,
        signals.net,
        signals.error,
        chance.p_value,
        evidence.deflated,
    )


def _missing(evidence: Evidence) -> list[str]:
    """Say which of the conditions do not hold; what is undefined does not."""
    signals, p_value, deflated = evidence.signals, evidence.chance.p_value, evidence.deflated
    conditions = (
        (signals.entries >= LEAST_TRADES, f"{signals.entries} trades; needed are {LEAST_TRADES}"),
        (signals.days >= LEAST_DAYS, f"trades on {signals.days} days; needed are {LEAST_DAYS}"),
        (signals.net > LEAST_ERRORS * signals.error, f"the mean net is not {LEAST_ERRORS:g} standard errors above 0"),
        (p_value < MOST_CHANCE, f"random entries did as well in {_share(p_value)} of the draws"),
        (
            deflated > LEAST_DEFLATED,
            f"after {_count(evidence.trials, 'trial')} the Sharpe ratio is more than luck with a probability of "
            f"{_number(deflated)}, not {LEAST_DEFLATED}",
        ),
    )
    return [words for holds, words in conditions if not holds]


def _few(evidence: Evidence) -> str:
    signals = evidence.signals
    if signals.entries < LEAST_TRADES:
        return f"no edge shown: {_count(signals.entries, 'trade')} {_are(signals.entries)} too few"
    if signals.days < LEAST_DAYS:
        return f"no edge shown: {signals.entries} trades on {_count(signals.days, 'day')} are too few days"
    return ""


def _edge(evidence: Evidence) -> str:
    """Say that there was one."""
    signals = evidence.signals
    return (
        f"edge of {_percent(signals.net)} ± {_percent(signals.error)} a trade, p = {_chance(evidence)} against random "
        f"entries, over {signals.entries:,} trades that the models had not seen"
    )


def _no_edge(evidence: Evidence) -> str:
    """Say that there is none: at a loss plainly, and otherwise what is missing."""
    signals = evidence.signals
    figures = (
        f"{_percent(signals.net)} ± {_percent(signals.error)} a trade over {signals.entries:,} trades, "
        f"p = {_chance(evidence)} against random entries"
    )
    if not signals.net > 0:
        return f"no edge after costs: {figures}"
    return f"no edge shown after costs: {figures}; {'; '.join(_missing(evidence))}"


def _chance(evidence: Evidence) -> str:
    p_value = evidence.chance.p_value
    return "unknown" if math.isnan(p_value) else f"{p_value:.2f}" if p_value >= 0.1 else f"{p_value:.3f}"


def _percent(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{100 * value:.2f} %"


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _share(value: float) -> str:
    return "an unknown share" if math.isnan(value) else f"{100 * value:.1f} %"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
