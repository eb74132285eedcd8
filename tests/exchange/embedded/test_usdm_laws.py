"""Laws of money on USD-M, whatever is done: every cent is explained, and nothing is held without margin."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from tests.exchange.embedded.test_usdm_simulation import bars
from tests.exchange.embedded.usdm_hands import Hands
from tests.exchange.embedded.usdm_traders import futures
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.faults import Armed, Fault

D = Decimal
CENT = D("0.00000001")
ACTS = ("market", "limit", "stop", "close", "leverage", "cancel", "pass", "pass", "deposit", "adl", "partial", "modify")


class Act(msgspec.Struct, frozen=True):
    """One thing that somebody does: `what`, a side, a size in units of the step, a distance in 1/100 %."""

    what: str
    long: bool
    opens: bool
    size: int
    away: float


ACT = st.builds(
    Act, st.sampled_from(ACTS), st.booleans(), st.booleans(), st.integers(1, 60_000), st.integers(0, 300).map(float)
)


def do(hands: Hands, act: Act, hedge: bool) -> None:
    """Do one thing; a refusal is no news."""
    with suppress(ApiError):
        _do(hands, act, hedge)


def _do(hands: Hands, act: Act, hedge: bool) -> None:
    price = float(hands.exchange.trading.usdm.venue.floor.tapes["BTCUSDT"].last_price())
    buys = act.long == act.opens
    side: dict[str, Any] = {"side": "BUY" if buys else "SELL"}
    side |= {"positionSide": "LONG" if act.long else "SHORT"} if hedge else {"reduceOnly": not act.opens}
    quantity = act.size / 1_000
    if act.what == "market":
        hands.order(type="MARKET", quantity=quantity, **side)
    elif act.what == "limit":
        level = price * (1 - act.away / 10_000) if buys else price * (1 + act.away / 10_000)
        hands.order(type="LIMIT", timeInForce="GTC", quantity=quantity, price=round(level, 2), **side)
    elif act.what == "stop":
        level = price * (1 + act.away / 10_000) if buys else price * (1 - act.away / 10_000)
        hands.algo(type="STOP_MARKET", quantity=quantity, triggerPrice=round(level, 2), **side)
    elif act.what == "leverage":
        hands.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=1 + act.size % 125)
    elif act.what == "pass":
        hands.pass_minutes(1 + act.size % 3)
    else:
        _rare(hands, act)


def _rare(hands: Hands, act: Act) -> None:
    wish: dict[str, Any] = {"symbol": "BTCUSDT"}
    if act.what == "close":
        hands.venue.stranger(hands.account, wish | {"do": "close"})
    elif act.what == "cancel":
        hands.ask("DELETE", "v1/allOpenOrders", **wish)
    elif act.what == "deposit":
        hands.venue.stranger(hands.account, {"do": "deposit", "amount": str(act.size)})
    elif act.what == "partial":
        hands.exchange.plan.arm(Armed(Fault.PARTIAL, 0.3 if act.long else 4.0, 2))
    elif act.what == "modify":
        for order in hands.ask("GET", "v1/openOrders", **wish)[:1]:
            changed = {"quantity": act.size / 1_000, "price": round(float(order["price"]) * 1.001, 2)}
            hands.ask("PUT", "v1/order", **wish, side=order["side"], orderId=order["orderId"], **changed)
    elif hands.ask("GET", "v3/positionRisk"):
        hands.venue.stranger(hands.account, wish | {"do": "adl", "quantity": "0.001"})


def explained(seen: dict[str, Any]) -> None:
    """The wallet is what it began with, deposits, results, fees and funding; results and fees are those of trades."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in seen["income"]:
        sums[row["incomeType"]] += D(row["income"])
    assert D(seen["balances"]["USDT"]) == D(seen["began"]["USDT"]) + sum(sums.values())
    assert sums["REALIZED_PNL"] == sum((D(trade["realizedPnl"]) for trade in seen["trades"]), D(0))
    assert sums["COMMISSION"] == -sum((D(trade["commission"]) for trade in seen["trades"]), D(0))
    told = [record["event"]["a"] for record in seen["events"] if record["event"]["e"] == "ACCOUNT_UPDATE"]
    if told:
        assert D(told[-1]["B"][0]["wb"]) == D(seen["balances"]["USDT"])


def flat_results(seen: dict[str, Any]) -> None:
    """What a flat side has realised is what was sold less what was bought, to the rounding of its trades."""
    flows: dict[str, Decimal] = defaultdict(Decimal)
    left: dict[str, Decimal] = defaultdict(Decimal)
    count: dict[str, int] = defaultdict(int)
    for trade in seen["trades"]:
        sign = 1 if trade["side"] == "BUY" else -1
        side = trade["positionSide"]
        flows[side] -= sign * D(trade["qty"]) * D(trade["price"]) + D(trade["realizedPnl"])
        left[side] += sign * D(trade["qty"])
        count[side] += 1
    held = {row["positionSide"]: D(row["positionAmt"]) for row in seen["positions"]}
    assert {side: amount for side, amount in left.items() if amount} == held
    assert all(abs(flow) <= CENT * count[side] for side, flow in flows.items() if not left[side])


def covered(hands: Hands, seen: dict[str, Any], isolated: bool) -> None:
    """Nobody owes anything, and each isolated position has margin that is in the wallet."""
    asset = hands.ask("GET", "v3/account")["assets"][0]
    assert D(asset["crossWalletBalance"]) >= -CENT
    assert D(seen["balances"]["USDT"]) >= 0
    for row in seen["positions"]:
        assert D(row["positionAmt"]) != 0
        assert not isolated or D(row["isolatedWallet"]) > 0
        level, mark = D(row["liquidationPrice"]), D(row["markPrice"])
        assert level >= 0
        assert mark > 0


@given(
    seed=st.integers(0, 10_000),
    acts=st.lists(ACT, min_size=5, max_size=25),
    hedge=st.booleans(),
    isolated=st.booleans(),
    leverage=st.sampled_from([1, 3, 10, 50, 125]),
)
@budget(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_cent_is_explained(seed: int, acts: list[Act], hedge: bool, isolated: bool, leverage: int) -> None:
    minutes = bars(Random(seed), 0.01)
    funding = [(minute, Random(seed + minute).gauss(0, 0.003)) for minute in range(3, 40, 6)]
    hands = Hands(futures(*minutes, funding=funding), "USDT=500")
    hands.prepared(leverage, hedge, isolated)
    for act in acts:
        do(hands, act, hedge)
        seen = hands.ledger()
        explained(seen)
        flat_results(seen)
        covered(hands, seen, isolated)
