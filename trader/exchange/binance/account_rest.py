"""One account on one market by REST: what it holds, how it is traded, what it pays. Errors are `TradingClient`'s."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from trader.core.errors import ConfigError, DataError, Rejected
from trader.core.settings import Market
from trader.core.venue import (
    Account,
    AccountConfig,
    Bracket,
    Commission,
    Income,
    KeyRights,
    Position,
    SymbolConfig,
)
from trader.exchange.binance import account_codec as codec
from trader.exchange.binance.errors import CODES, Outcome
from trader.exchange.binance.order_limits import order_limits
from trader.exchange.binance.trade_client import TradingClient

#: Rows of one request for income, at most.
ROWS = 1_000


class AccountRest:
    """Reads and sets the account through `client`, and closes nothing."""

    def __init__(self, client: TradingClient) -> None:
        self.client = client
        self.market: Market = client.market

    async def account(self) -> Account:
        """Return the account's balances and rights."""
        if self.market == "spot":
            return codec.spot_account(await self.client.get_account(omitZeroBalances="true"))
        balances, config = await asyncio.gather(self.client.futures_account_balance(), self.config())
        return codec.futures_account(balances, config)

    async def positions(self, symbol: str = "") -> list[Position]:
        """Return the futures positions that are not flat."""
        self._futures_only("positions")
        return codec.positions(await self.client.futures_position_information(**_symbol(symbol)))

    async def config(self) -> AccountConfig:
        """Return how the futures account is traded."""
        self._futures_only("an account configuration")
        return codec.account_config(await self.client.futures_account_config())

    async def symbol_configs(self, symbol: str = "") -> dict[str, SymbolConfig]:
        """Return leverage and margin type by symbol."""
        self._futures_only("a configuration of symbols")
        return codec.symbol_configs(await self.client.futures_symbol_config(**_symbol(symbol)))

    async def set_leverage(self, symbol: str, leverage: int) -> int:
        """Set the leverage of a coin; return the one that the venue says it has now."""
        self._futures_only("leverage")
        answer = await self.client.futures_change_leverage(symbol=symbol, leverage=leverage)
        told = answer.get("leverage") if isinstance(answer, dict) else None
        if not isinstance(told, int):
            raise DataError(f"malformed answer to leverage of {symbol}: {str(answer)[:100]}")
        return told

    async def set_isolated(self, symbol: str) -> bool:
        """Set isolated margin; return whether that changed anything."""
        self._futures_only("margin types")
        return await _changes(self.client.futures_change_margin_type(symbol=symbol, marginType="ISOLATED"))

    async def set_hedge_mode(self, hedge: bool) -> bool:
        """Set the position mode, of the whole account; return whether that changed anything."""
        self._futures_only("position modes")
        wanted = "true" if hedge else "false"
        return await _changes(self.client.futures_change_position_mode(dualSidePosition=wanted))

    async def commission(self, symbol: str) -> Commission:
        """Return the fees of a symbol."""
        if self.market == "spot":
            return codec.spot_commission(await self.client.v3_get_account_commission(symbol=symbol))
        return codec.futures_commission(await self.client.futures_commission_rate(symbol=symbol))

    async def brackets(self, symbol: str = "") -> dict[str, tuple[Bracket, ...]]:
        """Return the leverage brackets by symbol."""
        self._futures_only("leverage brackets")
        return codec.brackets(await self.client.futures_leverage_bracket(**_symbol(symbol)))

    async def income(self, start_ms: int, end_ms: int, kind: str = "") -> list[Income]:
        """Return what came and went in `start_ms <= time < end_ms`, oldest first: a thousand at most, go on from the
        last; `kind` e.g. FUNDING_FEE."""
        self._futures_only("an income history")
        params: dict[str, Any] = {"startTime": start_ms, "endTime": end_ms - 1, "limit": ROWS}
        params |= {"incomeType": kind} if kind else {}
        return codec.incomes(await self.client.futures_income_history(**params))

    async def key_rights(self) -> KeyRights:
        """Return what the key may do; only some hosts know (`endpoints.rights_url`)."""
        return codec.key_rights(await self.client.get_account_api_permissions())

    async def order_limits(self) -> dict[str, int]:
        """Return the account's limits of orders by window, as exchangeInfo has them."""
        futures = self.market == "futures"
        return order_limits(await (self.client.futures_exchange_info() if futures else self.client.get_exchange_info()))

    async def make_listen_key(self) -> str:
        """Return the key of the futures account's private stream: a new one, or the one that stands, prolonged."""
        self._futures_only("listen keys")
        return codec.listen_key(await self.client.futures_stream_get_listen_key())

    async def keep_listen_key(self, key: str) -> None:
        """Prolong a key by an hour; `Rejected` with -1125 when it has gone."""
        self._futures_only("listen keys")
        await self.client.futures_stream_keepalive(key)

    def _futures_only(self, what: str) -> None:
        if self.market != "futures":
            raise ConfigError(f"{self.market} has no {what}; allowed: MARKET=futures")


async def _changes(setting: Awaitable[object]) -> bool:
    """Await a setting; tell whether it was otherwise before."""
    try:
        await setting
    except Rejected as error:
        if CODES.get(error.code) is not Outcome.ALREADY:
            raise
        return False
    return True


def _symbol(symbol: str) -> dict[str, str]:
    return {"symbol": symbol} if symbol else {}
