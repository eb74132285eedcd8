"""The exchange of a daemon's own: an account without anybody's key, which goes on over restarts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import settings
from trader.core.order import Side
from trader.core.settings import Settings
from trader.core.venue import Account, NewOrder, OrderKind
from trader.engine.live.child import ACCOUNTS_NAME, Child, embedded_child
from trader.engine.safety.gate import orders_wanted, start_faults
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.trade_client import TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.embedded.options import parse_time
from trader.execution.governor import WeightGovernor

OWN = {"MODE": "embedded", "COINS": ["BTCUSDT"], "BACKTEST_INITIAL_CAPITAL": 2_345.5, "LOG_FILE": ""}


@asynccontextmanager
async def account_of(child: Child) -> AsyncIterator[TradingClient]:
    """Trade on the account of a child."""
    assert child.credentials is not None
    client = TradingClient(endpoints("embedded", "spot", child.url), WeightGovernor(6_000), child.credentials)
    try:
        await client.sync_clock()
        yield client
    finally:
        await client.close_connection()


async def held(child: Child) -> Account:
    """Return the account."""
    async with account_of(child) as client:
        return await AccountRest(client).account()


async def test_its_account_goes_on_and_nobody_else_can_read_its_key(tmp_path: Path) -> None:
    own: Settings = settings(**OWN)
    start = parse_time(own.EMBEDDED.start)
    async with embedded_child(own, tmp_path, None) as child:
        assert {name: each.total for name, each in (await held(child)).balances.items()} == {"USDT": Decimal("2345.5")}
        async with account_of(child) as client:
            bought = NewOrder("entry", "BTCUSDT", Side.BUY, OrderKind.MARKET, "0.01")
            await TradeRest(client).place(bought)
        before = (await held(child)).balances
        assert child.credentials is not None
        first = child.credentials
        is_nowhere(first.api_secret, child.pid, tmp_path)
    async with embedded_child(own, tmp_path, start) as child:
        assert (await held(child)).balances == before
        assert child.credentials != first
    async with embedded_child(own, tmp_path, None) as child:
        assert (await held(child)).balances["USDT"].total == Decimal("2345.5")
    assert len([name for name in os.listdir(tmp_path) if name.startswith(f"{ACCOUNTS_NAME}-")]) == 1


def is_nowhere(secret: str, pid: int, home: Path) -> None:
    """Check that a secret is in no command line, environment or file."""
    proc = Path(f"/proc/{pid}")
    places = [proc / "cmdline", proc / "environ"] if proc.exists() else []
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    assert [path for path in [*places, *files] if secret.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("mode", "orders", "url", "real"),
    [
        ("embedded", "auto", "", True),
        ("embedded", "simulated", "", False),
        ("embedded", "auto", "http://127.0.0.1:1", False),
        ("paper", "auto", "", False),
    ],
)
def test_orders_are_real_where_an_exchange_has_an_account(mode: str, orders: str, url: str, real: bool) -> None:
    asked = settings(**{**OWN, "MODE": mode, "ORDERS": orders, "REST_URL": url})
    assert orders_wanted(asked) is real
    assert start_faults(asked) == []
