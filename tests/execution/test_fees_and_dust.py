"""What is owned after a fill, to the last digit, and what becomes of what cannot be sold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.execution.orders import execution
from trader.core.errors import DataError, InvariantError
from trader.core.order import Side
from trader.execution.dust import DustLedger, plan_closing
from trader.execution.fees import average_price, bought, changes, fee_in_quote

D = Decimal
amounts = st.decimals("0", "1000", allow_nan=False, places=8)
steps = st.sampled_from([D("0"), D("1"), D("0.1"), D("0.001"), D("0.00001"), D("0.5")])


@pytest.mark.parametrize(
    ("asset", "fee", "owned", "others"),
    [
        ("BTC", "0.0001", "0.0999", {"USDT": D("-10")}),
        ("USDT", "0.01", "0.1", {"USDT": D("-10.01")}),
        ("BNB", "0.002", "0.1", {"USDT": D("-10"), "BNB": D("-0.002")}),
    ],
)
def test_the_fee_leaves_the_coin_it_is_taken_in(asset: str, fee: str, owned: str, others: dict[str, Decimal]) -> None:
    executions = [execution(1, "0.1", "100", fee=D(fee), fee_asset=asset)]

    assert changes(Side.BUY, executions, "BTC", "USDT") == {"BTC": D(owned)} | others
    assert bought(executions, "BTC") == D(owned)


def test_a_sale_takes_the_coin_and_gives_the_proceeds_less_the_fee() -> None:
    sold = [execution(1, "0.1", "100", fee=D("0.01"), fee_asset="USDT"), execution(2, "0.2", "90")]

    assert changes(Side.SELL, sold, "BTC", "USDT") == {"BTC": D("-0.3"), "USDT": D("27.99")}
    assert average_price(sold) == D(28) / D("0.3")
    assert average_price([]) == 0


def test_a_fee_in_another_coin_needs_its_price() -> None:
    paid = execution(1, "0.1", "100", fee=D("0.002"), fee_asset="BNB")

    assert fee_in_quote(paid, "BTC", "USDT", {"BNB": D(600)}) == D("1.2")
    with pytest.raises(DataError, match=r"0\.002 BNB"):
        fee_in_quote(paid, "BTC", "USDT", {})


def test_a_fee_in_the_base_coin_is_worth_the_price_of_the_execution() -> None:
    assert fee_in_quote(execution(1, "1", "100", fee=D("0.01"), fee_asset="BTC"), "BTC", "USDT", {}) == D(1)
    assert fee_in_quote(execution(1, "1"), "BTC", "USDT", {}) == 0


@given(amounts, amounts, steps)
def test_nothing_is_lost_when_a_coin_is_closed(owned: Decimal, dust: Decimal, step: Decimal) -> None:
    closing = plan_closing("BTC", owned, dust, step)

    assert closing.send + closing.rest == owned + dust
    assert 0 <= closing.carried <= dust
    assert closing.send <= owned + closing.carried
    if step:
        assert closing.send % step == 0
        assert 0 <= closing.rest < step
    else:
        assert closing.rest == 0


@given(st.lists(amounts, max_size=8), st.sampled_from([D("0.001"), D("0.1")]))
def test_dust_is_carried_until_it_makes_a_step(closings: list[Decimal], step: Decimal) -> None:
    ledger = DustLedger()
    sent = D(0)
    for owned in closings:
        closing = ledger.plan("BTC", owned, step)
        sent += closing.send
        assert ledger.book(closing, "closed").balance == ledger.of("BTC")

    assert sent + ledger.of("BTC") == sum(closings, D(0))
    assert ledger.of("BTC") < step


def test_the_ledger_says_what_changed() -> None:
    ledger = DustLedger({"BTC": D("0.0004")})
    closing = ledger.plan("BTC", D("0.0997"), D("0.001"))

    entry = ledger.book(closing, "take_profit")
    assert (closing.send, entry.change, entry.balance) == (D("0.100"), D("-0.0003"), D("0.0001"))
    assert ledger.add("BTC", D("-0.0001"), "sold by hand").balance == 0
    assert ledger.balances == {}


def test_dust_cannot_be_sold_twice() -> None:
    ledger = DustLedger({"BTC": D("0.0004")})
    closing = ledger.plan("BTC", D("0.0997"), D("0.001"))
    ledger.book(closing, "take_profit")

    with pytest.raises(InvariantError, match="dust"):
        ledger.book(closing, "take_profit")
    with pytest.raises(InvariantError, match="below 0"):
        ledger.add("BTC", D(-1), "sold by hand")
    with pytest.raises(InvariantError, match="below 0"):
        plan_closing("BTC", D(-1), D(0), D(1))
