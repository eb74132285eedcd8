"""The first tables: everything but the gaps, and standing rows without checksums."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Whole = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Text, Blob = sa.Text(), sa.LargeBinary()
Double: sa.Double[float] = sa.Double()

PLACE = {"seq": Whole, "ordinal": Whole}
#: Each table's columns in order; the first item has the primary key.
TABLES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "runs": (
        ("id",),
        {
            "id": Whole,
            "pool": Whole,
            "venue": Text,
            "mode": Text,
            "version": Text,
            "started": Whole,
            "anchor": Whole,
            "ended": Whole,
            "payload": Blob,
        },
    ),
    "events": (
        ("seq",),
        {**PLACE, "run": Whole, "time": Whole, "wall": Whole, "kind": Text, "commands": Whole, "payload": Blob},
    ),
    "commands": (("seq", "ordinal"), {**PLACE, "kind": Text, "payload": Blob}),
    "transitions": (
        ("seq", "ordinal"),
        {**PLACE, "run": Whole, "wall": Whole, "client_id": Text, "state": Text, "payload": Blob},
    ),
    "fills": (
        ("seq", "ordinal"),
        {
            **PLACE,
            "run": Whole,
            "symbol": Text,
            "trade_id": Whole,
            "client_id": Text,
            "position_id": Whole,
            "time": Whole,
            "payload": Blob,
        },
    ),
    "equity": (("seq", "ordinal"), {**PLACE, "run": Whole, "time": Whole, "equity": Double, "payload": Blob}),
    "dust": (("seq", "ordinal"), {**PLACE, "run": Whole, "time": Whole, "asset": Text, "payload": Blob}),
    "operators": (("seq", "ordinal"), {**PLACE, "run": Whole, "time": Whole, "payload": Blob}),
    "orders": (
        ("client_id",),
        {
            "client_id": Text,
            "seq": Whole,
            "run": Whole,
            "pool": Whole,
            "symbol": Text,
            "position_id": Whole,
            "role": Text,
            "state": Text,
            "final": Whole,
            "updated": Whole,
            "payload": Blob,
        },
    ),
    "trades": (
        ("pool", "id"),
        {
            "pool": Whole,
            "id": Whole,
            "seq": Whole,
            "run": Whole,
            "symbol": Text,
            "position_id": Whole,
            "entry_time": Whole,
            "exit_time": Whole,
            "is_open": Whole,
            "payload": Blob,
        },
    ),
    "decisions": (("seq", "ordinal"), {**PLACE, "run": Whole, "time": Whole, "payload": Blob}),
    "snapshots": (("seq", "ordinal"), {**PLACE, "run": Whole, "time": Whole, "version": Whole, "payload": Blob}),
    "groups": (
        ("id",),
        {
            "id": Whole,
            "first_seq": Whole,
            "last_seq": Whole,
            "entries": Whole,
            "wall": Whole,
            "log_digest": Blob,
            "books_digest": Blob,
            "chain": Blob,
            "pruned": Whole,
        },
    ),
    "owner": (("one",), {"one": Whole, "token": Text, "pid": Whole, "host": Text, "since": Whole}),
}
INDEXES = (
    ("events_time", "events", ["time"]),
    ("transitions_client_id", "transitions", ["client_id"]),
    ("fills_client_id", "fills", ["client_id"]),
    ("fills_time", "fills", ["time"]),
    ("equity_time", "equity", ["time"]),
    ("orders_open", "orders", ["final"]),
    ("orders_position", "orders", ["pool", "position_id"]),
    ("trades_entry_time", "trades", ["entry_time"]),
    ("trades_exit_time", "trades", ["exit_time"]),
    ("decisions_time", "decisions", ["time"]),
    ("groups_last_seq", "groups", ["last_seq"]),
)


def upgrade() -> None:
    """Make the tables."""
    for name, (key, kinds) in TABLES.items():
        columns: list[sa.Column[Any]] = [sa.Column(column, kind, nullable=False) for column, kind in kinds.items()]
        rest: list[sa.schema.SchemaItem] = [sa.PrimaryKeyConstraint(*key)]
        if name == "fills":
            rest.append(sa.UniqueConstraint("symbol", "trade_id", "client_id", name="fills_trade_id"))
        op.create_table(name, *columns, *rest)
    for index, table, names in INDEXES:
        op.create_index(index, table, names)
