"""What goes wrong around orders on USD-M, and that our client finds out what became of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.exchange.binance.account_venue import until
from tests.exchange.embedded.usdm_traders import LONG, limit, market, ours, raw, stop
from tests.exchange.embedded.wires import control
from trader.core.account import OrderStatus, OrderUpdate
from trader.core.errors import ExchangeError, Rejected
from trader.core.order import Side
from trader.execution.outcomes import Act, Ask, outcome_of

D = Decimal


@pytest.mark.parametrize("kind", ["answer_lost", "503_unknown", "-1006", "-1007"])
async def test_an_order_of_open_outcome_is_found_by_its_id(kind: str) -> None:
    async with ours() as desk:
        await desk.prepared()
        async with desk.exchange_session() as session:
            await control(session, "fault", kind=kind, amount=1)
        with pytest.raises(ExchangeError) as caught:
            await desk.rest.place(market(Side.BUY, "1"))
        assert outcome_of("futures", caught.value, Ask.PLACE).act is Act.LOOK_UP
        assert (await desk.rest.order("BTCUSDT", "m-1")).status is OrderStatus.FILLED
        await until(lambda: any(each.executions for each in desk.told(OrderUpdate)))


@pytest.mark.parametrize("kind", ["503_unavailable", "503_internal", "-1008"])
async def test_an_order_that_failed_was_never_there(kind: str) -> None:
    async with ours(listening=False) as desk:
        await desk.prepared()
        async with desk.exchange_session() as session:
            await control(session, "fault", kind=kind)
        with pytest.raises(ExchangeError):
            await desk.rest.place(market(Side.BUY, "1"))
        with pytest.raises(Rejected) as caught:
            await desk.rest.order("BTCUSDT", "m-1")
        assert outcome_of("futures", caught.value, Ask.READ).act is Act.NOT_FOUND


async def test_a_stop_whose_answer_was_lost_is_a_duplicate_when_it_is_sent_again() -> None:
    async with ours(listening=False) as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "1"))
        async with desk.exchange_session() as session:
            await control(session, "fault", kind="answer_lost")
        with pytest.raises(ExchangeError):
            await desk.rest.place_stop(stop(Side.SELL, "99", "1"))
        with pytest.raises(Rejected) as caught:
            await desk.rest.place_stop(stop(Side.SELL, "99", "1"))
        assert outcome_of("futures", caught.value, Ask.PLACE).act is Act.LOOK_UP
        assert (await desk.rest.stop("s-1")).status is OrderStatus.OPEN


async def test_a_stop_may_be_refused_though_its_price_has_not_come() -> None:
    async with raw() as (_, client):
        await control(client.session, "fault", kind="stop_rejected")
        wish = {"quantity": "1", "triggerPrice": "99"}
        assert (await client.algo("SELL", "STOP_MARKET", **wish)).code == -2021
        assert (await client.algo("SELL", "STOP_MARKET", **wish)).status == 200


async def test_new_orders_may_be_unknown_to_readers_for_a_while() -> None:
    async with ours(listening=False) as desk:
        await desk.prepared()
        async with desk.exchange_session() as session:
            await control(session, "fault", kind="read_lag", amount=0.1, count=2)
        await desk.rest.place(limit(Side.BUY, "1", "90"))
        with pytest.raises(Rejected) as caught:
            await desk.rest.order("BTCUSDT", "l-1")
        assert caught.value.code == -2013
        assert await desk.rest.open_orders("BTCUSDT") == []


async def test_accounts_are_read_by_our_client() -> None:
    async with ours(listening=False, funding=((1, 0.0001),)) as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "1"))
        desk.pass_minutes(1)
        config = await desk.account.config()
        assert (config.can_trade, config.hedge_mode, config.multi_assets) == (True, True, False)
        assert (await desk.account.symbol_configs())["BTCUSDT"].isolated
        assert (await desk.account.commission("BTCUSDT")).maker == D("0.0002")
        assert (await desk.account.brackets("BTCUSDT"))["BTCUSDT"][0].maintenance_rate == D("0.005")
        assert await desk.account.order_limits() == {"10S": 300, "1M": 1_200}
        now = desk.exchange.play.clock.now()
        paid = await desk.account.income(now - 1, now + 1, "FUNDING_FEE")
        assert [(each.amount, each.symbol) for each in paid] == [(D("-0.01"), "BTCUSDT")]
        balance = (await desk.account.account()).balances["USDT"]
        (held,) = await desk.account.positions()
        assert (held.position_side, held.margin) == (LONG, D("10.002") + held.unrealised)
        assert balance.total - balance.free == D("10.002")
