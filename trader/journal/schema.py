"""The tables. Every row has the `seq` of the entry that wrote it; `payload` is the value, the columns are for queries.

Rows of `LOG` and `BOOKS` never change once written: the digests of their group cover them. Rows of `STANDING` are
replaced or dropped: each carries a checksum of its own. `groups` has one row for each commit.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

#: Revisions of these tables, rising: those that the migrations know.
REVISIONS = ("0001", "0002")
HEAD = REVISIONS[-1]

#: 64 bits everywhere; in SQLite, where `INTEGER` has them, a primary key of it is the row's own number.
Whole = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()


def _table(name: str, *rest: Any, **kinds: Any) -> Table:
    columns = [Column(key, kind, nullable=False) for key, kind in kinds.items()]
    return Table(name, metadata, *columns, *rest)


runs = _table(
    "runs",
    PrimaryKeyConstraint("id"),
    id=Whole,
    pool=Whole,
    venue=Text(),
    mode=Text(),
    version=Text(),
    started=Whole,
    anchor=Whole,
    ended=Whole,
    payload=LargeBinary(),
    crc=Whole,
)

events = _table(
    "events",
    PrimaryKeyConstraint("seq"),
    Index("events_time", "time"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    wall=Whole,
    kind=Text(),
    commands=Whole,
    payload=LargeBinary(),
)

commands = _table(
    "commands",
    PrimaryKeyConstraint("seq", "ordinal"),
    seq=Whole,
    ordinal=Whole,
    kind=Text(),
    payload=LargeBinary(),
)

transitions = _table(
    "transitions",
    PrimaryKeyConstraint("seq", "ordinal"),
    Index("transitions_client_id", "client_id"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    wall=Whole,
    client_id=Text(),
    state=Text(),
    payload=LargeBinary(),
)

fills = _table(
    "fills",
    PrimaryKeyConstraint("seq", "ordinal"),
    UniqueConstraint("symbol", "trade_id", "client_id", name="fills_trade_id"),
    Index("fills_client_id", "client_id"),
    Index("fills_time", "time"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    symbol=Text(),
    trade_id=Whole,
    client_id=Text(),
    position_id=Whole,
    time=Whole,
    payload=LargeBinary(),
)

equity = _table(
    "equity",
    PrimaryKeyConstraint("seq", "ordinal"),
    Index("equity_time", "time"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    equity=Double(),
    payload=LargeBinary(),
)

dust = _table(
    "dust",
    PrimaryKeyConstraint("seq", "ordinal"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    asset=Text(),
    payload=LargeBinary(),
)

operators = _table(
    "operators",
    PrimaryKeyConstraint("seq", "ordinal"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    payload=LargeBinary(),
)

gaps = _table(
    "gaps",
    PrimaryKeyConstraint("seq", "ordinal"),
    seq=Whole,
    ordinal=Whole,
    first_seq=Whole,
    last_seq=Whole,
    payload=LargeBinary(),
)

orders = _table(
    "orders",
    PrimaryKeyConstraint("client_id"),
    Index("orders_open", "final"),
    Index("orders_position", "pool", "position_id"),
    client_id=Text(),
    seq=Whole,
    run=Whole,
    pool=Whole,
    symbol=Text(),
    position_id=Whole,
    role=Text(),
    state=Text(),
    final=Whole,
    updated=Whole,
    payload=LargeBinary(),
    crc=Whole,
)

trades = _table(
    "trades",
    PrimaryKeyConstraint("pool", "id"),
    Index("trades_entry_time", "entry_time"),
    Index("trades_exit_time", "exit_time"),
    pool=Whole,
    id=Whole,
    seq=Whole,
    run=Whole,
    symbol=Text(),
    position_id=Whole,
    entry_time=Whole,
    exit_time=Whole,
    is_open=Whole,
    payload=LargeBinary(),
    crc=Whole,
)

decisions = _table(
    "decisions",
    PrimaryKeyConstraint("seq", "ordinal"),
    Index("decisions_time", "time"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    payload=LargeBinary(),
    crc=Whole,
)

readings = _table(
    "readings",
    PrimaryKeyConstraint("seq", "ordinal"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    payload=LargeBinary(),
    crc=Whole,
)

snapshots = _table(
    "snapshots",
    PrimaryKeyConstraint("seq", "ordinal"),
    seq=Whole,
    ordinal=Whole,
    run=Whole,
    time=Whole,
    version=Whole,
    payload=LargeBinary(),
    crc=Whole,
)

groups = _table(
    "groups",
    PrimaryKeyConstraint("id"),
    Index("groups_last_seq", "last_seq"),
    id=Whole,
    first_seq=Whole,
    last_seq=Whole,
    entries=Whole,
    wall=Whole,
    log_digest=LargeBinary(),
    books_digest=LargeBinary(),
    chain=LargeBinary(),
    pruned=Whole,
)

owner = _table(
    "owner",
    PrimaryKeyConstraint("one"),
    one=Whole,
    token=Text(),
    pid=Whole,
    host=Text(),
    since=Whole,
)

#: Never changed once written, in the order in which digests take them. `LOG` may be pruned, `BOOKS` stays.
LOG = (events, commands)
BOOKS = (transitions, fills, equity, dust, operators, gaps)
#: Replaced or dropped; with the columns that name a row.
STANDING: dict[Table, tuple[str, ...]] = {
    runs: ("id",),
    orders: ("client_id",),
    trades: ("pool", "id"),
    decisions: ("seq", "ordinal"),
    readings: ("seq", "ordinal"),
    snapshots: ("seq", "ordinal"),
}
#: What a backup and an export hold: all but who owns the journal.
KEPT = (*LOG, *BOOKS, *STANDING, groups)

#: The columns that digests cover, as they were when the table was made: one that comes later is not among them.
DIGESTED: dict[str, tuple[str, ...]] = {table.name: tuple(table.columns.keys()) for table in (*LOG, *BOOKS)}
