"""How often the rules behind an entry acted: stops raised, parts closed, guards that went on, hedges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from trader.core.settings import Settings
from trader.engine.result import RunResult
from trader.reports.steps import Kind, Rule, Step, Stream, never, step_of


def _breaks_even(settings: Settings) -> bool:
    return settings.BREAKEVEN_STOP.enable


def _trails(settings: Settings) -> bool:
    return settings.TRAILING_STOP.enable or settings.TARGET_LADDER.enable


def _takes_parts(settings: Settings) -> bool:
    return settings.PARTIAL_TP.enable or settings.TARGET_LADDER.enable


def _guards_drawdown(settings: Settings) -> bool:
    return settings.DRAWDOWN_PROTECTION.enable


def hedges(settings: Settings) -> bool:
    """Tell whether the settings hedge."""
    return settings.HEDGING.enable and settings.MARKET == "futures"


def correlates(settings: Settings) -> bool:
    """Tell whether the settings look at correlations."""
    return settings.CORRELATION_MODE != "off"


_TRAILING = ("TRAILING_STOP.enable", "TRAILING_STOP.trail_pct", "TARGET_LADDER.enable")
_RAISED = (
    Rule("breakeven", "the stop went past the entry", ("BREAKEVEN_STOP.enable", "BREAKEVEN_STOP.activation_pct"),
         _breaks_even),
    Rule("trailing_stop", "the stop followed the best price", _TRAILING, _trails),
)  # fmt: skip
_CLOSED = (
    Rule("stop_loss", "the first stop was hit", ("STOP_MODE",)),
    Rule("breakeven", "the stop past the entry was hit", ("BREAKEVEN_STOP.enable",), _breaks_even),
    Rule("trailing_stop", "the stop that followed was hit", _TRAILING, _trails),
    Rule("partial_tp", "a target on the way was hit", ("PARTIAL_TP.enable", "TARGET_LADDER.enable"), _takes_parts),
    Rule("take_profit", "the last target was hit"),
    Rule("liquidation", "the margin was used up", ("LEVERAGE", "MAINTENANCE_MARGIN_RATE"),
         lambda settings: settings.MARKET == "futures"),
    Rule("reversal", "the stream had turned against the trade", ("REVERSAL.enable", "REVERSAL.min_probability"),
         lambda settings: settings.REVERSAL.enable),
    Rule("hedge_close", "a hedge had nothing left to do", ("HEDGING.enable", "HEDGING.hedge_recovery_threshold"),
         hedges),
    Rule("drawdown", "the drawdown closed everything",
         ("DRAWDOWN_PROTECTION.enable", "DRAWDOWN_PROTECTION.close_at"), _guards_drawdown),
    Rule("kill_switch", "the kill switch closed everything", on=never),
    Rule("manual", "a person closed it", on=never),
    Rule("end_of_data", "still open when the run ended"),
)  # fmt: skip
_GUARDS = (
    Rule("cooldown", "losses in a row stopped entries for a while",
         ("LOSING_STREAK_PROTECTION.enable", "LOSING_STREAK_PROTECTION.stop_trading_after"),
         lambda settings: settings.LOSING_STREAK_PROTECTION.enable),
    Rule("daily_loss", "a day had lost its limit", ("DAILY_LOSS_LIMIT",),
         lambda settings: settings.DAILY_LOSS_LIMIT > 0),
    Rule("drawdown", "the drawdown paused entries, or closed everything",
         ("DRAWDOWN_PROTECTION.enable", "DRAWDOWN_PROTECTION.pause_at", "DRAWDOWN_PROTECTION.close_at"),
         _guards_drawdown),
)  # fmt: skip
_HEDGE = Rule(
    "hedges", "orders the other way for a coin at a loss",
    ("HEDGING.enable", "HEDGING.hedge_threshold", "HEDGING.hedge_ratio"), hedges,
)  # fmt: skip
_CORRELATION = ("CORRELATION_MODE",)
#: Kinds whose rules are there to act: one that never did is worth a word. What has no rule is the data's doing.
_ACTING = {
    "ended": "checks", "reduced": "sizes", "sized": "sizes", "bound": "caps", "raised": "stops", "closed": "exits",
    "guard": "guards", "hedge": "hedges",
}  # fmt: skip
_NO_RULES = ("warming_up", "gap", "no_pattern", "end_of_data", "bracket", "brackets")


def acts(result: RunResult) -> list[Step]:
    """Return a row for every rule that raises stops, closes, guards or hedges, zeros included.

    Exits count closed parts; those of a hedge belong to its coin, whatever the streams.
    """
    closed: Counter[tuple[Stream, str]] = Counter()
    for trade in result.trades:
        for part in trade.parts:
            closed[(trade.symbol, trade.timeframe), part.reason] += 1
    raised = {(stream, rule): n for stream, rules in result.stops_raised.items() for rule, n in rules.items()}
    guards = Counter(change.guard for change in result.guards if change.on)
    return [
        *_by_stream("raised", _RAISED, raised, result),
        *_by_stream("closed", [*_CLOSED, *_unknown(closed)], closed, result),
        *(step_of("guard", rule, (), result.settings, guards[rule.name]) for rule in _GUARDS),
        step_of("hedge", _HEDGE, (), result.settings, sum(trade.hedge for trade in result.trades)),
        _undefined(result),
    ]


def _by_stream(
    kind: Kind, rules: Iterable[Rule], counts: Mapping[tuple[Stream, str], int], result: RunResult
) -> list[Step]:
    steps = []
    for rule in rules:
        own = tuple(counts.get((stream, rule.name), 0) for stream in result.streams)
        whole = sum(count for (_, name), count in counts.items() if name == rule.name)
        steps.append(step_of(kind, rule, own, result.settings, whole))
    return steps


def _unknown(closed: Mapping[tuple[Stream, str], int]) -> list[Rule]:
    known = {rule.name for rule in _CLOSED}
    return [Rule(name, name.replace("_", " ")) for name in sorted({reason for _, reason in closed} - known)]


def _undefined(result: RunResult) -> Step:
    """Return how often a correlation was asked for and not defined: the rule then had no effect."""
    pairs = sorted(result.undefined_correlations.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{pair} {count:,}" for pair, count in pairs[:5]) + (", …" if len(pairs) > 5 else "")
    meaning = "fewer than 100 hours in common, so the correlation had no effect" + (f": {named}" if named else "")
    rule = Rule("correlation undefined", meaning, _CORRELATION, correlates)
    return step_of("undefined", rule, (), result.settings, sum(result.undefined_correlations.values()))


def idle(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Return the rules that are on and never decided anything, by what they are."""
    found: dict[str, list[str]] = {}
    for step in steps:
        if step.on and not step.total and step.kind in _ACTING and step.name not in _NO_RULES:
            found.setdefault(_ACTING[step.kind], []).append(step.name)
    return found


def idle_in_words(steps: Sequence[Step]) -> str:
    """Say which rules are on and never decided anything; "" when each did."""
    kinds = [f"{kind} {', '.join(names)}" for kind, names in idle(steps).items()]
    return f"On, but never decided anything: {'; '.join(kinds)}." if kinds else ""
