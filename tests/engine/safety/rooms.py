"""An exchange on this machine that stands for Binance, with a door that writes down what is asked."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.builders import settings
from tests.exchange.embedded.traders import ED_KEY, KEY, PUBLIC_TEXT, SECRET
from trader.core.settings import Settings
from trader.core.timeframe import HOUR_MS
from trader.exchange.embedded.accounts.account import USUAL_RIGHTS, Right
from trader.exchange.embedded.accounts.specs import AccountSpec, parse_balances
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions, Trading

#: A symbol's price in the generated market is some 100,000.
COINS = ("BTCUSDT", "ETHUSDT")


def live_settings(home: Path, rest: str, stream: str, **overrides: Any) -> Settings:
    """Return the settings of a daemon in MODE=live at addresses of this machine."""
    own = {"MODE": "live", "LIVE_TRADING": "yes", "MAX_CAPITAL": 500, "COINS": list(COINS), "DATA_DIR": str(home)}
    keys = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET, "KEY_FILE": str(home / "keys.json")}
    return settings(**{**own, **keys, "REST_URL": rest, "STREAM_URL": stream, **overrides})


#: The parts of a judge's view that change by acts alone.
ACTS = ("balances", "hedge", "orders", "algos", "lists", "trades", "events")


class Room:
    """The exchange, its address behind the door, and what was asked there."""

    def __init__(self, exchange: EmbeddedExchange, url: str = "") -> None:
        self.exchange = exchange
        self.url = url
        self.asked: list[str] = []

    @property
    def paths(self) -> list[str]:
        """The paths asked for, without their versions' parameters."""
        return [line.split(" ", 1)[1] for line in self.asked]

    def settings(self, home: Path, **overrides: Any) -> Settings:
        """Return the settings of a daemon in MODE=live here."""
        return live_settings(home, self.url, self.exchange.base_url.replace("http", "ws", 1), **overrides)

    def stranger(self, **wish: Any) -> None:
        """Let somebody else's hand act on the account."""
        market = wish.get("market", "spot")
        venue = self.exchange.trading.venues[market]
        with venue.floor.clock.still() as now:
            venue.advance(now)
            venue.stranger(self.exchange.trading.accounts[0], wish)

    def ledger(self) -> str:
        """Return what somebody's acts have made of the first account; prices, which move by themselves, apart."""
        account = self.exchange.trading.accounts[0]
        seen = {name: venue.ledger(account) for name, venue in self.exchange.trading.venues.items()}
        return json.dumps({market: {part: told.get(part) for part in ACTS} for market, told in seen.items()})


@asynccontextmanager
async def room(rights: frozenset[Right] = USUAL_RIGHTS, balances: str = "USDT=1000") -> AsyncIterator[Room]:
    """Open an exchange whose market runs at wall time, as Binance's does."""
    money, now = parse_balances(balances), int(time.time() * 1000)
    accounts = (AccountSpec(KEY, SECRET, money, rights), AccountSpec(ED_KEY, PUBLIC_TEXT, money, rights))
    options = ExchangeOptions(symbols=COINS, start=now - HOUR_MS, at=now, speed=1.0, trading=Trading(accounts=accounts))
    exchange = EmbeddedExchange(options)
    await exchange.start()
    opened = Room(exchange)
    application = web.Application()
    session = aiohttp.ClientSession()

    async def pass_on(request: web.Request) -> web.Response:
        opened.asked.append(f"{request.method} {request.path}")
        headers = {"X-MBX-APIKEY": request.headers["X-MBX-APIKEY"]} if "X-MBX-APIKEY" in request.headers else {}
        address = f"{exchange.base_url}{request.raw_path}"
        async with session.request(request.method, address, data=await request.read(), headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.upper().startswith("X-MBX")}
            return web.Response(
                body=await answer.read(), status=answer.status, headers=kept, content_type="application/json"
            )

    application.router.add_route("*", "/{tail:.*}", pass_on)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield opened
    finally:
        await session.close()
        await runner.cleanup()
        await exchange.stop()
