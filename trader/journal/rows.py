"""Turns events, commands and records into rows, once, at the moment at which they are as they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from trader.core.commands import Command
from trader.core.events import Event
from trader.core.trade import Trade
from trader.journal import records
from trader.journal.codec import KIND_OF, encode
from trader.journal.records import Record

#: What a row takes in memory beside its payload, roughly, bytes.
ROW_BYTES = 700


class Row(NamedTuple):
    """One row for `table`; what the journal adds (`seq`, `ordinal`, `run`, `pool`, `wall`) is in it already."""

    table: str
    values: dict[str, Any]


class Stamp(NamedTuple):
    """Where and when an entry stands: its place, its run and pool, the wall clock."""

    seq: int
    run: int
    pool: int
    wall: int


def event_rows(stamp: Stamp, time: int, event: Event, commands: Sequence[Command]) -> list[Row]:
    """Return the rows of an event taken at `time` of the market, and of the commands that it led to."""
    seq = stamp.seq
    values = {
        "seq": seq,
        "ordinal": 0,
        "run": stamp.run,
        "time": time,
        "wall": stamp.wall,
        "kind": KIND_OF[type(event)],
        "commands": len(commands),
        "payload": encode(event),
    }
    rows = [Row("events", values)]
    for ordinal, command in enumerate(commands):
        kind = KIND_OF[type(command)]
        rows.append(Row("commands", {"seq": seq, "ordinal": ordinal, "kind": kind, "payload": encode(command)}))
    return rows


def record_rows(stamp: Stamp, ordinal: int, record: Record) -> list[Row]:
    """Return the rows of a record, the `ordinal`-th of its entry."""
    return _MAKERS[type(record)](stamp, {"seq": stamp.seq, "ordinal": ordinal, "run": stamp.run}, record)


def run_row(run: records.Run) -> Row:
    """Return the row of a run."""
    names = ("id", "pool", "venue", "mode", "version", "started", "anchor", "ended")
    return Row("runs", {name: _plain(getattr(run, name)) for name in names} | {"payload": encode(run)})


def _plain(value: Any) -> Any:
    """Return `value` as every database can hold it; the payload has it as it was."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _order(stamp: Stamp, base: dict[str, Any], order: records.OrderRecord) -> list[Row]:
    payload, client_id, state = encode(order), _plain(order.client_id), _plain(order.state)
    change = {**base, "wall": stamp.wall, "client_id": client_id, "state": state, "payload": payload}
    standing = {
        "client_id": client_id,
        "seq": stamp.seq,
        "run": stamp.run,
        "pool": stamp.pool,
        "symbol": _plain(order.symbol),
        "position_id": order.position_id,
        "role": _plain(order.role),
        "state": state,
        "final": int(order.final),
        "updated": order.updated,
        "payload": payload,
    }
    return [Row("transitions", change), Row("orders", standing)]


def _fill(_: Stamp, base: dict[str, Any], fill: records.FillRecord) -> list[Row]:
    values = {
        "symbol": _plain(fill.symbol),
        "trade_id": fill.trade_id,
        "client_id": _plain(fill.client_id),
        "position_id": fill.position_id,
        "time": fill.time,
        "payload": encode(fill),
    }
    return [Row("fills", base | values)]


def _trade(stamp: Stamp, _: dict[str, Any], trade: Trade) -> list[Row]:
    values = {
        "pool": stamp.pool,
        "id": trade.id,
        "seq": stamp.seq,
        "run": stamp.run,
        "symbol": _plain(trade.symbol),
        "position_id": trade.position_id,
        "entry_time": trade.entry_time,
        "exit_time": trade.exit_time,
        "is_open": int(trade.quantity_left > 0),
        "payload": encode(trade),
    }
    return [Row("trades", values)]


def _equity(_: Stamp, base: dict[str, Any], point: records.EquityPoint) -> list[Row]:
    # SQLite has no NaN.
    equity = point.equity if point.equity == point.equity else 0.0
    return [Row("equity", base | {"time": point.time, "equity": equity, "payload": encode(point)})]


def _decision(_: Stamp, base: dict[str, Any], decision: records.DecisionRecord) -> list[Row]:
    return [Row("decisions", base | {"time": decision.time, "payload": encode(decision)})]


def _readings(_: Stamp, base: dict[str, Any], said: records.Readings) -> list[Row]:
    return [Row("readings", base | {"time": said.time, "payload": encode(said)})]


def _dust(_: Stamp, base: dict[str, Any], dust: records.DustRecord) -> list[Row]:
    return [Row("dust", base | {"time": dust.time, "asset": _plain(dust.asset), "payload": encode(dust)})]


def _operator(_: Stamp, base: dict[str, Any], operator: records.OperatorRecord) -> list[Row]:
    return [Row("operators", base | {"time": operator.time, "payload": encode(operator)})]


def _checkpoint(stamp: Stamp, base: dict[str, Any], checkpoint: records.Checkpoint) -> list[Row]:
    placed = msgspec.structs.replace(checkpoint, seq=stamp.seq, run=stamp.run)
    values = {"time": placed.time, "version": placed.version, "payload": encode(placed)}
    return [Row("snapshots", base | values)]


def _gap(stamp: Stamp, base: dict[str, Any], gap: records.Gap) -> list[Row]:
    values = {"first_seq": gap.first, "last_seq": gap.last, "payload": encode(gap)}
    return [Row("gaps", {"seq": stamp.seq, "ordinal": base["ordinal"], **values})]


_MAKERS: dict[type[Any], Callable[[Stamp, dict[str, Any], Any], list[Row]]] = {
    records.OrderRecord: _order,
    records.FillRecord: _fill,
    Trade: _trade,
    records.EquityPoint: _equity,
    records.DecisionRecord: _decision,
    records.Readings: _readings,
    records.DustRecord: _dust,
    records.OperatorRecord: _operator,
    records.Checkpoint: _checkpoint,
    records.Gap: _gap,
}
