"""What tests of USD-M share: a futures market drawn by hand, a client of ours on it, and what its stream tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import numpy as np

from tests.exchange.binance.account_venue import until
from tests.exchange.embedded.sources import PLAY_MS, TableSource
from tests.exchange.embedded.traders import KEY, SECRET, Answer, Client, drawn, pass_minutes, signature, trading
from tests.exchange.embedded.wires import receive
from trader.core.account import AccountEvent, PositionSide
from trader.core.order import Side
from trader.core.venue import NewOrder, NewStop, OrderKind
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.endpoints import Endpoints, endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_stream import UserStream
from trader.exchange.binance.user_stream_futures import futures_user_stream
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions
from trader.execution.governor import WeightGovernor

Bar = tuple[float, float, float, float]
LONG, SHORT, BOTH = PositionSide.LONG, PositionSide.SHORT, PositionSide.BOTH
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "100000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000.000", "stepSize": "0.001"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "500.000", "stepSize": "0.001"},
    {"filterType": "MAX_NUM_ORDERS", "limit": 6},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 4},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
    {"filterType": "PERCENT_PRICE", "multiplierUp": "1.5000", "multiplierDown": "0.5000", "multiplierDecimal": "4"},
]
E = TypeVar("E")


def entry(symbol: str) -> dict[str, Any]:
    """Return the exchangeInfo of a perpetual, with the filters of these tests."""
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.015000",
        "marketTakeBound": "0.05",
        "filters": FILTERS,
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def futures(
    *bars: Bar, symbols: Sequence[str] = ("BTCUSDT",), funding: Iterable[tuple[int, float]] = ()
) -> TableSource:
    """Return a futures market in which these minutes happen when the play begins; funding (minute, rate) of all."""
    rows = list(funding)
    times = PLAY_MS + np.array([minute for minute, _ in rows], np.int64) * 60_000
    rates = np.array([rate for _, rate in rows], np.float64)
    return TableSource(
        {"spot": [drawn("BTCUSDT", ())], "futures": [drawn(symbol, bars) for symbol in symbols]},
        {"futures": {"symbols": [entry(symbol) for symbol in symbols]}},
        dict.fromkeys(symbols, (times, rates)) if rows else None,
    )


class FuturesClient(Client):
    """Signs and sends to USD-M."""

    async def ask(self, method: str, path: str, **params: Any) -> Answer:
        """Return the answer to a request of an account; a path without a version is of v1."""
        return await self.send(method, full(path), signed_text(params, self._key))

    async def algo(self, side: str, type: str, **params: Any) -> Answer:
        """Place a conditional order on BTCUSDT."""
        kind = {"algoType": "CONDITIONAL", "type": type}
        return await self.ask("POST", "algoOrder", symbol="BTCUSDT", side=side, **kind, **params)

    async def prepared(self, leverage: int = 10, hedge: bool = True, isolated: bool = True) -> None:
        """Set position mode, margin type and leverage of BTCUSDT."""
        if hedge:
            await self.ask("POST", "positionSide/dual", dualSidePosition="true")
        if isolated:
            await self.ask("POST", "marginType", symbol="BTCUSDT", marginType="ISOLATED")
        await self.ask("POST", "leverage", symbol="BTCUSDT", leverage=leverage)

    async def wallet(self) -> Decimal:
        """Return the wallet of USDT."""
        rows = (await self.ask("GET", "v3/balance")).body
        return next(Decimal(row["balance"]) for row in rows if row["asset"] == "USDT")

    async def positions(self) -> list[dict[str, Any]]:
        """Return what is held."""
        rows: list[dict[str, Any]] = (await self.ask("GET", "v3/positionRisk")).body
        return rows

    async def trades(self) -> list[dict[str, Any]]:
        """Return the executions on BTCUSDT."""
        rows: list[dict[str, Any]] = (await self.ask("GET", "userTrades", symbol="BTCUSDT")).body
        return rows

    async def listen(self, form: str = "/private/ws/{key}", key: str = "") -> aiohttp.ClientWebSocketResponse:
        """Return a socket on the private stream."""
        found = key or (await self.send("POST", "/fapi/v1/listenKey", "")).body["listenKey"]
        return await self.session.ws_connect(form.format(key=found))


async def events(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return all that a socket was sent so far: a request behind it is the fence."""
    await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    found: list[dict[str, Any]] = []
    while True:
        message = await receive(socket)
        if "result" in message:
            return found
        found.append(message.get("data", message))


def full(path: str) -> str:
    """Return the whole path of an endpoint."""
    return f"/fapi/{path}" if path[:1] == "v" and path[1:2].isdigit() else f"/fapi/v1/{path}"


@asynccontextmanager
async def raw(*bars: Bar, **options: Any) -> AsyncIterator[tuple[EmbeddedExchange, FuturesClient]]:
    """Open a market of hand-drawn minutes, and a plain client of its first account."""
    exchange = await opened(*bars, **options)
    async with aiohttp.ClientSession(exchange.base_url) as session:
        yield exchange, FuturesClient(session)
    await exchange.stop()


async def opened(*bars: Bar, **options: Any) -> EmbeddedExchange:
    """Start an exchange on hand-drawn minutes; `play` are options of the play, the rest of its trading side."""
    source = futures(*bars, funding=options.pop("funding", ()), symbols=options.pop("symbols", ("BTCUSDT",)))
    play, balances = options.pop("play", {}), options.pop("balances", "USDT=10000")
    exchange = EmbeddedExchange(
        ExchangeOptions(start=PLAY_MS, hold=True, trading=trading(balances, **options), **play), source
    )
    await exchange.start()
    return exchange


class Desk:
    """Our own client on one exchange: orders, the account, its stream; `events` is what the stream has told."""

    def __init__(self, exchange: EmbeddedExchange, where: Endpoints, client: TradingClient) -> None:
        self.exchange = exchange
        self.where = where
        self.client = client
        self.rest = TradeRest(client)
        self.account = AccountRest(client)
        self.events: list[AccountEvent] = []
        self.stream: UserStream | None = None

    def listen(self) -> UserStream:
        """Return a stream that fills `events`."""
        self.stream = futures_user_stream(self.where, self.client, self.events.append)
        return self.stream

    def told(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [each for each in self.events if isinstance(each, kind)]

    async def prepared(self, leverage: int = 10, hedge: bool = True, symbol: str = "BTCUSDT") -> None:
        """Set hedge mode, isolated margin and a leverage."""
        await self.account.set_hedge_mode(hedge)
        await self.account.set_isolated(symbol)
        await self.account.set_leverage(symbol, leverage)

    def pass_minutes(self, minutes: float) -> None:
        """Let time pass."""
        pass_minutes(self.exchange, minutes)

    def exchange_session(self) -> aiohttp.ClientSession:
        """Return a plain session to the exchange."""
        return aiohttp.ClientSession(self.exchange.base_url)

    async def wallet(self) -> Decimal:
        """Return what the account has of USDT."""
        return (await self.account.account()).balances["USDT"].total


@asynccontextmanager
async def ours(*bars: Bar, listening: bool = True, **options: Any) -> AsyncIterator[Desk]:
    """Open a market of hand-drawn minutes and our client on it, listening."""
    exchange = await opened(*bars, **options)
    where = endpoints("embedded", "futures", exchange.base_url)
    client = TradingClient(where, WeightGovernor(2_400, 0.2), Credentials(KEY, SECRET))
    desk = Desk(exchange, where, client)
    running = asyncio.create_task(desk.listen().run()) if listening else None
    try:
        await client.sync_clock()
        if running is not None:
            await until(lambda: desk.stream is not None and desk.stream.connected)
        yield desk
    finally:
        if desk.stream is not None:
            desk.stream.stop()
        if running is not None:
            await running
        await client.close_connection()
        await exchange.stop()


def market(side: Side, quantity: str, position: PositionSide = LONG, name: str = "m-1") -> NewOrder:
    """Return a market order."""
    return NewOrder(name, "BTCUSDT", side, OrderKind.MARKET, quantity, position_side=position)


def limit(side: Side, quantity: str, price: str, position: PositionSide = LONG, name: str = "l-1") -> NewOrder:
    """Return a limit order."""
    return NewOrder(name, "BTCUSDT", side, OrderKind.LIMIT, quantity, price, position_side=position)


def stop(side: Side, trigger: str, quantity: str = "", position: PositionSide = LONG, name: str = "s-1") -> NewStop:
    """Return a stop; without a quantity it closes the whole position."""
    return NewStop(name, "BTCUSDT", side, OrderKind.STOP_MARKET, trigger, quantity, position)


def signed_text(params: dict[str, Any], key: str) -> str:
    """Return the parameters of a signed request as they are sent."""
    text = urlencode({"timestamp": int(time.time() * 1000)} | params)
    return f"{text}&{urlencode({'signature': signature(text, key)})}"
