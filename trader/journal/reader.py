"""Reads a journal: typed values in order, never rows; beside whoever writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Select, Table, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from trader.core.trade import Trade
from trader.journal import records
from trader.journal.codec import COMMANDS, EVENTS, decode, decode_kind
from trader.journal.faults import translated
from trader.journal.migrate import refuse_older, revision_of
from trader.journal.place import Place
from trader.journal.schema import (
    commands,
    decisions,
    dust,
    equity,
    events,
    fills,
    gaps,
    groups,
    operators,
    orders,
    readings,
    runs,
    snapshots,
    trades,
    transitions,
)

#: Rows that are fetched at a time.
BATCH = 1_000
DAY_MS = 86_400_000

T = TypeVar("T")


@contextmanager
def translating(place: Place) -> Iterator[None]:
    """Turn what databases raise into `JournalError`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translated(error, str(place)) from None


class Reader:
    """A journal open for reading. Times are ms of the market, bounds are `[start, end)`; None is without a bound.

    Each question sees the journal as it is then. Raise `JournalError` for one that is absent, newer or damaged.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = place.reading()
        with translating(place), self._engine.connect() as connection, connection.begin():
            refuse_older(_revision(connection, place), place)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of what is open."""
        self._engine.dispose()

    # --- what happened ----------------------------------------------------------------------------------------------

    def entries(
        self, after: int = 0, start: int | None = None, end: int | None = None, run: int | None = None
    ) -> Iterator[records.Entry]:
        """Yield events with their commands in order: those behind the place `after`, of a time, of a run."""
        while True:
            chosen = _between(select(events), events.c.time, start, end).where(events.c.seq > after)
            if run is not None:
                chosen = chosen.where(events.c.run == run)
            rows = self._rows(chosen.order_by(events.c.seq).limit(BATCH))
            if not rows:
                return
            yield from self._with_commands(rows)
            after = rows[-1].seq

    def _with_commands(self, rows: list[Any]) -> Iterator[records.Entry]:
        first, last = rows[0].seq, rows[-1].seq
        chosen = select(commands).where(commands.c.seq.between(first, last))
        led_to: dict[int, list[Any]] = {}
        for row in self._rows(chosen.order_by(commands.c.seq, commands.c.ordinal)):
            led_to.setdefault(row.seq, []).append(decode_kind(row.payload, row.kind, COMMANDS))
        said_at = {
            row.seq: row.payload for row in self._rows(select(readings).where(readings.c.seq.between(first, last)))
        }
        for row in rows:
            event = decode_kind(row.payload, row.kind, EVENTS)
            said = decode(said_at[row.seq], records.Readings).readings if row.seq in said_at else ()
            yield records.Entry(row.seq, row.run, row.time, row.wall, event, tuple(led_to.get(row.seq, ())), said)

    def gaps(self, after: int = 0) -> list[records.Gap]:
        """Return which entries behind `after` are not there: nothing can be replayed across them."""
        return self._values(select(gaps).where(gaps.c.last_seq > after).order_by(gaps.c.seq), records.Gap)

    def end(self) -> int:
        """Return the place of the newest entry, 0 in a new journal."""
        return int(self._rows(select(func.max(groups.c.last_seq)))[0][0] or 0)

    # --- where to go on ---------------------------------------------------------------------------------------------

    def runs(self) -> list[records.Run]:
        """Return all runs, oldest first."""
        return self._values(select(runs).order_by(runs.c.id), records.Run)

    def snapshots(self) -> list[records.Checkpoint]:
        """Return the snapshots that are kept, newest first."""
        return self._values(select(snapshots).order_by(snapshots.c.seq.desc()), records.Checkpoint)

    def latest_snapshot(self) -> records.Checkpoint | None:
        """Return the newest snapshot; `entries(after=its seq)` are what came after it."""
        found = self._values(select(snapshots).order_by(snapshots.c.seq.desc()).limit(1), records.Checkpoint)
        return found[0] if found else None

    # --- the books --------------------------------------------------------------------------------------------------

    def open_orders(self) -> list[records.OrderRecord]:
        """Return the orders that are not final, in the order in which they last changed."""
        return self._values(select(orders).where(orders.c.final == 0).order_by(orders.c.seq), records.OrderRecord)

    def order(self, client_id: str) -> records.OrderRecord | None:
        """Return an order by its client id."""
        found = self._values(select(orders).where(orders.c.client_id == client_id), records.OrderRecord)
        return found[0] if found else None

    def orders_of(self, pool: int, position_id: int) -> list[records.OrderRecord]:
        """Return the orders of a position."""
        chosen = select(orders).where(orders.c.pool == pool, orders.c.position_id == position_id)
        return self._values(chosen.order_by(orders.c.seq), records.OrderRecord)

    def transitions(self, client_id: str) -> list[records.Transition]:
        """Return the life of an order."""
        chosen = select(transitions).where(transitions.c.client_id == client_id)
        rows = self._rows(chosen.order_by(transitions.c.seq, transitions.c.ordinal))
        return [
            records.Transition(row.seq, row.run, row.wall, decode(row.payload, records.OrderRecord)) for row in rows
        ]

    def fills_of_order(self, client_id: str) -> list[records.FillRecord]:
        """Return the fills of an order, oldest first."""
        return self._values(
            select(fills).where(fills.c.client_id == client_id).order_by(fills.c.time, fills.c.seq), records.FillRecord
        )

    def fills_of_trade(self, pool: int, position_id: int) -> list[records.FillRecord]:
        """Return the fills of a position, oldest first."""
        ours = select(runs.c.id).where(runs.c.pool == pool)
        chosen = select(fills).where(fills.c.position_id == position_id, fills.c.run.in_(ours))
        return self._values(chosen.order_by(fills.c.time, fills.c.seq), records.FillRecord)

    def fills(self, start: int | None = None, end: int | None = None) -> list[records.FillRecord]:
        """Return the fills of a time."""
        chosen = _between(select(fills), fills.c.time, start, end).order_by(fills.c.time, fills.c.seq)
        return self._values(chosen, records.FillRecord)

    def trades(self, start: int | None = None, end: int | None = None, pool: int | None = None) -> list[Trade]:
        """Return the trades that ended in a time, in that order."""
        chosen = _between(select(trades), trades.c.exit_time, start, end).where(trades.c.is_open == 0)
        return self._values(_of_pool(chosen, pool).order_by(trades.c.exit_time, trades.c.pool, trades.c.id), Trade)

    def trades_of_day(self, day_ms: int) -> list[Trade]:
        """Return the trades that ended in the UTC day that begins at `day_ms`; a day's last instant is at its end."""
        return self.trades(day_ms + 1, day_ms + DAY_MS + 1)

    def open_trades(self, pool: int | None = None) -> list[Trade]:
        """Return the trades that are open, oldest first."""
        chosen = _of_pool(select(trades).where(trades.c.is_open == 1), pool)
        return self._values(chosen.order_by(trades.c.pool, trades.c.id), Trade)

    # --- curves and counts ------------------------------------------------------------------------------------------

    def equity(self, start: int | None = None, end: int | None = None) -> list[records.EquityPoint]:
        """Return the pool after each instant in which it changed."""
        chosen = _between(select(equity), equity.c.time, start, end).order_by(equity.c.seq)
        return self._values(chosen, records.EquityPoint)

    def decisions(self, start: int | None = None, end: int | None = None) -> Iterator[records.DecisionRecord]:
        """Yield what instants did not do."""
        after = 0
        chosen = _between(select(decisions), decisions.c.time, start, end).order_by(decisions.c.seq).limit(BATCH)
        while rows := self._rows(chosen.where(decisions.c.seq > after)):
            yield from (decode(row.payload, records.DecisionRecord) for row in rows)
            after = rows[-1].seq

    def dust(self) -> dict[str, Decimal]:
        """Return what is owned beside the trades, by asset."""
        owned: dict[str, Decimal] = {}
        for each in self._values(select(dust).order_by(dust.c.seq), records.DustRecord):
            owned[each.asset] = owned.get(each.asset, Decimal(0)) + each.quantity
        return owned

    def dust_ledger(self) -> list[records.DustRecord]:
        """Return every change of the dust, in order."""
        return self._values(select(dust).order_by(dust.c.seq, dust.c.ordinal), records.DustRecord)

    def operators(self) -> list[records.OperatorRecord]:
        """Return what people asked for, in order."""
        return self._values(select(operators).order_by(operators.c.seq, operators.c.ordinal), records.OperatorRecord)

    # --- below ------------------------------------------------------------------------------------------------------

    @contextmanager
    def moment(self) -> Iterator[Connection]:
        """Hold one moment of the journal in sight: everything read from the connection is of it."""
        with translating(self.place), self._engine.connect() as connection:
            if not self.place.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def _rows(self, chosen: Select[Any]) -> list[Any]:
        with translating(self.place), self._engine.connect() as connection, connection.begin():
            return list(connection.execute(chosen).all())

    def _values(self, chosen: Select[Any], cls: type[T]) -> list[T]:
        return [decode(row.payload, cls) for row in self._rows(chosen)]


def stream(connection: Connection, table: Table, batch: int = BATCH) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in the order of entries, or of its key where rows are replaced."""
    names = ("seq", "ordinal")
    order = [table.c[name] for name in names] if set(names) <= set(table.c.keys()) else list(table.primary_key)
    chosen = select(table).order_by(*order)
    with connection.execute(chosen, execution_options={"yield_per": batch}) as result:
        for row in result.mappings():
            yield dict(row)


def count(connection: Connection, table: Table) -> int:
    """Return how many rows a table has."""
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _revision(connection: Connection, place: Place) -> str | None:
    if not place.is_sqlite and connection.scalar(text("SELECT current_schema()")) is None:
        return None
    return revision_of(connection)


def _between(chosen: Select[Any], column: Any, start: int | None, end: int | None) -> Select[Any]:
    if start is not None:
        chosen = chosen.where(column >= start)
    return chosen if end is None else chosen.where(column < end)


def _of_pool(chosen: Select[Any], pool: int | None) -> Select[Any]:
    return chosen if pool is None else chosen.where(trades.c.pool == pool)
