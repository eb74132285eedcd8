"""The gaps, what the strategy said, and a checksum on every row that may be replaced; rows there get theirs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Whole = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEYS = {
    "runs": ("id",),
    "orders": ("client_id",),
    "trades": ("pool", "id"),
    "decisions": ("seq", "ordinal"),
    "snapshots": ("seq", "ordinal"),
}
#: Rows that are read at a time.
BATCH = 1_000


def upgrade() -> None:
    """Make the tables of gaps and readings, and the checksums."""
    _make("gaps", ("seq", "ordinal", "first_seq", "last_seq"))
    _make("readings", ("seq", "ordinal", "run", "time"), sa.Column("crc", Whole, nullable=False))
    for name, key in KEYS.items():
        op.add_column(name, sa.Column("crc", Whole, nullable=False, server_default="0"))
        _sum_up(name, key)


def _make(name: str, wholes: tuple[str, ...], *rest: sa.Column[int]) -> None:
    columns = [sa.Column(each, Whole, nullable=False) for each in wholes]
    payload = sa.Column("payload", sa.LargeBinary(), nullable=False)
    op.create_table(name, *columns, payload, *rest, sa.PrimaryKeyConstraint("seq", "ordinal"))


def _sum_up(name: str, key: tuple[str, ...]) -> None:
    """Compute the checksum of every row of a table."""
    connection = op.get_bind()
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    where = sa.and_(*[table.c[column] == sa.bindparam(f"key_{column}") for column in key])
    update = sa.update(table).where(where).values(crc=sa.bindparam("new_crc"))
    for rows in _batches(connection, table, key):
        values = [{f"key_{column}": row[column] for column in key} | {"new_crc": _checksum(row)} for row in rows]
        connection.execute(update, values)


def _batches(connection: sa.Connection, table: sa.Table, key: tuple[str, ...]) -> Iterator[list[dict[str, object]]]:
    """Yield the rows of a table by its key, some at a time."""
    columns = [table.c[column] for column in key]
    chosen = sa.select(table).order_by(*columns).limit(BATCH)
    after: tuple[object, ...] = ()
    while (
        rows := connection.execute(
            chosen.where(sa.tuple_(*columns) > sa.tuple_(*map(sa.literal, after))) if after else chosen
        )
        .mappings()
        .all()
    ):
        yield [dict(row) for row in rows]
        after = tuple(rows[-1][column] for column in key)


def _checksum(row: dict[str, object]) -> int:
    values = [value for name, value in sorted(row.items()) if name != "crc"]
    return zlib.crc32(msgspec.msgpack.encode(values))
