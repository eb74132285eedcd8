"""The rows that say how often a rule decided anything: what a rule is, and what is counted of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from trader.core.settings import Settings
from trader.core.timeframe import Timeframe

Stream = tuple[str, Timeframe]
Kind = Literal[
    "left", "ended", "dropped", "reduced", "sized", "bound", "raised", "closed", "guard", "hedge", "undefined"
]

#: What stands before a row's name among rows of other kinds.
_BEFORE: Mapping[str, str] = {
    "reduced": "smaller by ",
    "sized": "size changed by ",
    "bound": "size bound by ",
    "raised": "stop raised by ",
    "closed": "closed by ",
    "guard": "guard went on: ",
}


def always(settings: Settings) -> bool:
    """Tell that a rule is on, whatever the settings."""
    return True


def never(settings: Settings) -> bool:
    """Tell that a rule cannot act in a backtest, whatever the settings."""
    return False


class Rule(msgspec.Struct, frozen=True):
    """A rule: the reason it gives, what that means, the settings that govern it (dotted names), whether it is on."""

    name: str
    meaning: str
    settings: tuple[str, ...] = ()
    on: Callable[[Settings], bool] = always


class Step(msgspec.Struct, frozen=True):
    """One row: how many candles of each stream are `left` after a check, `ended` at it, or were `dropped` later.

    Or how many trades a rule `reduced`, `sized` or a cap `bound` (see `trader.reports.sizes`), how many stops it
    `raised`, parts it `closed`, times a `guard` went on (see `trader.reports.acts`).

    `counts` follow the order of the streams; what belongs to no stream has `whole` alone. `setting` is what governs
    the rule, with its value; `on` is False for a rule that these settings switch off.
    """

    name: str
    kind: Kind
    meaning: str
    setting: str
    counts: tuple[int, ...]
    on: bool = True
    whole: int | None = None

    @property
    def total(self) -> int:
        """All streams together."""
        return sum(self.counts) if self.whole is None else self.whole

    @property
    def label(self) -> str:
        """What the row is called among rows of other kinds."""
        return _BEFORE.get(self.kind, "") + self.name

    @property
    def governed(self) -> str:
        """What governs the rule, and whether it is off."""
        return self.setting if self.on else ": ".join(filter(None, ("off", self.setting)))


def steps_of(kind: Kind, rules: Sequence[Rule], counts: Sequence[Mapping[str, int]], settings: Settings) -> list[Step]:
    """Return a row of `kind` for each of `rules` from each stream's counts by the rules' names."""
    return [step_of(kind, rule, tuple(stream.get(rule.name, 0) for stream in counts), settings) for rule in rules]


def step_of(kind: Kind, rule: Rule, counts: tuple[int, ...], settings: Settings, whole: int | None = None) -> Step:
    """Return the row of one rule."""
    on = rule.on(settings)
    values = ", ".join(f"{name} = {_value(settings, name)}" for name in rule.settings)
    return Step(rule.name, kind, rule.meaning, values, counts, on, whole)


def _value(settings: Settings, dotted: str) -> str:
    value: Any = settings
    for name in dotted.split("."):
        value = getattr(value, name)
    if isinstance(value, float | int | str):
        return str(value)
    return "by timeframe" if isinstance(value, dict) else "see the settings"


def stream_name(stream: Stream) -> str:
    """Return a stream as `BTCUSDT 5min`."""
    return f"{stream[0]} {stream[1]}"
