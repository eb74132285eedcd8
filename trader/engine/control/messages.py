"""What is said on a daemon's socket: one request a line, one answer a line, both JSON, with a version.

{"v":1,"ask":{"do":"close","symbol":"BTCUSDT"}}
{"v":1,"answer":{"is":"accepted","number":3,"text":"…","acts":"…","acts_at":1767571260000}}
"""

from __future__ import annotations

from typing import Any

import msgspec

from trader.core.errors import DataError
from trader.engine.live.vitals import Vitals

VERSION = 1
#: The longest request; answers may be longer.
MOST_BYTES = 16_384


class Pause(msgspec.Struct, frozen=True, tag_field="do", tag="pause", forbid_unknown_fields=True):
    """No entries; stops, targets and waiting entries go on."""


class Resume(msgspec.Struct, frozen=True, tag_field="do", tag="resume", forbid_unknown_fields=True):
    """Entries again, whether a person or the drawdown has paused them."""


class Close(msgspec.Struct, frozen=True, tag_field="do", tag="close", forbid_unknown_fields=True):
    """Close what is open on a coin and drop its waiting entries."""

    symbol: str


class CloseAll(msgspec.Struct, frozen=True, tag_field="do", tag="close_all", forbid_unknown_fields=True):
    """Close everything; entries go on."""


class Kill(msgspec.Struct, frozen=True, tag_field="do", tag="kill", forbid_unknown_fields=True):
    """Throw the kill switch: everything closes, no entries until it is lifted."""


class Lift(msgspec.Struct, frozen=True, tag_field="do", tag="lift", forbid_unknown_fields=True):
    """Lift the kill switch that a command has thrown."""


class Set(msgspec.Struct, frozen=True, tag_field="do", tag="set", forbid_unknown_fields=True):
    """Change settings: name (keys by dots) to text, as behind `--set`."""

    changes: dict[str, str]


class Unset(msgspec.Struct, frozen=True, tag_field="do", tag="unset", forbid_unknown_fields=True):
    """Take back changes of settings."""

    names: list[str]


class AskStatus(msgspec.Struct, frozen=True, tag_field="do", tag="status", forbid_unknown_fields=True):
    """Say how the daemon is."""


class Wait(msgspec.Struct, frozen=True, tag_field="do", tag="wait", forbid_unknown_fields=True):
    """Say what became of an accepted command, as soon as it is over or after some seconds."""

    number: int


Command = Pause | Resume | Close | CloseAll | Kill | Lift | Set | Unset
Request = Command | AskStatus | Wait


class Accepted(msgspec.Struct, frozen=True, tag_field="is", tag="accepted"):
    """A command has entered. `number` counts them in this run; `acts` says when it acts, `acts_at` in ms."""

    number: int
    text: str
    acts: str
    acts_at: int


class Nothing(msgspec.Struct, frozen=True, tag_field="is", tag="nothing"):
    """What is asked for is so already: nothing has entered."""

    text: str


class Refused(msgspec.Struct, frozen=True, tag_field="is", tag="refused"):
    """A command cannot be; `wrong` is one that could never be: an unknown coin, an impossible value."""

    text: str
    wrong: bool = False


class Happened(msgspec.Struct, frozen=True, tag_field="is", tag="happened"):
    """What became of a command so far; `done` when nothing more will. `acted_at` in ms, None before.

    `doing` is what is still under way at the exchange. `confirmed`: orders are real, and the exchange's answers say so.
    """

    number: int
    done: bool
    acted_at: int | None
    lines: list[str]
    doing: list[str] = []
    confirmed: bool = False


class OpenTrade(msgspec.Struct, frozen=True):
    """An open trade at its coin's last close; `stop_distance` as a fraction of the price; a hedge has no levels."""

    id: int
    symbol: str
    timeframe: str
    direction: str
    quantity: float
    entry_price: float
    entry_time: int
    price: float
    unrealised: float
    leverage: float
    stop: float | None
    stop_reason: str
    stop_distance: float | None
    take_profit: float | None
    closing: str
    hedge: bool


class PendingEntry(msgspec.Struct, frozen=True):
    """An entry, or a hedge, that waits for its fill."""

    symbol: str
    timeframe: str
    direction: str
    quantity: float
    price: float
    stop: float | None
    hedge: bool


class Changed(msgspec.Struct, frozen=True):
    """A setting that a person has changed: its value and the one that it stands over, as JSON."""

    name: str
    value: str
    over: str


class Streams(msgspec.Struct, frozen=True):
    """How candles come. `age_ms` by stream on the market's clock, None where nothing has come yet."""

    connected: bool
    messages: int
    age_ms: dict[str, int | None]
    lag_ms: float
    worst_lag_ms: float
    instants: int
    candles: int
    gaps: list[str]
    troubles: dict[str, int]


class Orders(msgspec.Struct, frozen=True):
    """The side that sends real orders. `resting` are orders of ours at the exchange; `unguarded` is what is held
    without a stop, by symbol, and should be empty; `unknown` are orders of which nobody knows what became of them.

    `standing` is what the newest audit could not put right, `alarms` the last ones and `alarm_count` all of this run;
    `halted` says why nothing is opened any more. `dust` is what is owned and cannot be sold. `journal` is "" when it
    is well, `journal_waiting` what it has still to write.
    """

    connected: bool
    resting: int
    unguarded: dict[str, str]
    unknown: list[str]
    standing: list[str]
    halted: str
    alarms: list[str]
    alarm_count: int
    dust: dict[str, str]
    journal: str
    journal_waiting: int


class Status(msgspec.Struct, frozen=True, tag_field="is", tag="status"):
    """How the daemon is. Times in ms of the market, money in quote currency, `drawdown` a fraction of the peak.

    `guards` are those that are on and `waiting` the commands that act at the next instant, in words; `funnel` counts
    decisions by rule; `lines` say all of it as the log does. `vitals`: memory, tasks, queues and the loop's lag.
    `orders` is there where they are real.
    """

    venue: str
    mode: str
    market: str
    pid: int
    time: int
    last_instant: int
    initial: float
    equity: float
    free: float
    reserved: float
    drawdown: float
    won: int
    lost: int
    trades: list[OpenTrade]
    pending: list[PendingEntry]
    guards: list[str]
    paused: bool
    killed: bool
    changed: list[Changed]
    waiting: list[str]
    funnel: dict[str, int]
    streams: Streams
    warnings: list[str]
    lines: list[str]
    vitals: Vitals | None = None
    orders: Orders | None = None


class Malformed(msgspec.Struct, frozen=True, tag_field="is", tag="malformed"):
    """What came is no request."""

    text: str


class Failed(msgspec.Struct, frozen=True, tag_field="is", tag="failed"):
    """The daemon could not answer: a fault of this program."""

    text: str


Answer = Accepted | Nothing | Refused | Happened | Status | Malformed | Failed


class _Head(msgspec.Struct):
    v: int


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    ask: Request


class _Answered(msgspec.Struct):
    v: int
    answer: Answer


_HEADS, _ASKED, _ANSWERED = msgspec.json.Decoder(_Head), msgspec.json.Decoder(_Asked), msgspec.json.Decoder(_Answered)


def write_request(request: Request) -> bytes:
    """Return the line of a request."""
    return msgspec.json.encode(_Asked(VERSION, request)) + b"\n"


def write_answer(answer: Answer) -> bytes:
    """Return the line of an answer."""
    return msgspec.json.encode(_Answered(VERSION, answer)) + b"\n"


def read_request(line: bytes) -> Request:
    """Return the request in a line; raise `DataError` saying what is wrong with it, and nothing else."""
    request: Request = _read(line, _ASKED, "request").ask
    return request


def read_answer(line: bytes) -> Answer:
    """Return the answer in a line; raise `DataError` saying what is wrong with it."""
    answer: Answer = _read(line, _ANSWERED, "answer").answer
    return answer


def _read(line: bytes, decoder: msgspec.json.Decoder[Any], what: str) -> Any:
    try:
        head = _HEADS.decode(line)
        if head.v != VERSION:
            raise DataError(f"{what} of version {head.v}; this program speaks version {VERSION}")
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise DataError(f"this is no {what}: {error}") from None
