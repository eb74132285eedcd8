"""One spot account against the embedded exchange, over real sockets: orders go, answers and events agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import reduce

import pytest

from tests.builders import START_MS
from tests.exchange.binance.account_venue import until
from tests.exchange.embedded.sources import two_markets
from trader.core.account import AccountEvent, OrderUpdate, StreamBack
from trader.core.errors import ExchangeError, Rejected, Unauthorized
from trader.core.order import Side
from trader.core.timeframe import MINUTE_MS
from trader.core.venue import Leg, NewList, NewOrder, OrderKind
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.endpoints import Endpoints, endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_stream_spot import spot_user_stream
from trader.exchange.embedded.accounts.specs import AccountSpec
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions, Trading
from trader.execution.client_ids import ClientId, Purpose, parse
from trader.execution.fees import bought
from trader.execution.governor import WeightGovernor
from trader.execution.outcomes import Act, Ask, Why, outcome_of
from trader.execution.states import Order, OrderState, advance

KEY, SECRET = "a-key", "a-secret"
D = Decimal


@asynccontextmanager
async def exchange() -> AsyncIterator[Endpoints]:
    trading = Trading(accounts=(AccountSpec(KEY, SECRET),))
    options = ExchangeOptions(start=START_MS + 1_000 * MINUTE_MS, hold=True, trading=trading)
    embedded = EmbeddedExchange(options, two_markets())
    await embedded.start()
    try:
        yield endpoints("embedded", "spot", embedded.base_url)
    finally:
        await embedded.stop()


@asynccontextmanager
async def client_of(where: Endpoints, secret: str = SECRET) -> AsyncIterator[TradingClient]:
    client = TradingClient(where, WeightGovernor(6_000, 0.2), Credentials(KEY, secret))
    await client.sync_clock()
    try:
        yield client
    finally:
        await client.close_connection()


def id_of(purpose: Purpose, attempt: int = 0) -> str:
    return ClientId("run", 1, purpose, 0, attempt).text


def market(side: Side, quantity: str, attempt: int = 0) -> NewOrder:
    return NewOrder(id_of(Purpose.ENTRY, attempt), "BTCUSDT", side, OrderKind.MARKET, quantity)


async def test_answers_events_and_look_ups_make_the_same_order() -> None:
    events: list[AccountEvent] = []
    async with exchange() as where, client_of(where) as client:
        stream = spot_user_stream(where, client, events.append)
        running = asyncio.create_task(stream.run())
        await until(lambda: stream.connected)
        rest = TradeRest(client)
        answer = await rest.place(market(Side.BUY, "1"))
        asked = await rest.order("BTCUSDT", id_of(Purpose.ENTRY))
        await until(lambda: any(isinstance(each, OrderUpdate) and each.executions for each in events))
        trades = await rest.trades("BTCUSDT", exchange_id=answer.exchange_id)
        account = await AccountRest(client).account()
        stream.stop()
        await running

    told = [each for each in events if isinstance(each, OrderUpdate)]
    fresh = Order(id_of(Purpose.ENTRY), "BTCUSDT", Side.BUY, D(1))
    straight = reduce(advance, [answer, asked, *told], fresh)
    assert reduce(advance, [*reversed(told), asked, answer], fresh) == straight
    assert (straight.state, straight.untold) == (OrderState.FILLED, 0)
    assert {each.trade_id for each in straight.executions} == {each.trade_id for each in trades}
    assert account.balances["BTC"].total == bought(straight.executions, "BTC")
    assert isinstance(events[0], StreamBack)


async def test_a_list_protects_and_is_cancelled_by_our_id() -> None:
    async with exchange() as where, client_of(where) as client:
        rest = TradeRest(client)
        entry = await rest.place(market(Side.BUY, "1"))
        price = (entry.cumulative_quote / entry.cumulative).quantize(D("0.01"))
        legs = (
            Leg(id_of(Purpose.TARGET), OrderKind.LIMIT_MAKER, str(price + 5)),
            Leg(id_of(Purpose.STOP), OrderKind.STOP_LOSS, "", str(price - 5)),
        )
        wanted = NewList(id_of(Purpose.LIST), "BTCUSDT", Side.SELL, "0.9", *legs)
        placed = await rest.place_list(wanted)

        assert {name for name, _ in placed.list.legs} == {leg.client_id for leg in legs}
        purposes = {parse(each.client_id).purpose for each in await rest.open_orders("BTCUSDT")}  # type: ignore[union-attr]
        assert purposes == {Purpose.TARGET, Purpose.STOP}
        assert [each.client_id for each in await rest.open_lists()] == [wanted.client_id]

        cancelled = await rest.cancel_list("BTCUSDT", wanted.client_id)
        assert cancelled.list.ended
        assert {each.client_id for each in cancelled.orders} == {leg.client_id for leg in legs}
        assert await rest.open_orders() == []
        assert (await rest.order_list(wanted.client_id)).ended


async def refused(rest: TradeRest, order: NewOrder) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        await rest.place(order)
    return caught.value


async def test_refusals_become_the_outcomes_of_the_table() -> None:
    async with exchange() as where, client_of(where) as client:
        rest = TradeRest(client)
        dear = outcome_of("spot", await refused(rest, market(Side.BUY, "100000")), Ask.PLACE)
        assert (dear.act, dear.why) == (Act.REJECTED, Why.INSUFFICIENT)

        with pytest.raises(Rejected) as caught:
            await rest.order("BTCUSDT", id_of(Purpose.ENTRY, 9))
        assert outcome_of("spot", caught.value, Ask.READ).act is Act.NOT_FOUND
        with pytest.raises(Rejected) as caught:
            await rest.cancel("BTCUSDT", id_of(Purpose.ENTRY, 9))
        assert outcome_of("spot", caught.value, Ask.CANCEL).act is Act.LOOK_UP


async def test_the_same_id_twice_is_a_duplicate_while_it_rests() -> None:
    async with exchange() as where, client_of(where) as client:
        rest = TradeRest(client)
        resting = NewOrder(id_of(Purpose.TARGET), "BTCUSDT", Side.BUY, OrderKind.LIMIT, "1", "50.00")
        placed = await rest.place(resting)
        assert outcome_of("spot", await refused(rest, resting), Ask.PLACE).act is Act.LOOK_UP
        assert (await rest.order("BTCUSDT", resting.client_id)).exchange_id == placed.exchange_id
        assert (await rest.cancel("BTCUSDT", resting.client_id)).client_id == resting.client_id


async def test_a_wrong_secret_is_no_key() -> None:
    async with exchange() as where, client_of(where, "another") as client:
        with pytest.raises(Unauthorized):
            await AccountRest(client).account()


async def test_limits_fees_and_rights_are_told() -> None:
    async with exchange() as where, client_of(where) as client:
        rest = AccountRest(client)

        assert await rest.order_limits() == {"10S": 100}
        assert (await rest.commission("BTCUSDT")).taker == D("0.001")
        assert (await rest.key_rights()).spot
        assert (await rest.account()).can_trade
