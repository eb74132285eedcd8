"""A USD-M account over real sockets with the client of this program: orders go, and the stream tells of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.exchange.binance.account_venue import until
from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.usdm_traders import LONG, SHORT, limit, market, ours, stop
from tests.exchange.embedded.wires import closed_klines, control
from trader.core.account import AlgoUpdate, BalanceUpdate, ConfigUpdate, OrderStatus, OrderUpdate, PositionUpdate
from trader.core.errors import Rejected
from trader.core.order import Side
from trader.core.timeframe import MINUTE_MS
from trader.core.venue import NewOrder, NewStop
from trader.exchange.embedded.options import MAX_SPEED

D = Decimal


async def test_a_whole_session_in_hedge_mode() -> None:
    bars = ((100.0, 101.5, 99.5, 101.0), (101.0, 101.2, 98.0, 98.5))
    async with ours(*bars) as desk:
        assert await desk.account.set_hedge_mode(True)
        assert not await desk.account.set_hedge_mode(True)
        assert await desk.account.set_isolated("BTCUSDT")
        assert await desk.account.set_leverage("BTCUSDT", 10) == 10

        entry = await desk.rest.place(market(Side.BUY, "1"))
        assert (entry.status, entry.cumulative) == (OrderStatus.FILLED, D(1))
        first = await desk.rest.place_stop(stop(Side.SELL, "99", "1"))
        near = await desk.rest.place(limit(Side.SELL, "0.4", "101.5", name="t-1"))
        await desk.rest.place(limit(Side.SELL, "0.6", "105", name="t-2"))
        assert {each.client_id for each in await desk.rest.open_orders("BTCUSDT")} == {"t-1", "t-2"}
        assert [each.client_id for each in await desk.rest.open_stops("BTCUSDT")] == ["s-1"]

        desk.pass_minutes(1)
        assert (await desk.rest.order("BTCUSDT", "t-1")).status is OrderStatus.FILLED
        moved = await desk.rest.place_stop(stop(Side.SELL, "99.5", "0.6", name="s-2"))
        await desk.rest.cancel_stop("s-1")
        assert (await desk.rest.stop("s-1")).status is OrderStatus.CANCELLED

        desk.pass_minutes(1)
        became = await desk.rest.stop("s-2")
        assert (became.status, became.cumulative) == (OrderStatus.FILLED, D("0.6"))
        assert (await desk.rest.order("BTCUSDT", "t-2")).status is OrderStatus.EXPIRED
        assert await desk.account.positions() == []

        def of_stop() -> list[AlgoUpdate]:
            return [each for each in desk.told(AlgoUpdate) if each.exchange_id == moved.exchange_id]

        await until(lambda: bool(of_stop()) and of_stop()[-1].status is OrderStatus.FILLED)
        assert [each.status for each in of_stop()] == [
            *(OrderStatus.OPEN, OrderStatus.TRIGGERED, OrderStatus.TRIGGERED, OrderStatus.FILLED)
        ]
        fills = [each for each in desk.told(OrderUpdate) if each.exchange_id == became.actual_id and each.executions]
        assert [each.executions[0].price for each in fills] == [D("99.4801")]
        assert (first.exchange_id, near.exchange_id) != (moved.exchange_id, became.actual_id)

        trades = await desk.rest.trades("BTCUSDT")
        assert [each.price for each in trades] == [D("100.02"), D("101.5"), D("99.4801")]
        gained = sum(each.realised - each.fee for each in trades)
        assert await desk.wallet() == 10_000 + gained
        assert desk.told(BalanceUpdate)[-1].wallet == 10_000 + gained
        assert desk.told(PositionUpdate)[-1].quantity == 0
        assert desk.told(ConfigUpdate)[0].leverage == 10
        assert [each.client_id for each in desk.told(OrderUpdate)][:2] == ["m-1", "m-1"]


async def test_both_sides_of_a_coin_live_beside_each_other() -> None:
    async with ours((100.0, 100.1, 99.0, 99.5)) as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "1"))
        await desk.rest.place(market(Side.SELL, "0.35", SHORT, "h-1"))
        held = {each.position_side: each for each in await desk.account.positions("BTCUSDT")}
        assert (held[LONG].quantity, held[SHORT].quantity) == (D(1), D("-0.35"))
        assert held[LONG].liquidation_price == D("100.02") * D("0.905")
        assert held[SHORT].entry_price == D("99.98")
        await desk.rest.place(market(Side.BUY, "0.35", SHORT, "h-2"))
        assert [each.position_side for each in await desk.account.positions()] == [LONG]


async def test_refusals_have_the_codes_of_futures() -> None:
    async with ours(listening=False) as desk:
        await desk.prepared(leverage=2)

        async def code(order: NewOrder | NewStop) -> int:
            with pytest.raises(Rejected) as caught:
                await (desk.rest.place_stop(order) if isinstance(order, NewStop) else desk.rest.place(order))
            return caught.value.code

        assert await code(market(Side.SELL, "1")) == -2022
        assert await code(market(Side.BUY, "499", name="big")) == -2019
        await desk.rest.place(market(Side.BUY, "1"))
        assert await code(market(Side.SELL, "2")) == -2022
        assert await code(stop(Side.SELL, "101", "1")) == -2021
        await desk.rest.place_stop(stop(Side.SELL, "99"))
        assert await code(stop(Side.SELL, "98")) == -4116
        with pytest.raises(Rejected) as caught:
            await desk.rest.cancel_stop("nothing")
        assert caught.value.code == -2011


async def test_in_lockstep_an_instant_is_ordered_before_the_next_candle_is_judged() -> None:
    bars = ((100.0, 101.0, 99.0, 100.5), (101.5, 104.0, 98.0, 103.0), (103.5, 104.0, 103.0, 103.5))
    play = {"speed": MAX_SPEED, "lockstep": True}
    async with ours(*bars, play=play, funding=((1, 0.001), (2, 0.001))) as desk, desk.exchange_session() as session:
        await desk.prepared()
        async with session.ws_connect("/market/ws/btcusdt@kline_1m") as socket:
            desk.exchange.play.start()
            await closed_klines(socket, 1)
            await desk.rest.place(market(Side.BUY, "1"))
            await desk.rest.place(market(Side.SELL, "0.5", SHORT, "h-1"))
            await desk.rest.place_stop(stop(Side.SELL, "99", "1"))
            await desk.rest.place(limit(Side.SELL, "1", "103", name="t-1"))
            await control(session, "go", time=PLAY_MS + MINUTE_MS)
            await closed_klines(socket, 1)
            trades = await desk.rest.trades("BTCUSDT")
            paid = await desk.account.income(PLAY_MS, PLAY_MS + 9 * MINUTE_MS, "FUNDING_FEE")
    assert [each.price for each in trades] == [D("101.5203"), D("101.4797"), D("98.9802")]  # the stop comes first
    assert [(each.amount, each.time) for each in paid] == [(D("0.0515"), PLAY_MS + 2 * MINUTE_MS)]


async def test_a_limit_that_the_open_has_passed_is_filled_when_somebody_comes_to_cancel_it() -> None:
    """An order that comes at a candle's open meets that price: what rests below it has been taken by then."""
    bars = ((100.0, 100.1, 99.9, 100.0), (105.0, 105.1, 104.9, 105.0))
    async with ours(*bars, listening=False) as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "2"))
        await desk.rest.place(limit(Side.SELL, "1", "103", name="passed"))
        await desk.rest.place(limit(Side.SELL, "1", "106", name="waits"))
        desk.pass_minutes(1)
        with pytest.raises(Rejected) as caught:
            await desk.rest.cancel("BTCUSDT", "passed")
        assert caught.value.code == -2011
        assert [each.client_id for each in await desk.rest.open_orders("BTCUSDT")] == ["waits"]
        (sold,) = [each for each in await desk.rest.trades("BTCUSDT") if each.side is Side.SELL]
        assert (sold.price, sold.maker, sold.time) == (D("103"), True, desk.exchange.play.clock.now())
