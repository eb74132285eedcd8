"""One look at an account: what rests, and what is held."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from trader.core.account import AlgoUpdate, OrderUpdate, PositionSide
from trader.core.settings import Market
from trader.core.venue import Account, AccountTrade, Position


class Orders(Protocol):
    """Orders of one account (`exchange.binance.trade_rest.TradeRest`)."""

    async def open_orders(self) -> list[OrderUpdate]: ...
    async def open_stops(self) -> list[AlgoUpdate]: ...
    async def order(self, symbol: str, client_id: str = "", exchange_id: int = 0) -> OrderUpdate: ...
    async def trades(self, symbol: str, *, start_ms: int = 0) -> list[AccountTrade]: ...
    async def cancel(self, symbol: str, client_id: str) -> OrderUpdate: ...
    async def cancel_stop(self, client_id: str) -> None: ...


class Holdings(Protocol):
    """What an account holds (`exchange.binance.account_rest.AccountRest`)."""

    async def account(self) -> Account: ...
    async def positions(self) -> list[Position]: ...


class Seen(msgspec.Struct, frozen=True):
    """What an account had when it was asked: on spot `balances` by coin, on futures `positions`, never negative."""

    orders: tuple[OrderUpdate, ...] = ()
    stops: tuple[AlgoUpdate, ...] = ()
    balances: Mapping[str, Decimal] = {}
    positions: Mapping[tuple[str, PositionSide], Decimal] = {}


async def look(market: Market, orders: Orders, holdings: Holdings) -> Seen:
    """Look once: two requests on spot (weight 100), three on futures (85), however many coins are traded.

    Lists of orders need none of their own: their legs are among the open orders. Raise `ExchangeError` as the doors do.
    """
    resting = tuple(await orders.open_orders())
    if market == "spot":
        balances = (await holdings.account()).balances
        return Seen(resting, balances={coin: each.total for coin, each in balances.items()})
    stops = tuple(await orders.open_stops())
    held = {(each.symbol, each.position_side): abs(each.quantity) for each in await holdings.positions()}
    return Seen(resting, stops, positions=held)
