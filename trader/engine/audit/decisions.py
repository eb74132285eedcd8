"""What was decided on each signal of a run, at the close of its candle: refused by a rule, or ordered."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from trader.engine.audit.findings import Difference, Findings
from trader.trading.notes import Note, Ordered, Refused

#: The column under which whole decisions are counted, and under which one is missing that the other run has.
WHOLE = "all of it"


class Decision(NamedTuple):
    """A decision at T, ms: `text` is its note as JSON, in which another bit is another text."""

    time: int
    stream: str
    text: bytes


class Decisions:
    """An audience that keeps every decision on a signal, in their order."""

    def __init__(self) -> None:
        self.taken: list[Decision] = []

    def note(self, note: Note) -> None:
        """Keep a decision: an entry is ordered, or a rule refuses it."""
        if isinstance(note, Refused | Ordered):
            stream = f"{note.reading.symbol} {note.reading.timeframe}"
            self.taken.append(Decision(note.time, stream, msgspec.json.encode(note)))


def compare_decisions(whole: list[Decision], short: list[Decision], cut_ms: int, findings: Findings) -> None:
    """Compare the decisions up to the cut, that at the cut included: its candle has closed."""
    ours, theirs = ([each for each in taken if each.time <= cut_ms] for taken in (whole, short))
    if ours == theirs:
        findings.same("decisions", WHOLE, len(ours))
        return
    one, other = ({(each.time, each.stream): each.text for each in taken} for taken in (ours, theirs))
    for key in sorted({**one, **other}):
        _compare(key, one.get(key), other.get(key), cut_ms, findings)


def _compare(key: tuple[int, str], one: bytes | None, other: bytes | None, cut_ms: int, findings: Findings) -> None:
    time, stream = key
    if one == other:
        findings.same("decisions", WHOLE, 1)
    elif one is None or other is None:
        there, gone = ("none" if each is None else _kind(each) for each in (one, other))
        findings.differ(Difference("decisions", WHOLE, stream, time, there, gone, cut_ms))
    else:
        values, others = _flat(msgspec.json.decode(one)), _flat(msgspec.json.decode(other))
        for name in {**values, **others}:
            if values.get(name) != others.get(name):
                difference = Difference("decisions", name, stream, time, values.get(name), others.get(name), cut_ms)
                findings.differ(difference)


def _kind(text: bytes) -> str:
    note = msgspec.json.decode(text)
    return f"refused: {note['refusal']['rule']}" if "refusal" in note else "ordered"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of nested dictionaries by their path.

    >>> _flat({"reading": {"close": 1.0}, "time": 5})
    {'reading.close': 1.0, 'time': 5}
    """
    if not isinstance(value, dict):
        return {path: value}
    leaves: dict[str, Any] = {}
    for name, each in value.items():
        leaves |= _flat(each, f"{path}.{name}" if path else name)
    return leaves
