"""Accounts outlive the exchange's process: kept in a file, taken up as they were, of both markets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.traders import KEY, Client, market, pass_minutes, trading
from tests.exchange.embedded.usdm_traders import FuturesClient, futures
from trader.core.errors import ConfigError
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions
from trader.exchange.embedded.source import Source

UP, CRASH = (100.0, 103.0, 100.0, 102.0), (102.0, 102.0, 90.0, 91.0)
OCO = {"aboveType": "LIMIT_MAKER", "abovePrice": "110", "belowType": "STOP_LOSS", "belowStopPrice": "95"}


@asynccontextmanager
async def playing(source: Source, keep: Path, **options: Any) -> AsyncIterator[tuple[EmbeddedExchange, Any]]:
    """Run an exchange that keeps its accounts in `keep`."""
    exchange = EmbeddedExchange(
        ExchangeOptions(start=PLAY_MS, hold=True, trading=trading(), keep=keep, **options), source
    )
    await exchange.start()
    try:
        async with aiohttp.ClientSession(exchange.base_url) as session:
            yield exchange, session
    finally:
        await exchange.stop()


def books(exchange: EmbeddedExchange, name: str) -> dict[str, Any]:
    """Return what a judge sees of the first account, without the events, which nobody hears again."""
    account = exchange.trading.accounts[0]
    seen = dict(exchange.trading.venues[name].ledger(account))
    seen.pop("events")
    return seen


async def test_spot_goes_on_with_wallets_orders_lists_and_numbers(tmp_path: Path) -> None:
    keep, source = tmp_path / "accounts", market(UP, CRASH)
    async with playing(source, keep) as (exchange, session):
        client = Client(session)
        bought = await client.order("BUY", "MARKET", quantity="2", newClientOrderId="entry")
        listed = await client.ask("POST", "orderList/oco", symbol="BTCUSDT", side="SELL", quantity="1.5", **OCO)
        assert (bought.status, listed.status) == (200, 200)
        resting = await client.order("SELL", "LIMIT", quantity="0.5", price="102.5", timeInForce="GTC")
        pass_minutes(exchange, 1)
        crashed, before = keep.read_bytes(), books(exchange, "spot")
        assert resting.body["status"] == "NEW"
    assert [each["status"] for each in before["orders"]] == ["FILLED", "NEW", "NEW", "FILLED"]
    keep.write_bytes(crashed)  # as a process leaves it that was killed: nothing is missing of what anybody was told
    async with playing(source, keep) as (exchange, session):
        client = Client(session)
        assert exchange.play.clock.now() == PLAY_MS + MINUTE_MS
        assert books(exchange, "spot") == before
        assert (await client.balances())["BTC"][1] == 15 / 10, "both legs of the list hold it once"
        found = await client.ask("GET", "order", symbol="BTCUSDT", origClientOrderId="entry")
        assert found.body["orderId"] == bought.body["orderId"]
        pass_minutes(exchange, 1)
        after = books(exchange, "spot")
        assert sorted(each["status"] for each in after["orders"]) == ["EXPIRED", "FILLED", "FILLED", "FILLED"]
        assert (await client.balances())["BTC"][1] == 0
        again = await client.order("BUY", "MARKET", quantity="1")
        assert again.body["orderId"] == max(each["orderId"] for each in before["orders"]) + 1


async def test_usdm_goes_on_with_positions_stops_settings_and_funding_paid_once(tmp_path: Path) -> None:
    keep, source = tmp_path / "accounts", futures(UP, UP, CRASH, funding=[(1, 0.001)])
    async with playing(source, keep) as (exchange, session):
        client = FuturesClient(session)
        await client.prepared(leverage=7)
        entry = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "positionSide": "LONG", "quantity": "2"}
        assert (await client.ask("POST", "order", **entry)).status == 200
        stop = {"positionSide": "LONG", "triggerPrice": "95", "quantity": "2"}
        assert (await client.algo("SELL", "STOP_MARKET", **stop)).status == 200
        pass_minutes(exchange, 1.5)
        crashed, before, wallet = keep.read_bytes(), books(exchange, "futures"), await client.wallet()
    keep.write_bytes(crashed)
    async with playing(source, keep, at=PLAY_MS + MINUTE_MS) as (exchange, session):
        client = FuturesClient(session)
        pass_minutes(exchange, 0.5)  # these prices were judged before: nothing happens twice
        assert books(exchange, "futures") == before
        assert await client.wallet() == wallet
        income = (await client.ask("GET", "income", incomeType="FUNDING_FEE")).body
        assert len(income) == 1
        (row,) = await client.positions()
        assert (row["positionAmt"], row["positionSide"]) == ("2.000", "LONG")
        assert (await client.ask("GET", "symbolConfig", symbol="BTCUSDT")).body[0]["leverage"] == 7
        pass_minutes(exchange, 1.5)
        assert await client.positions() == []


async def test_accounts_of_another_play_are_refused_in_words(tmp_path: Path) -> None:
    keep = tmp_path / "accounts"
    async with playing(market(UP), keep):
        pass
    other = ExchangeOptions(start=PLAY_MS - MINUTE_MS, trading=trading(), keep=keep)
    with pytest.raises(ConfigError, match="has accounts of"):
        EmbeddedExchange(other, market(UP))
    keep.write_bytes(b"no accounts")
    with pytest.raises(ConfigError, match="cannot be read"):
        EmbeddedExchange(ExchangeOptions(start=PLAY_MS, trading=trading(), keep=keep), market(UP))


async def test_keys_and_secrets_are_not_in_the_file(tmp_path: Path) -> None:
    keep = tmp_path / "accounts"
    async with playing(market(UP), keep) as (_, session):
        await Client(session).order("BUY", "MARKET", quantity="1")
    assert KEY.encode() not in keep.read_bytes()
