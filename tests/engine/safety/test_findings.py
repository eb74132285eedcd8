"""What a look at an account finds, and that looking changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builders import settings
from tests.engine.safety.rooms import COINS, Room, room
from tests.exchange.embedded.traders import ED_KEY, PRIVATE
from trader.core.account import OrderStatus, OrderUpdate, PositionSide
from trader.core.order import Side
from trader.core.settings import Settings
from trader.core.venue import Account, AccountConfig, Balance, Commission, KeyRights, Position, SymbolConfig
from trader.engine.check import check
from trader.engine.live.venue import open_venue
from trader.engine.safety.findings import Known, account_findings, rights_findings
from trader.engine.safety.found import FAIL, OK, WARN, Found
from trader.engine.safety.look import Look, look
from trader.exchange.binance.symbols import MarketInfo, SymbolInfo, market_info
from trader.exchange.embedded.accounts.account import Right
from trader.execution.client_ids import ClientId, Purpose
from trader.trading.book import Book

ALL = frozenset(Right)
LIVE: dict[str, Any] = {"MODE": "live", "MAX_CAPITAL": 500}


def texts(found: Iterable[Found], state: str, about: str = "") -> list[str]:
    """Return what was found in one state, of one thing."""
    return [each.text for each in found if each.state == state and about in ("", each.about)]


async def looked(at: Room, home: Path, **overrides: Any) -> list[Found]:
    """Look at an account as `check` and `run` do; without waiting for a stream."""
    given = at.settings(home, **overrides)
    async with open_venue(given, home) as venue:
        info = market_info(await venue.rest.exchange_info())
        return list(account_findings(given, await look(given, venue, COINS), info, Known()))


async def checked(given: Settings) -> list[Found]:
    return [found async for found in check(given)]


# --- at an exchange -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", ["spot", "futures"])
async def test_a_whole_check_reads_and_changes_nothing(tmp_path: Path, market: str) -> None:
    async with room() as at:
        if market == "futures":
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
            at.stranger(do="order", market="futures", **order)
        before = at.ledger()
        found = await checked(at.settings(tmp_path, MARKET=market))
        assert {line.split()[0] for line in at.asked} == {"GET"}
        assert "/sapi/v1/account/apiRestrictions" in at.paths
        assert {"spot": "/api/v3/openOrders", "futures": "/fapi/v1/openAlgoOrders"}[market] in at.paths
        assert at.ledger() == before
        abouts = {each.about for each in found}
        assert {"key", "account", "balance", "fees", "filters", "orders", "limits", "journal", "clock"} <= abouts
        assert (texts(found, FAIL) == []) is (market == "spot"), "a stranger's position forbids to change the mode"


async def test_a_key_that_can_withdraw_is_refused_for_real_money(tmp_path: Path) -> None:
    async with room(ALL) as at:
        found = await looked(at, tmp_path)
        assert ["it can withdraw" in text for text in texts(found, FAIL)] == [True]


async def test_a_key_that_only_reads_cannot_trade(tmp_path: Path) -> None:
    async with room(frozenset({Right.READ})) as at:
        found = await looked(at, tmp_path)
        assert [text[:24] for text in texts(found, FAIL, "key")] == ["it may not trade on spot"]


async def test_a_wrong_secret_is_a_fault_of_the_key(tmp_path: Path) -> None:
    async with room() as at:
        given = at.settings(tmp_path, MARKET="futures", BINANCE_API_SECRET="another-secret-of-tests")
        found = await checked(given)
        assert [text[:23] for text in texts(found, FAIL)] == ["the exchange refuses it"]


async def test_a_private_key_signs(tmp_path: Path) -> None:
    async with room() as at:
        pem = str(PRIVATE.export_key(format="PEM"))
        found = await looked(at, tmp_path, BINANCE_API_KEY=ED_KEY, BINANCE_API_SECRET=pem)
        assert texts(found, FAIL) == []
        assert "1,000.00 USDT free; MAX_CAPITAL 500.00" in texts(found, OK, "balance")


async def test_orders_of_strangers_are_seen(tmp_path: Path) -> None:
    async with room(balances="USDT=1000,BTC=0.5") as at:
        resting = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": "50000"}
        at.stranger(do="order", side="BUY", **resting)
        found = await looked(at, tmp_path)
        (told,) = texts(found, WARN, "orders")
        assert told.startswith("a stranger's: BTCUSDT BUY LIMIT 0.001 web_")
        assert told.endswith("it is left alone")
        assert texts(found, OK, "positions") == ["the account holds 0.5 BTC beside the pool's trades; it is left alone"]


async def test_positions_and_modes_of_a_futures_account_are_seen(tmp_path: Path) -> None:
    async with room() as at:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        at.stranger(do="order", market="futures", **order)
        found = await looked(at, tmp_path, MARKET="futures", LEVERAGE=3)
        (told,) = texts(found, WARN, "positions")
        assert told.startswith("a stranger's: BTCUSDT BOTH 0.001 at ")
        assert "Binance changes it only while nothing is open" in texts(found, FAIL, "modes")[0]
        assert "with cross margin nothing is entered" in texts(found, FAIL, "leverage")[0]
        assert "leverage 3 at most and isolated margin would be set" in texts(found, OK, "leverage")[0]


# --- by hand --------------------------------------------------------------------------------------------------------


def info(least: str = "5") -> MarketInfo:
    filters = {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": least}
    return MarketInfo({"BTCUSDT": SymbolInfo("BTCUSDT", "TRADING", "BTC", "USDT", "", filters)}, 6_000)


def seen(free: str = "1000", **rest: Any) -> Look:
    fee = Commission("BTCUSDT", Decimal("0.001"), Decimal("0.001"))
    usual: dict[str, Any] = {
        "rights": KeyRights(True, True, False, True),
        "account": Account(True, True, {"USDT": Balance("USDT", Decimal(free), Decimal(0), Decimal(free))}),
        "fees": {"BTCUSDT": fee},
        "prices": {"BTCUSDT": 100_000.0},
        "orders": (),
    }
    return Look(**{**usual, **rest})


def found_of(one: Look, known: Known | None = None, least: str = "5", **overrides: Any) -> list[Found]:
    """Return the findings of a look."""
    given = settings(**{**LIVE, "COINS": ["BTCUSDT"], **overrides})
    return list(account_findings(given, one, info(least), known or Known()))


def resting(client_id: str) -> OrderUpdate:
    return OrderUpdate("BTCUSDT", client_id, 1, Side.SELL, "STOP_LOSS", OrderStatus.OPEN, Decimal("0.5"), Decimal(0), 1)


def test_all_is_well_with_a_usual_account() -> None:
    assert {each.state for each in found_of(seen())} == {OK}
    assert "a new pool would begin with 500.00 USDT" in texts(found_of(seen()), OK, "start")


def test_orders_of_this_pool_of_another_and_of_strangers_are_told_apart() -> None:
    orders = tuple(
        resting(text)
        for text in (
            ClientId("p3", 1, Purpose.STOP).text,
            ClientId("p2", 1, Purpose.STOP).text,
            "web_1",
            ClientId("p3", 1, Purpose.STOP).text[:-1] + "!",
        )
    )
    found = found_of(seen(orders=orders), Known("p3", Book.of(500.0)))
    assert texts(found, OK, "orders") == ["1 open orders of this pool: they would be taken up"]
    warned = texts(found, WARN, "orders")
    assert [text.split(":")[0] for text in warned[1:]] == ["a stranger's", "a stranger's"]
    assert warned[0].startswith("1 open orders of another pool of this program")


def test_many_strangers_are_counted() -> None:
    found = found_of(seen(orders=tuple(resting(f"web_{number}") for number in range(9))))
    assert texts(found, WARN, "orders")[-1] == "and 4 more strangers' orders; they are left alone"
    assert len(texts(found, WARN, "orders")) == 6


def test_an_account_that_may_not_trade_and_one_without_money() -> None:
    assert len(texts(found_of(seen(account=Account(False, False, {}))), FAIL)) >= 2
    assert "no USDT to trade with" in texts(found_of(seen("0")), FAIL, "balance")[0]
    assert "less than MAX_CAPITAL" in texts(found_of(seen("400")), WARN, "balance")[0]


def test_a_pool_that_has_more_in_its_books_than_the_account_is_a_warning() -> None:
    found = found_of(seen("400"), Known("p1", Book.of(500.0)))
    assert "the pool has 500.00 USDT free in its books, the account 400.00" in texts(found, WARN, "balance")[0]
    assert texts(found, OK, "start") == []


@pytest.mark.parametrize(("least", "price", "faults"), [("5", 100_000, 0), ("200", 100_000, 1), ("5", 200_000, 1)])
def test_a_coin_whose_least_order_is_above_the_largest_position_is_a_fault(
    least: str, price: float, faults: int
) -> None:
    found = found_of(seen(prices={"BTCUSDT": price}), least=least)
    assert len(texts(found, FAIL, "filters")) == faults, "165 USDT is the largest position; 0.001 the least quantity"


def test_fees_above_the_settings_are_a_warning_those_below_are_not() -> None:
    dear = {"BTCUSDT": Commission("BTCUSDT", Decimal("0.001"), Decimal("0.002"))}
    assert "BTCUSDT 0.002 taker" in texts(found_of(seen(fees=dear)), WARN, "fees")[0]
    saved = {"BTCUSDT": Commission("BTCUSDT", Decimal("0.001"), Decimal("0.0013"), Decimal("0.75"), "BNB")}
    assert texts(found_of(seen(fees=saved)), WARN, "fees") == []


FUTURES = {"MARKET": "futures", "LEVERAGE": 3}


def on_futures(
    hedge: bool = True, multi: bool = False, leverage: int = 3, isolated: bool = True, **rest: Any
) -> list[Found]:
    symbols = {"BTCUSDT": SymbolConfig("BTCUSDT", leverage, isolated)}
    fees = {"BTCUSDT": Commission("BTCUSDT", Decimal("0.0002"), Decimal("0.0005"))}
    one = seen(config=AccountConfig(True, hedge, multi), symbols=symbols, fees=fees, **rest)
    return found_of(one, **FUTURES)


def position(quantity: str = "0.5") -> Position:
    numbers = [Decimal(text) for text in (quantity, "100", "100", "0", "0", "0")]
    return Position("BTCUSDT", PositionSide.LONG, *numbers, 0)


def test_terms_as_they_are_wanted_are_well() -> None:
    assert {each.state for each in on_futures()} == {OK}


def test_what_would_be_set_is_said_before_it_is_set() -> None:
    assert "hedge mode would be set" in texts(on_futures(hedge=False), WARN, "start")[0]
    assert "leverage 3 at most and isolated" in texts(on_futures(leverage=20), OK, "leverage")[0]
    assert "entries take that leverage" in texts(on_futures(leverage=20, positions=(position(),)), WARN, "leverage")[0]


def test_what_binance_would_not_let_be_set_is_a_fault() -> None:
    assert len(texts(on_futures(hedge=False, positions=(position(),)), FAIL, "modes")) == 1
    assert len(texts(on_futures(hedge=False, orders=(resting("web_1"),)), FAIL, "modes")) == 1
    assert "multi-assets margin" in texts(on_futures(multi=True), FAIL, "modes")[0]
    assert len(texts(on_futures(isolated=False, positions=(position(),)), FAIL, "leverage")) == 1


@pytest.mark.parametrize(
    ("rights", "mode", "states"),
    [
        (KeyRights(True, True, False, True), "live", [OK, OK]),
        (KeyRights(True, True, True, True), "live", [OK, FAIL]),
        (KeyRights(True, True, True, True), "embedded", [OK, WARN]),
        (KeyRights(False, True, False, True), "live", [FAIL, OK]),
        (KeyRights(True, True, False, False), "live", [OK, OK, WARN]),
        (KeyRights(True, True, False, True, True), "live", [OK, OK, WARN]),
        (None, "testnet", [OK]),
    ],
)
def test_what_rights_mean(rights: KeyRights | None, mode: str, states: list[str]) -> None:
    assert [each.state for each in rights_findings(settings(MODE=mode), rights)] == states
