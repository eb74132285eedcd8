"""Orders of one account on one market by REST: place, cancel, look up. Errors are those of `TradingClient`.

Every mutation goes out once (again only after the venue has proven, by its clock error, that it was not taken). What
became of one that failed is `execution.outcomes`' matter.
"""

from __future__ import annotations

from typing import Any

from trader.core.account import AlgoUpdate, ListUpdate, OrderUpdate
from trader.core.errors import ConfigError
from trader.core.settings import Market
from trader.core.venue import AccountTrade, NewList, NewOrder, NewStop
from trader.exchange.binance.trade_client import TradingClient
from trader.exchange.binance.trade_codec import (
    PlacedList,
    account_trades,
    algo_update,
    algo_updates,
    list_updates,
    order_update,
    order_updates,
    placed_list,
)
from trader.exchange.binance.trade_params import list_params, order_params, stop_params

#: Executions of one request, at most.
TRADES = 1_000


class TradeRest:
    """Sends and asks for orders through `client`, and closes nothing: the client belongs to who made it."""

    def __init__(self, client: TradingClient) -> None:
        self.client = client
        self.market: Market = client.market

    # --- orders

    async def place(self, order: NewOrder) -> OrderUpdate:
        """Place an order; the update has what was executed at once (on spot with the executions themselves)."""
        params = order_params(self.market, order)
        create = self.client.futures_create_order if self._futures else self.client.create_order
        return order_update(await create(**params), "placing an order")

    async def cancel(self, symbol: str, client_id: str) -> OrderUpdate:
        """Cancel an order by our id; `Rejected` with -2011 when there is none to cancel: look it up."""
        params = {"symbol": symbol, "origClientOrderId": client_id}
        cancel = self.client.futures_cancel_order if self._futures else self.client.cancel_order
        return order_update(await cancel(**params), "cancelling an order")

    async def order(self, symbol: str, client_id: str = "", exchange_id: int = 0) -> OrderUpdate:
        """Return an order by our id, or by the venue's; `Rejected` with -2013 while it is not known."""
        params: dict[str, Any] = {"symbol": symbol}
        params |= {"orderId": exchange_id} if exchange_id else {"origClientOrderId": client_id}
        read = self.client.futures_get_order if self._futures else self.client.get_order
        return order_update(await read(**params))

    async def open_orders(self, symbol: str = "") -> list[OrderUpdate]:
        """Return the resting orders of `symbol`, or (dear) of all; conditional ones of USD-M are kept apart."""
        params = {"symbol": symbol} if symbol else {}
        read = self.client.futures_get_open_orders if self._futures else self.client.get_open_orders
        return order_updates(await read(**params))

    async def trades(
        self, symbol: str, *, exchange_id: int = 0, from_id: int = 0, start_ms: int = 0
    ) -> list[AccountTrade]:
        """Return executions of `symbol`, oldest first: of one order, from a trade id on, or since a time.

        A thousand at most; go on from the last id. Futures look back 7 days at a time, and three months in all.
        """
        params: dict[str, Any] = {"symbol": symbol, "limit": TRADES}
        asked = {"orderId": exchange_id, "fromId": from_id, "startTime": start_ms}
        params |= {name: value for name, value in asked.items() if value}
        read = self.client.futures_account_trades if self._futures else self.client.get_my_trades
        return sorted(account_trades(await read(**params)), key=lambda each: each.trade_id)

    # --- lists: spot

    async def place_list(self, wanted: NewList) -> PlacedList:
        """Place an OCO list."""
        self._only("spot", "lists of orders")
        return placed_list(await self.client.create_oco_order(**list_params(wanted)), "placing a list")

    async def cancel_list(self, symbol: str, client_id: str) -> PlacedList:
        """Cancel a list, with all its legs, by our id."""
        self._only("spot", "lists of orders")
        answer = await self.client.v3_delete_order_list(symbol=symbol, listClientOrderId=client_id)
        return placed_list(answer, "cancelling a list")

    async def order_list(self, client_id: str) -> ListUpdate:
        """Return a list by our id."""
        self._only("spot", "lists of orders")
        return placed_list(await self.client.v3_get_order_list(origClientOrderId=client_id)).list

    async def open_lists(self) -> list[ListUpdate]:
        """Return the lists of which something rests."""
        self._only("spot", "lists of orders")
        return list_updates(await self.client.get_open_oco_orders())

    # --- conditional orders: USD-M

    async def place_stop(self, stop: NewStop) -> AlgoUpdate:
        """Place a conditional order with the algo service."""
        self._only("futures", "conditional orders of the algo service")
        return algo_update(await self.client.futures_create_algo_order(**stop_params(stop)), "placing a stop")

    async def cancel_stop(self, client_id: str) -> None:
        """Cancel a conditional order by our id; the answer says no more than that it is so."""
        self._only("futures", "conditional orders of the algo service")
        await self.client.futures_cancel_algo_order(clientAlgoId=client_id)

    async def stop(self, client_id: str) -> AlgoUpdate:
        """Return a conditional order by our id, with the order that it became."""
        self._only("futures", "conditional orders of the algo service")
        return algo_update(await self.client.futures_get_algo_order(clientAlgoId=client_id))

    async def open_stops(self, symbol: str = "") -> list[AlgoUpdate]:
        """Return the conditional orders that rest, of `symbol` or (dear) of all."""
        self._only("futures", "conditional orders of the algo service")
        params = {"symbol": symbol} if symbol else {}
        return algo_updates(await self.client.futures_get_open_algo_orders(**params))

    @property
    def _futures(self) -> bool:
        return self.market == "futures"

    def _only(self, market: Market, what: str) -> None:
        if self.market != market:
            raise ConfigError(f"{self.market} has no {what}; allowed: MARKET={market}")
