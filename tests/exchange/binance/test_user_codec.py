"""Events of an account become words of ours, and whatever else comes becomes a DataError or nothing."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_path
from trader.core.account import (
    AlgoUpdate,
    BalanceUpdate,
    ConfigUpdate,
    Execution,
    Forced,
    FundingUpdate,
    ListUpdate,
    MarginCall,
    OrderStatus,
    OrderUpdate,
    PositionSide,
    PositionUpdate,
)
from trader.core.errors import DataError
from trader.core.order import Side
from trader.exchange.binance.user_codec import READERS, Control, ControlKind, WsAnswer, decode_user

D = Decimal
REPORT: dict[str, Any] = {
    **{"e": "executionReport", "E": 5, "s": "BTCUSDT", "c": "mine", "C": "", "S": "BUY", "o": "MARKET", "q": "0.5"},
    **{"x": "TRADE", "X": "PARTIALLY_FILLED", "r": "NONE", "i": 9, "l": "0.2", "z": "0.3", "L": "101", "n": "0.0002"},
    **{"N": "BTC", "T": 4, "t": 77, "m": True, "Z": "30.2", "g": -1, "p": "0", "P": "0"},
}
ORDER: dict[str, Any] = {
    **{"s": "BTCUSDT", "c": "mine", "S": "SELL", "o": "LIMIT", "ot": "LIMIT", "q": "2", "p": "100", "ap": "100"},
    **{"x": "TRADE", "X": "FILLED", "i": 9, "l": "1", "z": "2", "L": "100", "N": "USDT", "n": "0.04", "T": 4, "t": 0},
    **{"m": True, "ps": "LONG", "rp": "3.5", "er": "0"},
}


def read(event: Any) -> Any:
    return decode_user(json.dumps(event).encode())


def order_event(**fields: Any) -> dict[str, Any]:
    return {"e": "ORDER_TRADE_UPDATE", "E": 5, "T": 4, "o": ORDER | fields}


def test_a_report_of_an_execution_tells_all_of_it() -> None:
    (update,) = read(REPORT)

    assert update == OrderUpdate(
        "BTCUSDT",
        "mine",
        9,
        Side.BUY,
        "MARKET",
        OrderStatus.PARTLY_FILLED,
        D("0.5"),
        D("0.3"),
        4,
        cumulative_quote=D("30.2"),
        executions=(Execution(77, D("0.2"), D(101), 4, D("0.0002"), "BTC", True),),
    )


def test_a_cancelled_order_is_named_by_its_own_id_not_by_the_cancels() -> None:
    (update,) = read(REPORT | {"c": "the-cancel", "C": "mine", "x": "CANCELED", "X": "CANCELED", "l": "0"})

    assert (update.client_id, update.status, update.executions) == ("mine", OrderStatus.CANCELLED, ())


def test_an_expired_order_says_why() -> None:
    (update,) = read(REPORT | {"x": "EXPIRED", "X": "EXPIRED", "eR": "INSUFFICIENT_LIQUIDITY"})

    assert (update.status, update.reason) == (OrderStatus.EXPIRED, "INSUFFICIENT_LIQUIDITY")


def test_self_trade_prevention_is_no_execution() -> None:
    (update,) = read(REPORT | {"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"})

    assert (update.status, update.executions) == (OrderStatus.EXPIRED, ())


def test_the_websocket_api_and_combined_streams_wrap_events() -> None:
    assert read({"subscriptionId": 0, "event": REPORT}) == read(REPORT)
    assert read({"stream": "a-key", "data": REPORT}) == read(REPORT)


def test_an_update_of_a_futures_order_tells_all_of_it() -> None:
    (update,) = read(order_event())

    assert update == OrderUpdate(
        "BTCUSDT",
        "mine",
        9,
        Side.SELL,
        "LIMIT",
        OrderStatus.FILLED,
        D(2),
        D(2),
        4,
        PositionSide.LONG,
        D(200),
        D(100),
        executions=(Execution(0, D(1), D(100), 4, D("0.04"), "USDT", True, D("3.5")),),
    )


@pytest.mark.parametrize(
    ("client_id", "forced"),
    [
        ("autoclose-1234567890", Forced.LIQUIDATION),
        ("adl_autoclose", Forced.DELEVERAGING),
        ("settlement_autoclose-9", Forced.SETTLEMENT),
        ("td-a-1-e0-0-aa", Forced.NONE),
    ],
)
def test_the_venues_own_orders_are_told_apart(client_id: str, forced: Forced) -> None:
    assert read(order_event(c=client_id))[0].forced is forced


@pytest.mark.parametrize(
    ("status", "cumulative", "seen"),
    [
        ("NEW_INSURANCE", "2", OrderStatus.FILLED),
        ("NEW_ADL", "1", OrderStatus.PARTLY_FILLED),
        ("SOMETHING", "0", OrderStatus.OPEN),
    ],
)
def test_an_unknown_status_is_told_by_what_is_executed(status: str, cumulative: str, seen: OrderStatus) -> None:
    assert read(order_event(X=status, z=cumulative))[0].status is seen


def test_a_conditional_order_tells_what_it_became() -> None:
    algo = {"caid": "mine", "aid": 5, "s": "BTCUSDT", "S": "SELL", "ps": "LONG", "q": "2", "o": "STOP_MARKET"}
    (update,) = read({"e": "ALGO_UPDATE", "T": 4, "o": algo | {"X": "TRIGGERED", "ai": "88", "tp": "99"}})

    assert update == AlgoUpdate(
        *("BTCUSDT", "mine", 5, Side.SELL, "STOP_MARKET", OrderStatus.TRIGGERED, D(2), D(0), 4),
        position_side=PositionSide.LONG,
        trigger=D(99),
        actual_id=88,
    )


@pytest.mark.parametrize(
    ("executed", "seen"),
    [
        ({"aq": "2"}, OrderStatus.FILLED),
        ({"aq": "0"}, OrderStatus.CANCELLED),
        ({"aq": "1"}, OrderStatus.CANCELLED),
        ({}, OrderStatus.TRIGGERED),
    ],
)
def test_finished_is_an_end_only_with_what_was_executed(executed: dict[str, str], seen: OrderStatus) -> None:
    algo = {"caid": "mine", "aid": 5, "s": "BTCUSDT", "S": "SELL", "q": "2", "X": "FINISHED"}

    assert read({"e": "ALGO_UPDATE", "o": algo | executed})[0].status is seen


def test_a_change_of_an_account_tells_every_balance_and_position() -> None:
    position = {"s": "BTCUSDT", "pa": "-0.5", "ep": "100", "up": "1", "mt": "isolated", "iw": "5", "ps": "SHORT"}
    changes = {"m": "FUNDING_FEE", "B": [{"a": "USDT", "wb": "9", "bc": "-1"}], "P": [position]}

    assert read({"e": "ACCOUNT_UPDATE", "T": 4, "a": changes}) == (
        BalanceUpdate("USDT", 4, wallet=D(9), change=D(-1), reason="FUNDING_FEE"),
        PositionUpdate("BTCUSDT", PositionSide.SHORT, D("-0.5"), D(100), D(1), 4, True, D(5), "FUNDING_FEE"),
        FundingUpdate("BTCUSDT", PositionSide.SHORT, D("-0.5"), D(-1), "USDT", 4),
    )


@pytest.mark.parametrize("change", [{"P": []}, {"m": "ORDER"}])
def test_funding_of_a_cross_position_names_no_position(change: dict[str, Any]) -> None:
    position = {"s": "BTCUSDT", "pa": "-0.5", "ep": "100", "up": "1", "mt": "isolated", "iw": "5", "ps": "SHORT"}
    changes = {"m": "FUNDING_FEE", "B": [{"a": "USDT", "wb": "9", "bc": "-1"}], "P": [position]} | change
    told = read({"e": "ACCOUNT_UPDATE", "T": 4, "a": changes})
    assert not any(isinstance(each, FundingUpdate) for each in told)


def test_the_rest_of_the_events() -> None:
    balances = {"e": "outboundAccountPosition", "E": 5, "u": 4, "B": [{"a": "BTC", "f": "1", "l": "2"}]}
    legs = [{"s": "BTCUSDT", "i": 1, "c": "a"}, {"s": "BTCUSDT", "i": 2, "c": "b"}]
    listed = {"e": "listStatus", "s": "BTCUSDT", "g": 3, "C": "mine", "L": "ALL_DONE", "r": "NONE", "T": 4, "O": legs}

    assert read(balances) == (BalanceUpdate("BTC", 4, D(1), D(2)),)
    assert read({"e": "balanceUpdate", "a": "BTC", "d": "-1", "T": 4}) == (BalanceUpdate("BTC", 4, change=D(-1)),)
    assert read(listed) == (ListUpdate("BTCUSDT", "mine", 3, (("a", 1), ("b", 2)), True, False, 4),)
    assert read({"e": "MARGIN_CALL", "E": 4, "p": [{"s": "BTCUSDT", "ps": "LONG"}]}) == (
        MarginCall(4, (("BTCUSDT", PositionSide.LONG),)),
    )
    assert read({"e": "ACCOUNT_CONFIG_UPDATE", "T": 4, "ac": {"s": "BTCUSDT", "l": 5}}) == (
        ConfigUpdate(4, "BTCUSDT", 5),
    )
    assert read({"e": "ACCOUNT_CONFIG_UPDATE", "T": 4, "ai": {"j": True}}) == (ConfigUpdate(4, multi_assets=True),)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"event": {"e": "serverShutdown", "E": 1}}, ControlKind.SHUTDOWN),
        ({"e": "serverShutdown", "E": 1}, ControlKind.SHUTDOWN),
        ({"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": 1}}, ControlKind.TERMINATED),
        ({"e": "listenKeyExpired", "E": 1, "listenKey": "x"}, ControlKind.KEY_EXPIRED),
    ],
)
def test_what_a_stream_says_of_itself(event: Any, kind: ControlKind) -> None:
    assert read(event) == (Control(kind),)


def test_answers_and_refusals_of_the_websocket_api() -> None:
    refused = {"id": 1, "status": 400, "error": {"code": -1021, "msg": "late"}}

    assert read({"id": 1, "status": 200, "result": {"subscriptionId": 0}}) == (WsAnswer(1, 200, {"subscriptionId": 0}),)
    assert read(refused) == (WsAnswer(1, 400, None, -1021, "late"),)


def test_an_answer_on_a_stream_has_no_status() -> None:
    assert read({"result": ["key"], "id": 7}) == (WsAnswer(7, 0, ["key"]),)
    assert read({"result": None, "id": 7}) == (WsAnswer(7, 0, None),)


@pytest.mark.parametrize("event", ["TRADE_LITE", "externalLockUpdate", "somethingNew"])
def test_what_we_have_no_use_for_is_nothing(event: str) -> None:
    assert read({"e": event, "E": 1, "s": "BTCUSDT"}) == ()


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-inf", "1e400", "x", "1e-99", "9" * 80])
def test_an_impossible_amount_is_refused(bad: str) -> None:
    with pytest.raises(DataError, match="malformed user message"):
        read(REPORT | {"z": bad})


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_data_errors(frame: bytes) -> None:
    with contextlib.suppress(DataError):
        decode_user(frame)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from([REPORT, order_event(), {"e": "ALGO_UPDATE", "o": {"caid": "a"}}, {"e": "ACCOUNT_UPDATE"}]),
    st.sampled_from([*READERS, ""]),
    st.dictionaries(st.sampled_from([*REPORT, "o", "a", "ac", "B", "P", "O", "event", "data"]), JSON, max_size=5),
)
def test_no_message_however_odd_raises_anything_but_data_errors(
    base: dict[str, Any], kind: str, odd: dict[str, Any]
) -> None:
    with contextlib.suppress(DataError):
        read(base | {"e": kind} | odd)


def test_every_recorded_message_of_an_account_is_read() -> None:
    root = shared_path("data", "recorded", "messages")
    patterns = ("ws_*execution_report*", "ws_futures_*order_update*", "ws_futures_algo_update*", "user_data_json/*")
    paths = sorted(path for pattern in patterns for path in root.rglob(f"{pattern}.json"))
    nothing = {path.name for path in paths if not decode_user(path.read_bytes())}

    assert len(paths) > 50
    assert nothing == {"trade_lite.json"}


def test_recorded_executions_have_a_price_and_a_quantity() -> None:
    root = shared_path("data", "recorded", "messages")
    updates = [
        update
        for path in root.rglob("*order_update*.json")
        for update in decode_user(path.read_bytes())
        if isinstance(update, OrderUpdate) and update.executions
    ]

    assert len(updates) > 5
    assert all(each.executions[0].price > 0 and each.executions[0].quantity > 0 for each in updates)
