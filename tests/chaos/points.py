"""The points at which a daemon may be killed: doors of the real parts, wrapped from outside.

The program has no hooks: a point is the moment before or after a method of its own. Where one is renamed, the wrapping
fails loudly.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from binance import AsyncClient

from trader.core.account import AlgoUpdate, OrderUpdate
from trader.engine.live.order_side import OrderSide
from trader.engine.live.snapshot import Snapshots
from trader.exchange.binance.trade_rest import TradeRest
from trader.execution.audit.auditor import Auditor
from trader.execution.desk.attendant import Attendant
from trader.execution.desk.desk import Desk
from trader.journal.journal import Journal
from trader.journal.records import FillRecord, OrderRecord
from trader.journal.writer import Writer

#: Requests on their way are cut off so long after they left, seconds: some have arrived, some have not.
ON_THE_WAY_S = 0.0015
#: What a method is given -> whether its passing counts.
Counts = Callable[..., bool]


class Point(msgspec.Struct, frozen=True):
    """A point: before or after `method` of `owner`, of the calls that `counts` lets through. `late`: seconds after its
    beginning, by a thread, whatever it is doing then."""

    owner: type
    method: str
    after: bool = False
    counts: Counts = lambda *_, **__: True
    late: float | None = None


def _has(kind: type) -> Counts:
    return lambda _, *records, **__: any(isinstance(each, kind) for each in records)


def _intends(_: Journal, *records: object) -> bool:
    return any(isinstance(each, OrderRecord) and each.state == "intended" for each in records)


def _decides(_: Journal, event: object, commands: Any, records: Any = ()) -> bool:
    return bool(commands)


def _tells_fill(_: Journal, event: object, commands: Any, records: Any = ()) -> bool:
    return any(isinstance(each, FillRecord) for each in records)


def _writes_orders(_: Writer, entries: Any, synced: bool) -> bool:
    return any(row.table in ("orders", "fills") for held in entries for row in held.rows)


def _changes(method: str) -> Counts:
    return lambda _, verb, uri, *__, **___: verb == method and "rder" in uri


def _of_order(_: OrderSide, event: object) -> bool:
    return isinstance(event, OrderUpdate | AlgoUpdate)


#: The life of an order, in its order; recovery last.
POINTS: dict[str, Point] = {
    "decided, not recorded": Point(Journal, "append", counts=_decides),
    "decision recorded, not carried out": Point(Journal, "append", True, _decides),
    "before the intention is recorded": Point(Journal, "record", counts=_intends),
    "intention recorded, not durable": Point(Journal, "permit"),
    "intention at the disk's door": Point(Writer, "write", counts=_writes_orders),
    "intention on the disk, nobody told": Point(Writer, "write", True, _writes_orders),
    "durable, not sent": Point(Journal, "permit", True),
    "order on its way": Point(AsyncClient, "_request", counts=_changes("post"), late=ON_THE_WAY_S),
    "order sent, answer not read": Point(AsyncClient, "_request", True, _changes("post")),
    "cancel on its way": Point(AsyncClient, "_request", counts=_changes("delete"), late=ON_THE_WAY_S),
    "cancel sent, answer not read": Point(AsyncClient, "_request", True, _changes("delete")),
    "answer to an order read, not taken": Point(TradeRest, "place", True),
    "answer to a list read, not taken": Point(TradeRest, "place_list", True),
    "answer to a stop read, not taken": Point(TradeRest, "place_stop", True),
    "answer to a cancel read, not taken": Point(TradeRest, "cancel_list", True),
    "answer taken": Point(Attendant, "_placed", True),
    "event heard, not taken": Point(OrderSide, "_hear", counts=_of_order),
    "event taken": Point(OrderSide, "_hear", True, _of_order),
    "fill known, core not told": Point(OrderSide, "_deliver"),
    "fill told to the core, not recorded": Point(Journal, "append", counts=_tells_fill),
    "fill recorded, its commands not carried out": Point(Journal, "append", True, _tells_fill),
    "looked up, not taken": Point(TradeRest, "order", True),
    "about to act on an audit": Point(Auditor, "_act"),
    "before a snapshot": Point(Snapshots, "save"),
    "after a snapshot": Point(Snapshots, "save", True),
    "recovery: journal opened": Point(Journal, "open", True),
    "recovery: run begun": Point(Journal, "begin", True),
    "recovery: positions found": Point(OrderSide, "take_up"),
    "recovery: desk restored": Point(Desk, "restore", True),
    "recovery: taken up": Point(OrderSide, "take_up", True),
    "recovery: first look": Point(TradeRest, "order"),
}
#: Points that only one market has.
ONLY = {
    "answer to a list read, not taken": "spot",
    "answer to a cancel read, not taken": "spot",
    "answer to a stop read, not taken": "futures",
}


class Sentence(msgspec.Struct, frozen=True):
    """To die at the `nth` passing of the point `name`, counted from `after_s` seconds after the start."""

    name: str
    nth: int
    after_s: float


def arm(sentence: Sentence, note: Path) -> None:
    """Wrap the door of the point, so that this process dies there; it writes the name into `note` first."""
    point = POINTS[sentence.name]
    began_s = time.monotonic()
    left = sentence.nth
    lock = threading.Lock()

    def passes() -> bool:
        nonlocal left
        with lock:
            if time.monotonic() - began_s >= sentence.after_s:
                left -= 1
            return left == 0 and time.monotonic() - began_s >= sentence.after_s

    def strike() -> None:
        note.write_text(sentence.name)
        os.kill(os.getpid(), signal.SIGKILL)

    def come() -> None:
        if not passes():
            return
        if point.late is None:
            strike()
        threading.Timer(point.late or 0.0, strike).start()

    setattr(point.owner, point.method, _wrapped(getattr(point.owner, point.method), point, come))


def _wrapped(method: Callable[..., Any], point: Point, come: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def awaited(*given: Any, **named: Any) -> Any:
        counts = point.counts(*given, **named)
        if counts and not point.after:
            come()
        result = await method(*given, **named)
        if counts and point.after:
            come()
        return result

    @functools.wraps(method)
    def called(*given: Any, **named: Any) -> Any:
        counts = point.counts(*given, **named)
        if counts and not point.after:
            come()
        result = method(*given, **named)
        if counts and point.after:
            come()
        return result

    return awaited if asyncio.iscoroutinefunction(method) else called
