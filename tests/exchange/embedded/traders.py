"""What tests of trading share: accounts, a market drawn by hand, a client that signs, a play moved by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
import numpy as np
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from tests.exchange.embedded.sources import PLAY_MS, TableSource
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.exchange.embedded.accounts.specs import AccountSpec, parse_balances
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import Trading
from trader.market.table import CandleTable

KEY, SECRET = "key-of-a-test", "secret-of-a-test"
#: An Ed25519 key made for tests alone.
PRIVATE = ECC.construct(curve="Ed25519", seed=b"a seed for tests, 32 bytes long.")
PUBLIC_TEXT = "ed25519:" + base64.b64encode(PRIVATE.public_key().export_key(format="raw")).decode()
ED_KEY = "ed-key-of-a-test"
#: Prices around which hand-drawn markets move: open, high, low, close of quiet minutes.
QUIET = (100.0, 100.1, 99.9, 100.0)
HALF = Decimal("0.0002")
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000.000", "stepSize": "0.001"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "100.000", "stepSize": "0.001"},
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "2",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5",
        "askMultiplierDown": "0.8",
        "avgPriceMins": 5,
    },
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00",
        "applyMinToMarket": True,
        "maxNotional": "900000.00",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 10},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 3},
    {"filterType": "MAX_POSITION", "maxPosition": "1000.00000000"},
]


def entry(symbol: str) -> dict[str, Any]:
    """Return the exchangeInfo of a symbol, with the filters of these tests."""
    kinds = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": kinds,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": FILTERS,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def drawn(symbol: str, bars: Sequence[tuple[float, float, float, float]]) -> CandleTable:
    """Return minutes: quiet ones before the play begins, then `bars` (open, high, low, close), then quiet ones."""
    before, after = 1_000, 100
    rows = np.array([QUIET] * before + list(bars) + [QUIET] * after)
    times = PLAY_MS + (np.arange(len(rows), dtype=np.int64) - before) * MINUTE_MS
    columns = dict(zip(("open", "high", "low", "close"), rows.T, strict=True))
    volume = np.full(len(rows), 64.0)
    extra = {"quote_volume": volume * columns["close"], "count": volume, "taker_buy_volume": volume / 2}
    return CandleTable.build(
        symbol,
        Timeframe.MIN_1,
        times,
        **columns,
        volume=volume,
        **extra,
        taker_buy_quote_volume=volume * columns["close"] / 2,
    )


def market(*bars: tuple[float, float, float, float], symbols: Sequence[str] = ("BTCUSDT",)) -> TableSource:
    """Return a spot market in which these minutes happen when the play begins."""
    infos = {"spot": {"symbols": [entry(symbol) for symbol in symbols]}}
    return TableSource({"spot": [drawn(symbol, bars) for symbol in symbols]}, infos)


def trading(balances: str = "USDT=10000,BTC=10", **options: Any) -> Trading:
    """Return options with two accounts: the first has an HMAC key, the second an Ed25519 one."""
    money = parse_balances(balances)
    specs = (
        AccountSpec(KEY, SECRET, money, pays_in_bnb=options.pop("pays_in_bnb", False)),
        AccountSpec(ED_KEY, PUBLIC_TEXT, money),
    )
    return Trading(accounts=options.pop("accounts", specs), **options)


def pass_minutes(exchange: EmbeddedExchange, minutes: float) -> int:
    """Let time of a play that is on hold pass; return the play's time."""
    clock = exchange.play.clock
    clock.reach(clock.now() + int(minutes * MINUTE_MS))
    exchange.trading.advance(clock.now())
    return clock.now()


def signature(text: str, key: str = KEY) -> str:
    """Return the signature of `text` by the key of one of the two accounts."""
    if key == ED_KEY:
        return base64.b64encode(eddsa.new(PRIVATE, "rfc8032").sign(text.encode())).decode()
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


Desk = Callable[..., Awaitable[tuple[EmbeddedExchange, "Client"]]]


class Answer(msgspec.Struct):
    """Status, body and headers (upper case) of an answer."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> int:
        """The code of a refusal."""
        code: int = self.body["code"]
        return code


class Client:
    """Signs and sends: GET and DELETE in the query, POST and PUT in the body."""

    def __init__(self, session: aiohttp.ClientSession, key: str = KEY) -> None:
        self.session = session
        self._key = key

    async def ask(self, method: str, path: str, **params: Any) -> Answer:
        """Return the answer to a request of an account on spot."""
        text = urlencode({"timestamp": int(time.time() * 1000)} | params)
        return await self.send(
            method, f"/api/v3/{path}", f"{text}&{urlencode({'signature': signature(text, self._key)})}"
        )

    async def send(self, method: str, path: str, text: str) -> Answer:
        """Return the answer to a request that is signed already."""
        in_query = method in ("GET", "DELETE")
        headers = {"X-MBX-APIKEY": self._key, "Content-Type": "application/x-www-form-urlencoded"}
        url = f"{path}?{text}" if in_query else path
        body = None if in_query else text
        async with self.session.request(method, yarl_of(self.session, url), data=body, headers=headers) as answer:
            raw = await answer.read()
            upper = {name.upper(): value for name, value in answer.headers.items()}
            return Answer(answer.status, msgspec.json.decode(raw), upper)

    async def order(self, side: str, type: str, **params: Any) -> Answer:
        """Place an order on BTCUSDT."""
        return await self.ask("POST", "order", symbol="BTCUSDT", side=side, type=type, **params)

    async def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return free and locked of each asset."""
        rows = (await self.ask("GET", "account")).body["balances"]
        return {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in rows}


def yarl_of(session: aiohttp.ClientSession, url: str) -> Any:
    """Return a URL that aiohttp sends as it is, percent signs and all."""
    base = session._base_url
    assert base is not None
    return type(base)(f"{base.origin()}{url}", encoded=True)
