"""Builders of what a journal keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec

from tests.builders import M1, START_MS, candle
from trader.core.commands import SubmitOrder
from trader.core.events import Instant
from trader.core.order import OrderRequest, Role
from trader.core.signal import Direction
from trader.core.trade import Part, Trade
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.records import FillRecord, OrderRecord, Run

RUN = Run("embedded, seed 7", "embedded", "spot", "0.1.0", START_MS, START_MS, ("BTCUSDT,1min",), {"MARKET": "spot"})


@contextmanager
def opened(place: Place, continues: int | None = None, **options: Any) -> Iterator[Journal]:
    """Open a journal, begin a run, and close it in the end."""
    journal = Journal(place, **options)
    journal.open()
    journal.begin(RUN, continues)
    try:
        yield journal
    finally:
        journal.close()


async def until(come: Callable[[], bool]) -> None:
    """Wait until something has come to be; fail when it does not."""
    for _ in range(3_000):
        if come():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def instant(at: int = 0, close: float = 100.0) -> Instant:
    """Return the instant at which the `at`-th minute closes."""
    return Instant(START_MS + (at + 1) * M1.ms, (candle(close, at=at),))


def submit(order_id: int = 1, role: Role = Role.ENTRY, **rest: Any) -> SubmitOrder:
    """Return the command to send an order."""
    values: dict[str, Any] = {
        "position_id": order_id,
        "symbol": "BTCUSDT",
        "direction": Direction.LONG,
        "quantity": 1.0,
        "price": 99.5,
        "leverage": 1.0,
        "reason": "ascending_triangle",
        "decided": START_MS,
    }
    return SubmitOrder(OrderRequest(order_id=order_id, role=role, **values | rest))


def order(client_id: str = "r1-1-e-1", state: str = "intended", **rest: Any) -> OrderRecord:
    """Return an order at the exchange."""
    values: dict[str, Any] = {"position_id": 1, "order_id": 1, "role": "entry", "attempt": 1, "updated": START_MS}
    return OrderRecord(client_id, "BTCUSDT", state=state, **values | rest)


def fill(trade_id: int = 1, quantity: str = "1", client_id: str = "r1-1-e-1", **rest: Any) -> FillRecord:
    """Return an execution at the exchange."""
    values: dict[str, Any] = {"position_id": 1, "role": "entry", "side": "BUY", "time": START_MS, "fee_asset": "USDT"}
    values |= {"quantity": Decimal(quantity), "price": Decimal("100.5"), "fee": Decimal("0.1005")}
    return FillRecord("BTCUSDT", trade_id, client_id, **values | rest)


def trade(number: int = 1, *, entry: int = 0, exit: int | None = None, **rest: Any) -> Trade:
    """Return a trade opened at the end of the minute `entry`, closed at that of `exit` unless it is open."""
    at = START_MS + (entry + 1) * M1.ms
    values: dict[str, Any] = {
        "position_id": number,
        "symbol": "BTCUSDT",
        "timeframe": M1,
        "strategy": "geometry",
        "pattern": "ascending_triangle",
        "direction": Direction.LONG,
        "probability": 0.7,
        "strength": 0.8,
        "signal_time": at,
        "entry_time": at,
        "entry_price": 100.5,
        "quantity": 1.0,
        "leverage": 1.0,
        "atr14": 0.5,
        "stop": 99.5,
        "stop_reason": "stop_loss",
        "stop_order_id": 2,
        "first_stop": 99.5,
        "take_profit": 102.5,
        "targets": [],
        "peak": 100.5,
        "quantity_left": 1.0 if exit is None else 0.0,
        "reserved": 100.5,
        "entry_fee": 0.1,
        "fees": 0.1,
    }
    if exit is not None:
        ended = START_MS + (exit + 1) * M1.ms
        values["parts"] = [Part(1, ended, 1.0, 99.5, "stop_loss", 0.2, 0.0, -1.2, 9_998.8)]
    return Trade(id=number, **values | rest)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to the last bit, NaN included."""
    return msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)
