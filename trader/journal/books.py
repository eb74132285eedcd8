"""Whether the books add up: fills to orders, orders to trades, parts to trades."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import Connection, select

from trader.core.errors import JournalError
from trader.core.order import Role
from trader.core.trade import Trade
from trader.journal.codec import decode
from trader.journal.reader import stream
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.journal.schema import dust, fills, orders, runs, trades, transitions

#: How far sums of floats may be from sums of decimals, as a share.
NOISE = Decimal("1e-9")

Position = tuple[int, int]


class _Sums:
    """What the books say of each position, in base currency: by pool and position id."""

    def __init__(self) -> None:
        self.entered: dict[Position, Decimal] = defaultdict(Decimal)
        self.left: dict[Position, Decimal] = defaultdict(Decimal)
        #: What fees in the coin itself, and dust, may have made of the difference.
        self.slack: dict[Position, Decimal] = defaultdict(Decimal)
        self.of_order: dict[str, Decimal] = defaultdict(Decimal)
        #: Executions by symbol and id, whoever they are booked on, and which of them an order has a part in.
        self.of_execution: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
        self.executions: dict[str, set[tuple[str, int]]] = defaultdict(set)

    def is_shared(self, order: OrderRecord) -> bool:
        """Tell whether an order closed more than its position, and the rest is booked on others of its side."""
        whole = sum((self.of_execution[each] for each in self.executions[order.client_id]), Decimal(0))
        return self.of_order[order.client_id] != order.filled == whole


def check_books(connection: Connection) -> Iterator[str]:
    """Yield in words what does not add up."""
    sums = _Sums()
    pools = {row.id: row.pool for row in connection.execute(select(runs.c.id, runs.c.pool))}
    yield from _take_fills(connection, sums, pools)
    for row in stream(connection, dust):
        try:
            each = decode(row["payload"], DustRecord)
            sums.slack[pools.get(row["run"], 0), each.position_id] += abs(each.quantity)
        except JournalError as error:
            yield f"dust: entry {row['seq']}: {error}"
    yield from _check_orders(connection, sums)
    yield from _check_trades(connection, sums)


def _take_fills(connection: Connection, sums: _Sums, pools: dict[int, int]) -> Iterator[str]:
    for row in stream(connection, fills):
        try:
            fill = decode(row["payload"], FillRecord)
        except JournalError as error:
            yield f"fills: {row['symbol']} {row['trade_id']}: {error}"
            continue
        sums.of_order[fill.client_id] += fill.quantity
        sums.of_execution[fill.symbol, fill.trade_id] += fill.quantity
        sums.executions[fill.client_id].add((fill.symbol, fill.trade_id))
        if fill.fee_asset and fill.symbol.startswith(fill.fee_asset):
            sums.slack[pools.get(row["run"], 0), fill.position_id] += fill.fee


def _check_orders(connection: Connection, sums: _Sums) -> Iterator[str]:
    newest = {row["client_id"]: zlib.crc32(row["payload"]) for row in stream(connection, transitions)}
    for row in stream(connection, orders):
        name = f"order {row['client_id']}"
        if newest.pop(row["client_id"], None) != zlib.crc32(row["payload"]):
            yield f"{name} is not what its last change made it"
        try:
            order = decode(row["payload"], OrderRecord)
        except JournalError as error:
            yield f"{name}: {error}"
            continue
        side = sums.entered if order.role == Role.ENTRY else sums.left
        shared, own = sums.is_shared(order), sums.of_order[order.client_id]
        side[row["pool"], order.position_id] += own if shared else order.filled
        # While an order lives, its fills may be on their way.
        if order.final and own != order.filled and not shared:
            yield f"{name} filled {order.filled}, its fills sum to {sums.of_order[order.client_id]}"
    yield from (f"order {client_id} has changes and no row" for client_id in newest)


def _check_trades(connection: Connection, sums: _Sums) -> Iterator[str]:
    for row in stream(connection, trades):
        name = f"trade {row['id']} of pool {row['pool']}"
        try:
            trade = decode(row["payload"], Trade)
        except JournalError as error:
            yield f"{name}: {error}"
            continue
        closed = sum((Decimal(repr(part.quantity)) for part in trade.parts), Decimal(0))
        wanted = Decimal(repr(trade.quantity)) - Decimal(repr(trade.quantity_left))
        if abs(closed - wanted) > NOISE * (1 + abs(wanted)):
            yield f"{name} has closed {wanted}, its parts sum to {closed}"
        position = (row["pool"], row["position_id"])
        if not row["is_open"] and position in sums.entered:
            yield from _against_orders(name, trade, position, sums)


def _against_orders(name: str, trade: Trade, position: Position, sums: _Sums) -> Iterator[str]:
    """Compare a trade that has ended with its orders; paper trades have none."""
    quantity = Decimal(repr(trade.quantity))
    slack = sums.slack[position] + NOISE * (1 + quantity)
    for what, filled in (("opened", sums.entered[position]), ("closed", sums.left[position])):
        if abs(filled - quantity) > slack:
            yield f"{name} was of {quantity}, the orders that {what} it filled {filled}"
