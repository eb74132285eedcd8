"""What the desk needs of its surroundings: a door to the exchange, a journal, somebody to tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trader.core.account import AlgoUpdate, OrderUpdate
from trader.core.events import Event
from trader.core.order import Role
from trader.core.venue import AccountTrade, NewList, NewOrder, NewStop
from trader.exchange.binance.trade_codec import PlacedList
from trader.journal.records import DustRecord, FillRecord, OrderRecord


class Door(Protocol):
    """Orders of one account (`exchange.binance.trade_rest.TradeRest`)."""

    async def place(self, order: NewOrder) -> OrderUpdate: ...
    async def cancel(self, symbol: str, client_id: str) -> OrderUpdate: ...
    async def order(self, symbol: str, client_id: str = "", exchange_id: int = 0) -> OrderUpdate: ...
    async def trades(self, symbol: str, *, exchange_id: int = 0) -> list[AccountTrade]: ...
    async def place_list(self, wanted: NewList) -> PlacedList: ...
    async def cancel_list(self, symbol: str, client_id: str) -> PlacedList: ...
    async def place_stop(self, stop: NewStop) -> AlgoUpdate: ...
    async def cancel_stop(self, client_id: str) -> None: ...
    async def stop(self, client_id: str) -> AlgoUpdate: ...


class Intentions(Protocol):
    """Writes down what is about to leave (`journal.Journal`)."""

    def record(self, *records: OrderRecord | DustRecord) -> int:
        """Take records and return the place of their entry."""
        ...

    async def permit(self, seq: int, role: Role | str) -> bool:
        """Wait until the entry is on the disk; tell whether a request of `role` may leave."""
        ...


class Deliver(Protocol):
    """Brings an event to the core, with the records that belong to it; what follows comes back to `Desk.send`."""

    def __call__(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None: ...
