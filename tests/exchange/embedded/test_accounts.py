"""Accounts, ledgers, order counts, filters, touches: each on its own."""

from __future__ import annotations

import base64
from decimal import Decimal
from pathlib import Path

import pytest

from tests.exchange.embedded.traders import FILTERS, PRIVATE
from trader.core.errors import ConfigError, InvariantError
from trader.exchange.embedded import filters
from trader.exchange.embedded.accounts.account import ApiKey, Right
from trader.exchange.embedded.accounts.ledger import Ledger, Shortage
from trader.exchange.embedded.accounts.order_count import OrderCount, Window
from trader.exchange.embedded.accounts.signatures import sent_values, verified
from trader.exchange.embedded.accounts.specs import AccountSpec, account_specs, opened, parse_balances, parse_rights
from trader.exchange.embedded.api_error import Limited
from trader.exchange.embedded.faults import fault_kind, fault_rate
from trader.exchange.embedded.matching.touch import Bar, Resting, touches

TEN = Decimal(10)
RULES = filters.read_filters(FILTERS)


def test_what_is_locked_is_not_free() -> None:
    ledger = Ledger({"USDT": TEN})
    hold = ledger.lock("USDT", Decimal(7))
    assert (ledger.free["USDT"], ledger.locked["USDT"]) == (3, 7)
    with pytest.raises(Shortage):
        ledger.lock("USDT", Decimal(4))
    ledger.pay("USDT", Decimal(8), hold)
    assert (ledger.free["USDT"], ledger.locked["USDT"], hold.amount) == (2, 0, 0)
    with pytest.raises(Shortage):
        ledger.pay("USDT", Decimal(3))
    assert ledger.changed() == ["USDT"]
    assert ledger.changed() == []


def test_a_ledger_that_owes_is_a_fault_of_the_exchange() -> None:
    with pytest.raises(InvariantError):
        Ledger({"USDT": TEN}).receive("USDT", -Decimal(11))


def test_orders_are_counted_in_windows_and_given_back() -> None:
    seconds = [5.0]
    count = OrderCount((Window("SECOND", 10, 3), Window("DAY", 1, 4)), lambda: seconds[0])
    count.charge(3)
    with pytest.raises(Limited) as refused:
        count.charge(1)
    assert (refused.value.code, refused.value.status, refused.value.retry_after_s) == (-1015, 429, 5)
    count.give_back()
    count.charge(1)
    seconds[0] = 10.0
    assert count.headers() == {"X-MBX-ORDER-COUNT-10S": "0", "X-MBX-ORDER-COUNT-1D": "3"}
    count.charge(1)
    with pytest.raises(Limited, match="4 orders per 1 DAY"):
        count.charge(1)


def test_accounts_are_described_by_lists_that_belong_together() -> None:
    one, two = account_specs(["a", "b"], ["s", "t"], ["USDT=5"], ["read", "read,spot"], False)
    assert (one.key, one.secret, one.balances, one.rights) == ("a", "s", {"USDT": 5}, {Right.READ})
    assert (two.balances, two.rights) == ({"USDT": 5}, {Right.READ, Right.SPOT})
    (made,) = account_specs([], [], [], [], True)
    assert (len(made.key), len(made.secret), made.pays_in_bnb) == (64, 64, True)


@pytest.mark.parametrize(
    ("keys", "secrets", "balances", "rights"),
    [
        (["a"], [], [], []),
        (["a", "a"], ["s", "t"], [], []),
        (["a"], ["s"], ["USDT=lots"], []),
        (["a"], ["s"], ["USDT=-1"], []),
        (["a"], ["s"], [], ["everything"]),
    ],
)
def test_accounts_that_cannot_be_are_refused_in_words(
    keys: list[str], secrets: list[str], balances: list[str], rights: list[str]
) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        account_specs(keys, secrets, balances, rights, False)


def test_public_keys_come_raw_or_from_a_file(tmp_path: Path) -> None:
    public = PRIVATE.public_key()
    path = tmp_path / "key.pem"
    path.write_text(public.export_key(format="PEM"))
    raw = base64.b64encode(public.export_key(format="raw")).decode()
    for text in (raw, str(path)):
        account = opened(AccountSpec("k", f"ed25519:{text}", parse_balances("")), 0, {}, {})
        assert account.keys[0].public == public
    with pytest.raises(ConfigError, match="32 bytes"):
        opened(AccountSpec("k", "ed25519:nonsense"), 0, {}, {})


def test_signatures_of_no_kind_are_refused_quietly() -> None:
    assert not verified(ApiKey("k", "", PRIVATE.public_key()), "text", "no base64 %%%")
    assert not verified(ApiKey("k", "secret"), "text", "é")


def test_the_query_counts_before_the_body() -> None:
    assert sent_values("a=1", "a=2&b=") == {"a": "1", "b": ""}


def test_rights_have_names() -> None:
    assert parse_rights("read, withdraw") == {Right.READ, Right.WITHDRAW}


@pytest.mark.parametrize(
    ("quantity", "market", "fault"),
    [
        ("0.001", False, None),
        ("0.0015", False, "LOT_SIZE"),
        ("9000.001", False, "LOT_SIZE"),
        ("100.001", True, "MARKET_LOT_SIZE"),
        ("100", True, None),
    ],
)
def test_lots_have_a_grid_and_bounds(quantity: str, market: bool, fault: str | None) -> None:
    assert filters.lot_fault(RULES, Decimal(quantity), market) == fault


def test_a_value_of_zero_turns_a_rule_off() -> None:
    rules = filters.read_filters([{"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0"}])
    assert filters.price_fault(rules, Decimal("0.123456789")) is None


def test_the_old_filters_still_speak() -> None:
    old = {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": True}
    rules = filters.read_filters([old, {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.9"}])
    assert filters.notional_fault(rules, Decimal("9.99"), True) == "MIN_NOTIONAL"
    assert filters.percent_fault(rules, Decimal(112), Decimal(100), True) == "PERCENT_PRICE"
    assert filters.percent_fault(rules, Decimal(109), Decimal(100), True) is None


def test_the_nearer_stop_comes_first_and_an_order_placed_later_waits() -> None:
    bar = Bar(0, 60, 100.0, 101.0, 90.0, True)
    far, near = (Resting(id, False, level, False, True, 0) for id, level in ((1, 95.0), (2, 99.0)))
    late = Resting(3, False, 98.0, False, True, 60)
    assert [touch.resting for touch in touches(bar, [far, near, late])] == [near, far]


@pytest.mark.parametrize(("kind", "amount"), [("503_unknown", 1.5), ("-1007", 2.0), ("event_late", -1.0)])
def test_impossible_amounts_of_faults_are_refused(kind: str, amount: float) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        fault_rate(fault_kind(kind), 0.5, amount)
