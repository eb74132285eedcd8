"""What the settings alone must say before real orders are sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import settings
from trader.core.account import ZERO
from trader.core.errors import ConfigError
from trader.core.venue import Account, Balance
from trader.engine.safety.capital import pool_start
from trader.engine.safety.gate import is_loopback, orders_wanted, require_start, start_faults
from trader.exchange.binance.endpoints import HOSTS, endpoints, rights_url

KEYS = {"BINANCE_API_KEY": "a-key-of-tests", "BINANCE_API_SECRET": "a-secret-of-tests"}
LIVE = {"MODE": "live", "LIVE_TRADING": "yes", "MAX_CAPITAL": 100, **KEYS}
HERE = {"REST_URL": "http://127.0.0.1:8090", "STREAM_URL": "ws://127.0.0.1:8090"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"MODE": "paper"}, False),
        ({"MODE": "paper", **KEYS}, False),
        ({"MODE": "demo", **KEYS}, True),
        ({"MODE": "testnet", **KEYS}, True),
        (LIVE, True),
        ({"MODE": "embedded", "REST_URL": "http://127.0.0.1:1", **KEYS}, True),
        ({"MODE": "embedded", "REST_URL": "http://127.0.0.1:1", "ORDERS": "simulated", **KEYS}, False),
        ({"MODE": "embedded", "REST_URL": "http://127.0.0.1:1", "ORDERS": "exchange", **KEYS}, True),
    ],
)
def test_the_mode_says_where_orders_go(given: dict[str, Any], wanted: bool) -> None:
    assert orders_wanted(settings(**given)) is wanted
    assert start_faults(settings(**given)) == []


def test_all_that_live_lacks_is_said_at_once_with_what_to_do() -> None:
    with pytest.raises(ConfigError) as caught:
        require_start(settings(MODE="live"))
    faults = caught.value.faults
    assert [word for word in ("LIVE_TRADING=yes", "MAX_CAPITAL", "keys add NAME") if word not in " ".join(faults)] == []
    assert len(faults) == 3


@pytest.mark.parametrize("lacks", ["LIVE_TRADING", "MAX_CAPITAL", "BINANCE_API_KEY", "BINANCE_API_SECRET"])
def test_each_thing_that_live_needs_is_needed(lacks: str) -> None:
    given = {name: value for name, value in LIVE.items() if name != lacks}
    (fault,) = start_faults(settings(**given))
    assert lacks in fault


@pytest.mark.parametrize("mode", ["demo", "testnet"])
def test_play_money_needs_a_key_and_nothing_else(mode: str) -> None:
    assert start_faults(settings(MODE=mode, **KEYS)) == []
    assert len(start_faults(settings(MODE=mode))) == 1


def test_a_name_in_place_of_a_key_is_enough_and_both_are_too_many() -> None:
    named = {**LIVE, "KEY_NAME": "main", "BINANCE_API_KEY": "", "BINANCE_API_SECRET": ""}
    assert start_faults(settings(**named)) == []
    assert "two keys" in start_faults(settings(**{**named, **KEYS}))[0]


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["demo", "testnet", "live"])
def test_a_key_goes_to_binance_or_to_this_machine(mode: str) -> None:
    assert start_faults(settings(**{**LIVE, "MODE": mode, **HERE})) == []
    elsewhere = {"REST_URL": "https://api.binance.com.evil.example", "STREAM_URL": "ws://127.0.0.1:8090"}
    (fault,) = start_faults(settings(**{**LIVE, "MODE": mode, **elsewhere}))
    assert "REST_URL = https://api.binance.com.evil.example" in fault


@pytest.mark.parametrize("mode", ["paper", "demo", "testnet", "live"])
def test_one_address_without_the_other_is_refused(mode: str) -> None:
    for name in HERE:
        (fault,) = start_faults(settings(**{**LIVE, "MODE": mode, name: HERE[name]}))
        assert "only one of them is given" in fault


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8090", True),
        ("http://127.8.9.10", True),
        ("ws://[::1]:80", True),
        ("http://localhost:1", True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://evil@127.0.0.1", False),
        ("http://0.0.0.0:1", False),
        ("http://192.168.0.1", False),
        ("http://[::ffff:8.8.8.8]", False),
        ("http://[", False),
        ("http://", False),
    ],
)
def test_what_is_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_rights_are_asked_of_the_main_host_and_of_nobody_with_play_money() -> None:
    told = {key: rights_url(endpoints(key[0], key[1])) for key in HOSTS}  # type: ignore[arg-type]
    assert told[("live", "spot")] == told[("live", "futures")] == "https://api.binance.com"
    assert {url for (mode, _), url in told.items() if mode in ("demo", "testnet")} == {""}
    assert rights_url(endpoints("live", "futures", "http://127.0.0.1:1", "ws://127.0.0.1:1")) == "http://127.0.0.1:1"


# --- capital --------------------------------------------------------------------------------------------------------


def account(free: str) -> Account:
    balance = Balance("USDT", Decimal(free), Decimal(7), Decimal(free) + 7)
    return Account(True, True, {"USDT": balance} if Decimal(free) else {})


@pytest.mark.parametrize(
    ("mode", "most", "free", "start"),
    [
        ("live", 100, "1000", 100.0),
        ("live", 100, "40.5", 40.5),
        ("testnet", None, "1000", 1000.0),
        ("demo", 2000, "1000", 1000.0),
        ("embedded", None, "1000", 10_000.0),
    ],
)
def test_a_pool_begins_with_the_bound_or_the_balance(mode: str, most: float | None, free: str, start: float) -> None:
    assert pool_start(settings(MODE=mode, MAX_CAPITAL=most, **KEYS), account(free)) == start


def test_an_account_without_money_is_refused_in_words() -> None:
    assert account("0").balances == {}
    with pytest.raises(ConfigError, match="no USDT to trade with: transfer some to its spot wallet"):
        pool_start(settings(**LIVE), account(str(ZERO)))
