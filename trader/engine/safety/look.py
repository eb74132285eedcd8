"""One look at an account: everything that a start depends on, read and nothing changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec

from trader.core.account import OrderUpdate
from trader.core.errors import DataError
from trader.core.settings import Settings
from trader.core.venue import Account, AccountConfig, Commission, KeyRights, Position, SymbolConfig
from trader.engine.keys.stores import credentials_of
from trader.engine.live.venue import Venue
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.endpoints import rights_url
from trader.exchange.binance.trade_client import TradingClient
from trader.exchange.binance.trade_rest import TradeRest


class Look(msgspec.Struct, frozen=True):
    """What was seen; `fees` and `prices` by coin, `rights` None where nobody tells them.

    Futures alone have a configuration and positions.
    """

    rights: KeyRights | None
    account: Account
    fees: dict[str, Commission]
    prices: dict[str, float]
    orders: tuple[OrderUpdate, ...]
    config: AccountConfig | None = None
    symbols: dict[str, SymbolConfig] = {}
    positions: tuple[Position, ...] = ()


async def look(settings: Settings, venue: Venue, coins: Iterable[str]) -> Look:
    """Look at the account of the settings' key; conditional orders are among `orders`. It sends reads alone.

    Raise `Unauthorized`, `Unavailable`, `DataError`.
    """
    async with _doors(settings, venue) as (account, orders):
        futures = settings.MARKET == "futures"
        resting = await orders.open_orders()
        if futures:
            resting += [stop.as_order() for stop in await orders.open_stops()]
        return Look(
            rights=await rights_of(account),
            account=await account.account(),
            fees={coin: await account.commission(coin) for coin in coins},
            prices={coin: await _price(account.client, coin) for coin in coins},
            orders=tuple(resting),
            config=await account.config() if futures else None,
            symbols=await account.symbol_configs() if futures else {},
            positions=tuple(await account.positions()) if futures else (),
        )


async def _price(client: TradingClient, symbol: str) -> float:
    ask = client.futures_symbol_ticker if client.market == "futures" else client.get_symbol_ticker
    answer = await ask(symbol=symbol)
    try:
        return float(answer["price"])
    except (TypeError, KeyError, ValueError):
        raise DataError(f"malformed answer to ticker/price of {symbol}: {str(answer)[:100]}") from None


async def rights_of(account: AccountRest) -> KeyRights | None:
    """Ask what the key may do; None where there is nobody to ask (demo, testnet)."""
    return await account.key_rights() if rights_url(account.client.endpoints) else None


@asynccontextmanager
async def _doors(settings: Settings, venue: Venue) -> AsyncIterator[tuple[AccountRest, TradeRest]]:
    client = TradingClient(venue.endpoints, venue.rest.gate, venue.credentials or credentials_of(settings))
    try:
        await client.sync_clock()
        yield AccountRest(client), TradeRest(client)
    finally:
        await client.close_connection()
