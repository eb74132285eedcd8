"""Orders and accounts by REST: what is asked, exactly, and what the answers become."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.binance.account_venue import AccountVenue, account_venue, trading
from tests.shared import shared_path
from trader.core.account import Execution, ListUpdate, OrderStatus, PositionSide
from trader.core.errors import ConfigError, DataError, InvariantError, Rejected
from trader.core.order import Side
from trader.core.venue import (
    AccountConfig,
    Balance,
    Bracket,
    Commission,
    KeyRights,
    Leg,
    NewList,
    NewOrder,
    NewStop,
    OrderKind,
    SymbolConfig,
)
from trader.exchange.binance import account_codec, trade_codec
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.trade_params import list_params, order_params, stop_params
from trader.exchange.binance.trade_rest import TradeRest

D = Decimal
ENTRY = NewOrder("td-1", "BTCUSDT", Side.BUY, OrderKind.MARKET, "0.0236")
OCO = NewList(
    "td-l",
    "BTCUSDT",
    Side.SELL,
    "0.0236",
    Leg("td-t", OrderKind.LIMIT_MAKER, "100.10"),
    Leg("td-s", OrderKind.STOP_LOSS, "", "90.00"),
)
STOP = NewStop("td-s", "BTCUSDT", Side.SELL, OrderKind.STOP_MARKET, "90.0", "0.023", PositionSide.LONG)
ORDER: dict[str, Any] = {
    **{"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "td-1", "side": "BUY", "type": "MARKET"},
    **{"status": "FILLED", "origQty": "0.0236", "executedQty": "0.0236"},
}
LIST: dict[str, Any] = {
    **{"orderListId": 0, "listClientOrderId": "td-l", "symbol": "BTCUSDT", "listOrderStatus": "EXECUTING"},
    **{"transactionTime": 5, "orders": [{"symbol": "BTCUSDT", "orderId": 1, "clientOrderId": "td-t"}]},
}
ALGO: dict[str, Any] = {
    **{"algoId": 3, "clientAlgoId": "td-s", "algoType": "CONDITIONAL", "orderType": "STOP_MARKET"},
    **{"symbol": "BTCUSDT", "side": "SELL", "positionSide": "LONG", "quantity": "0.023", "algoStatus": "NEW"},
    **{"triggerPrice": "90.0", "createTime": 4, "updateTime": 5, "closePosition": False},
}
SIGNING = {"timestamp", "recvWindow", "signature"}


def sent(venue: AccountVenue) -> dict[str, str]:
    return {name: value for name, value in venue.asked[-1].params.items() if name not in SIGNING}


async def test_a_spot_market_order_is_sent_and_answered_in_full() -> None:
    fills = [{"price": "100", "qty": "0.0236", "commission": "0.00002", "commissionAsset": "BTC", "tradeId": 9}]
    async with account_venue() as venue, trading(venue, "spot") as client:
        venue.answers["POST order"] = ORDER | {"transactTime": 5, "cummulativeQuoteQty": "2.36", "fills": fills}
        update = await TradeRest(client).place(ENTRY)

        assert sent(venue) == {
            **{"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.0236"},
            **{"newClientOrderId": "td-1", "newOrderRespType": "FULL"},
        }
    assert (update.client_id, update.status, update.cumulative_quote, update.time) == (
        "td-1",
        OrderStatus.FILLED,
        D("2.36"),
        5,
    )
    assert update.executions == (Execution(9, D("0.0236"), D(100), 5, D("0.00002"), "BTC"),)


async def test_a_futures_order_is_answered_without_its_price() -> None:
    order = NewOrder("td-t", "BTCUSDT", Side.SELL, OrderKind.LIMIT, "0.023", "110.0", position_side=PositionSide.LONG)
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.answers["POST order"] = ORDER | {"positionSide": "LONG", "updateTime": 5, "clientOrderId": "td-t"}
        update = await TradeRest(client).place(order)

        assert sent(venue) == {
            **{"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "quantity": "0.023", "price": "110.0"},
            **{"timeInForce": "GTC", "positionSide": "LONG", "newClientOrderId": "td-t", "newOrderRespType": "RESULT"},
        }
    assert (update.cumulative_quote, update.position_side, update.executions) == (0, PositionSide.LONG, ())


async def test_an_oco_list_carries_our_ids_on_all_three() -> None:
    async with account_venue() as venue, trading(venue, "spot") as client:
        venue.answers["POST orderList/oco"] = LIST | {"orderReports": [ORDER | {"orderListId": 0, "status": "NEW"}]}
        placed = await TradeRest(client).place_list(OCO)

        assert sent(venue) == {
            **{"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.0236", "listClientOrderId": "td-l"},
            **{"aboveType": "LIMIT_MAKER", "aboveClientOrderId": "td-t", "abovePrice": "100.10"},
            **{"belowType": "STOP_LOSS", "belowClientOrderId": "td-s", "belowStopPrice": "90.00"},
            "newOrderRespType": "FULL",
        }
    assert placed.list == ListUpdate("BTCUSDT", "td-l", 0, (("td-t", 1),), False, False, 5)
    assert [each.list_id for each in placed.orders] == [0]


async def test_a_stop_goes_to_the_algo_service_under_our_id() -> None:
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.answers["POST algoOrder"] = ALGO
        update = await TradeRest(client).place_stop(STOP)

        assert sent(venue) == {
            **{"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"},
            **{"triggerPrice": "90.0", "quantity": "0.023", "positionSide": "LONG", "clientAlgoId": "td-s"},
            "workingType": "CONTRACT_PRICE",
        }
    assert (update.exchange_id, update.status, update.trigger) == (3, OrderStatus.OPEN, D("90.0"))


def test_a_stop_of_the_whole_position_has_no_quantity() -> None:
    params = stop_params(NewStop("td-s", "BTCUSDT", Side.SELL, OrderKind.STOP_MARKET, "90", mark_price=True))

    assert (params["closePosition"], params["workingType"], "quantity" in params) == ("true", "MARK_PRICE", False)


def test_no_order_leaves_without_an_id_of_ours() -> None:
    nameless = NewOrder("", "BTCUSDT", Side.BUY, OrderKind.MARKET, "1")
    with pytest.raises(InvariantError):
        order_params("spot", nameless)
    with pytest.raises(InvariantError):
        list_params(NewList("", "BTCUSDT", Side.SELL, "1", OCO.above, OCO.below))
    with pytest.raises(InvariantError):
        list_params(NewList("td-l", "BTCUSDT", Side.SELL, "1", OCO.above, Leg("", OrderKind.STOP_LOSS)))
    with pytest.raises(InvariantError):
        stop_params(NewStop("", "BTCUSDT", Side.SELL, OrderKind.STOP_MARKET, "90"))


def test_what_a_market_does_not_take_is_not_sent() -> None:
    with pytest.raises(ConfigError, match="STOP_MARKET"):
        order_params("futures", NewOrder("a", "BTCUSDT", Side.SELL, OrderKind.STOP_MARKET, "1"))
    with pytest.raises(ConfigError, match="position side"):
        order_params("spot", NewOrder("a", "B", Side.SELL, OrderKind.MARKET, "1", position_side=PositionSide.LONG))


@pytest.mark.parametrize("market", ["spot", "futures"])
async def test_orders_are_cancelled_and_looked_up_by_our_id(market: Any) -> None:
    async with account_venue() as venue, trading(venue, market) as client:
        cancelled = ORDER | {"clientOrderId": "the-cancel", "origClientOrderId": "td-1", "status": "CANCELED"}
        venue.answers |= {"DELETE order": cancelled, "GET order": ORDER, "GET openOrders": [ORDER]}
        rest = TradeRest(client)

        assert (await rest.cancel("BTCUSDT", "td-1")).client_id == "td-1"
        assert sent(venue) == {"symbol": "BTCUSDT", "origClientOrderId": "td-1"}
        assert (await rest.order("BTCUSDT", "td-1")).status is OrderStatus.FILLED
        await rest.order("BTCUSDT", exchange_id=7)
        assert sent(venue) == {"symbol": "BTCUSDT", "orderId": "7"}
        assert len(await rest.open_orders("BTCUSDT")) == 1
        await rest.open_orders()
        assert sent(venue) == {}


async def test_an_order_that_is_not_known_is_a_refusal_with_its_code() -> None:
    async with account_venue() as venue, trading(venue, "spot") as client:
        venue.script = [(400, {}, '{"code":-2013,"msg":"Order does not exist."}')]
        with pytest.raises(Rejected) as caught:
            await TradeRest(client).order("BTCUSDT", "td-1")

    assert caught.value.code == -2013


async def test_lists_and_stops_are_asked_for_and_cancelled_by_our_id() -> None:
    async with account_venue() as venue, trading(venue, "spot") as client:
        done = LIST | {"listOrderStatus": "ALL_DONE"}
        venue.answers |= {"GET orderList": LIST, "GET openOrderList": [LIST], "DELETE orderList": done}
        rest = TradeRest(client)
        assert (await rest.order_list("td-l")).list_id == 0
        assert sent(venue) == {"origClientOrderId": "td-l"}
        assert [each.client_id for each in await rest.open_lists()] == ["td-l"]
        assert (await rest.cancel_list("BTCUSDT", "td-l")).list.ended
        assert sent(venue) == {"symbol": "BTCUSDT", "listClientOrderId": "td-l"}
        with pytest.raises(ConfigError, match="MARKET=futures"):
            await rest.place_stop(STOP)
    async with account_venue() as venue, trading(venue, "futures") as client:
        told = {"algoId": 3, "clientAlgoId": "td-s", "code": "200", "msg": "success"}
        finished = ALGO | {"algoStatus": "FINISHED", "actualOrderId": "77"}
        venue.answers |= {"DELETE algoOrder": told, "GET algoOrder": finished, "GET openAlgoOrders": [ALGO]}
        rest = TradeRest(client)
        await rest.cancel_stop("td-s")
        assert sent(venue) == {"clientAlgoId": "td-s"}
        stop = await rest.stop("td-s")
        assert (stop.actual_id, stop.status) == (77, OrderStatus.TRIGGERED)
        assert len(await rest.open_stops("BTCUSDT")) == 1
        with pytest.raises(ConfigError, match="MARKET=spot"):
            await rest.place_list(OCO)


async def test_executions_are_asked_for_from_an_id_on_and_come_in_its_order() -> None:
    spot = {"symbol": "BTCUSDT", "orderId": 7, "price": "100", "qty": "1", "commission": "0.1", "time": 5}
    rows = [spot | {"id": 2, "isBuyer": False, "isMaker": True}, spot | {"id": 1, "isBuyer": True}]
    async with account_venue() as venue, trading(venue, "spot") as client:
        venue.answers["GET myTrades"] = rows
        trades = await TradeRest(client).trades("BTCUSDT", from_id=1)

        assert sent(venue) == {"symbol": "BTCUSDT", "limit": "1000", "fromId": "1"}
    assert [(each.trade_id, each.side, each.maker) for each in trades] == [(1, "BUY", False), (2, "SELL", True)]


@pytest.mark.parametrize(
    "answer", [{}, [], {"symbol": "A"}, ORDER | {"origQty": "NaN"}, ORDER | {"side": "UP"}, ORDER | {"orderId": "x"}]
)
def test_an_answer_that_makes_no_sense_is_a_data_error(answer: Any) -> None:
    with pytest.raises(DataError, match="malformed answer"):
        trade_codec.order_update(answer)


# --- accounts


async def test_a_spot_account_and_its_fees() -> None:
    balances = [{"asset": "BTC", "free": "1.5", "locked": "0.5"}, {"asset": "ETH", "free": "0", "locked": "0"}]
    discount = {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75"}
    rates = {"standardCommission": {"maker": "0.001", "taker": "0.001"}, "taxCommission": {"maker": "0.0001"}}
    async with account_venue() as venue, trading(venue, "spot") as client:
        venue.answers["GET account"] = {"balances": balances, "canTrade": True, "canWithdraw": True}
        venue.answers["GET account/commission"] = rates | {"symbol": "BTCUSDT", "discount": discount}
        rights = {"enableSpotAndMarginTrading": True, "ipRestrict": True, "enableWithdrawals": False}
        venue.answers["GET account/apiRestrictions"] = rights
        rest = AccountRest(client)

        account = await rest.account()
        assert account.balances == {"BTC": Balance("BTC", D("1.5"), D("0.5"), D(2))}
        assert account.can_withdraw
        assert await rest.commission("BTCUSDT") == Commission("BTCUSDT", D("0.0011"), D("0.001"), D("0.75"), "BNB")
        assert await rest.key_rights() == KeyRights(True, False, False, True)
        del rights["enableWithdrawals"]
        with pytest.raises(DataError, match="apiRestrictions"):
            await rest.key_rights()
        with pytest.raises(ConfigError, match="positions"):
            await rest.positions()


async def test_a_futures_account_and_how_it_is_traded() -> None:
    config = {"dualSidePosition": True, "canTrade": True, "multiAssetsMargin": False}
    bracket = {"initialLeverage": 75, "notionalCap": 5_000, "notionalFloor": 0, "maintMarginRatio": 0.0065, "cum": 0.0}
    position = {"symbol": "BTCUSDT", "positionAmt": "-0.5", "entryPrice": "100", "positionSide": "SHORT"}
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.answers |= {
            "GET balance": [{"asset": "USDT", "balance": "10", "availableBalance": "4"}],
            "GET accountConfig": config,
            "GET symbolConfig": [{"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 3}],
            "GET positionRisk": [position, position | {"positionAmt": "0.000", "positionSide": "LONG"}],
            "GET commissionRate": {
                **{"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"}
            },
            "GET leverageBracket": [{"symbol": "BTCUSDT", "brackets": [bracket]}],
            "GET income": [
                {"incomeType": "FUNDING_FEE", "income": "-0.1", "asset": "USDT", "time": 5, "tranId": 1, "symbol": "B"}
            ],
        }
        rest = AccountRest(client)

        account = await rest.account()
        assert account.balances == {"USDT": Balance("USDT", D(4), D(6), D(10))}
        assert await rest.config() == AccountConfig(True, True, False)
        assert await rest.symbol_configs() == {"BTCUSDT": SymbolConfig("BTCUSDT", 3, True)}
        assert [(each.position_side, each.quantity) for each in await rest.positions()] == [("SHORT", D("-0.5"))]
        assert (await rest.commission("BTCUSDT")).taker == D("0.0005")
        assert await rest.brackets() == {"BTCUSDT": (Bracket(D(0), D(5_000), 75, D("0.0065"), D(0)),)}
        (income,) = await rest.income(0, 10, "FUNDING_FEE")
        assert (income.amount, income.kind) == (D("-0.1"), "FUNDING_FEE")
        assert sent(venue) == {"startTime": "0", "endTime": "9", "limit": "1000", "incomeType": "FUNDING_FEE"}


async def test_what_is_so_already_is_a_success() -> None:
    async with account_venue() as venue, trading(venue, "futures") as client:
        rest = AccountRest(client)
        venue.answers |= {"POST marginType": {"code": 200, "msg": "success"}, "POST leverage": {"leverage": 3}}
        assert await rest.set_isolated("BTCUSDT")
        venue.script = [(400, {}, '{"code":-4046,"msg":"No need to change margin type."}')]
        assert not await rest.set_isolated("BTCUSDT")
        venue.script = [(400, {}, '{"code":-4059,"msg":"No need to change position side."}')]
        assert not await rest.set_hedge_mode(True)
        assert sent(venue) == {"dualSidePosition": "true"}
        assert await rest.set_leverage("BTCUSDT", 3) == 3
        venue.script = [(400, {}, '{"code":-4048,"msg":"Margin type cannot be changed if there exists position."}')]
        with pytest.raises(Rejected):
            await rest.set_isolated("BTCUSDT")


async def test_a_listen_key_is_made_and_prolonged_without_a_signature() -> None:
    async with account_venue() as venue, trading(venue, "futures") as client:
        rest = AccountRest(client)
        venue.answers |= {"POST listenKey": {"listenKey": "abc"}, "PUT listenKey": {}}
        assert await rest.make_listen_key() == "abc"
        assert not SIGNING & venue.asked[-1].params.keys()
        await rest.keep_listen_key("abc")
        venue.answers["POST listenKey"] = {"listenKey": ""}
        with pytest.raises(DataError, match="listenKey"):
            await rest.make_listen_key()


RECORDED: dict[str, Any] = {
    "rs/futures/http_json/order_response.json": trade_codec.order_update,
    "rs/spot/http_json/order_response.json": trade_codec.order_update,
    "rs/spot/http_json/new_order_full_response.json": trade_codec.order_update,
    "rs/spot/http_json/cancel_order_response.json": trade_codec.order_update,
    "rs/spot/http_json/open_orders_response.json": trade_codec.order_updates,
    "rs/spot/http_json/all_orders_response.json": trade_codec.order_updates,
    "py/http_responses/http_futures_account_orders.json": trade_codec.order_updates,
    "rs/futures/http_json/open_algo_orders.json": trade_codec.algo_updates,
    "rs/spot/http_json/account_trades_response.json": trade_codec.account_trades,
    "py/http_responses/http_futures_account_trades.json": trade_codec.account_trades,
    "rs/spot/http_json/account_response.json": account_codec.spot_account,
    "py/http_responses/http_spot_wallet_account.json": account_codec.spot_account,
    "rs/futures/http_json/position_risk.json": account_codec.positions,
    "py/http_responses/http_futures_account_positions_hedge.json": account_codec.positions,
    "py/http_responses/http_futures_account_symbol_config.json": account_codec.symbol_configs,
    "py/http_responses/http_futures_wallet_commission_rate_btcusdt.json": account_codec.futures_commission,
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers_are_read(name: str) -> None:
    answer = json.loads(shared_path("data", "recorded", "messages", *name.split("/")).read_bytes())

    assert RECORDED[name](answer)
