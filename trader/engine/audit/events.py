"""What a run had done by a moment, as values that can be compared: entries, exits, moved stops, guards, equity."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from trader.core.trade import Trade
from trader.engine.audit.findings import Difference, Findings
from trader.engine.result import RunResult
from trader.trading.logic import END_OF_DATA

#: What of a trade stands from its entry on; all else moves while it is open.
FIXED = (
    "position_id",
    "strategy",
    "pattern",
    "direction",
    "probability",
    "strength",
    "signal_time",
    "entry_time",
    "entry_price",
    "quantity",
    "leverage",
    "atr14",
    "first_stop",
    "entry_fee",
    "hedge",
    "linked_to",
    "factors",
)

EQUITY = ("equity", "free", "reserved")

#: The column under which whole events are counted, and under which one is missing that the other run has.
EVENT = "all of it"


class Event(NamedTuple):
    """Something that happened at `time`, ms, with what was decided about it."""

    stream: str
    time: int
    values: dict[str, Any]


#: By group, and a name that is the same in every run over the same history.
Events = dict[tuple[str, str], Event]


def events_of(result: RunResult, before_ms: int) -> Events:
    """Return what happened before a moment; what was closed only because the data ended is no decision."""
    found: Events = {}
    for trade in result.trades:
        name, stream = f"trade {trade.id}", f"{trade.symbol} {trade.timeframe}"
        found["entries", name] = Event(stream, trade.entry_time, {each: getattr(trade, each) for each in FIXED})
        found |= _exits(trade, name, stream)
        for number, (time, stop) in enumerate(result.stop_moves.get(trade.id, ())):
            found["stops", f"{name}, move {number}"] = Event(stream, time, {"stop": stop})
    for number, guard in enumerate(result.guards):
        values = {name: getattr(guard, name) for name in guard.__struct_fields__}
        found["guards", f"guard {number}"] = Event("all streams", values.pop("time"), values)
    return {name: event for name, event in found.items() if event.time < before_ms}


def _exits(trade: Trade, name: str, stream: str) -> Events:
    return {
        ("exits", f"{name}, part {number}"): Event(stream, part.time, msgspec.structs.asdict(part))
        for number, part in enumerate(trade.parts)
        if part.reason != END_OF_DATA
    }


def compare_runs(whole: RunResult, short: RunResult, cut_ms: int, findings: Findings) -> None:
    """Compare what both runs had done before the cut, at which the short one's data ends."""
    one, other = events_of(whole, cut_ms), events_of(short, cut_ms)
    for (group, what), event in {**other, **one}.items():
        values = [each[group, what].values if (group, what) in each else None for each in (one, other)]
        if values[0] is not None and _bits(values[0]) == _bits(values[1]):
            findings.same(group, EVENT, len(event.values))
        elif None in values:
            there, gone = ("none" if each is None else what for each in values)
            findings.differ(Difference(group, EVENT, event.stream, event.time, there, gone, cut_ms))
        else:
            _compare_values(group, event, other[group, what].values, cut_ms, findings)
    _compare_equity(whole, short, cut_ms, findings)


def _compare_values(group: str, event: Event, others: dict[str, Any], cut_ms: int, findings: Findings) -> None:
    for column, value in event.values.items():
        if _bits(value) == _bits(others[column]):
            findings.same(group, EVENT, 1)
        else:
            difference = Difference(group, column, event.stream, event.time, value, others[column], cut_ms)
            findings.differ(difference)


def _bits(value: Any) -> bytes:
    """Return a value as text that is another for another bit; NaN is null."""
    return msgspec.json.encode(value)


def _compare_equity(whole: RunResult, short: RunResult, cut_ms: int, findings: Findings) -> None:
    one, other = whole.equity, short.equity
    rows, others = (int(np.searchsorted(each.time, cut_ms)) for each in (one, other))
    time, same = one.time[:rows], rows == others and bool((one.time[:rows] == other.time[:others]).all())
    if not same:
        both = min(rows, others)
        apart = np.flatnonzero(one.time[:both] != other.time[:both])
        at = int(apart[0]) if len(apart) else both
        ours, theirs = (_when(each.time, at, cut_ms) for each in (one, other))
        difference = Difference("equity", "changes at", "all streams", min(ours, theirs), ours, theirs, cut_ms)
        findings.differ(difference, at + 1)
        time = one.time[:at]
    for column in EQUITY:
        whole_values, short_values = (getattr(each, column)[: len(time)] for each in (one, other))
        findings.compare(("equity", column, "all streams"), time, whole_values, short_values, cut_ms)


def _when(times: Any, at: int, cut_ms: int) -> int:
    return min(int(times[at]), cut_ms) if at < len(times) else cut_ms
