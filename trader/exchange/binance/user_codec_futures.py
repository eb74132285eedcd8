"""Events of a USD-M account -> words of ours."""

from __future__ import annotations

import msgspec

from trader.core.account import (
    AlgoUpdate,
    BalanceUpdate,
    ConfigUpdate,
    Execution,
    FundingUpdate,
    MarginCall,
    OrderUpdate,
    PositionUpdate,
)
from trader.exchange.binance.decimals import amount
from trader.exchange.binance.order_words import (
    algo_status_of,
    forced_of,
    is_execution,
    position_side_of,
    reason_of,
    status_of,
)
from trader.exchange.binance.user_wire import (
    AccountChangesWire,
    AccountWire,
    AlgoWire,
    ConfigWire,
    FuturesOrderWire,
    MarginCallWire,
    OrderTradeWire,
)

#: The reason of an ACCOUNT_UPDATE, and the type of an income.
FUNDING = "FUNDING_FEE"

_decode_order = msgspec.json.Decoder(OrderTradeWire, strict=False).decode
_decode_algo = msgspec.json.Decoder(AlgoWire, strict=False).decode
_decode_account = msgspec.json.Decoder(AccountWire, strict=False).decode
_decode_call = msgspec.json.Decoder(MarginCallWire, strict=False).decode
_decode_config = msgspec.json.Decoder(ConfigWire, strict=False).decode


def order(body: bytes) -> tuple[OrderUpdate]:
    """Read an ORDER_TRADE_UPDATE."""
    told = _decode_order(body)
    row = told.o
    quantity, cumulative = amount(row.q), amount(row.z)
    update = OrderUpdate(
        row.s,
        row.c,
        row.i,
        row.S,
        row.ot or row.o,
        status_of(row.X, quantity, cumulative),
        quantity,
        cumulative,
        row.T or told.T,
        position_side_of(row.ps),
        amount(row.ap) * cumulative,
        amount(row.p),
        amount(row.sp),
        _executions(row),
        reason_of(row.er),
        forced=forced_of(row.c, row.x == "CALCULATED"),
    )
    return (update,)


def _executions(told: FuturesOrderWire) -> tuple[Execution, ...]:
    quantity = amount(told.l)
    if not is_execution(told.x, quantity, told.t):
        return ()
    fee, asset = amount(told.n), told.N or ""
    return (Execution(told.t, quantity, amount(told.L), told.T, fee, asset, told.m, amount(told.rp)),)


def algo(body: bytes) -> tuple[AlgoUpdate]:
    """Read an ALGO_UPDATE."""
    told = _decode_algo(body)
    row = told.o
    quantity = amount(row.q)
    executed = None if row.aq in (None, "") else amount(row.aq)
    update = AlgoUpdate(
        row.s,
        row.caid,
        row.aid,
        row.S,
        row.o,
        algo_status_of(row.X, quantity, executed),
        quantity,
        amount(executed),
        told.T or told.E,
        position_side_of(row.ps),
        amount(row.tp),
        int(row.ai or 0),
        row.cp,
        reason_of(row.rm),
    )
    return (update,)


def account(body: bytes) -> tuple[BalanceUpdate | PositionUpdate | FundingUpdate, ...]:
    """Read an ACCOUNT_UPDATE: the balances and positions that something changed, and why if that was funding."""
    told = _decode_account(body)
    why, time = told.a.m, told.T
    balances = (
        BalanceUpdate(row.a, time, wallet=amount(row.wb), change=amount(row.bc), reason=why) for row in told.a.B
    )
    positions = (
        PositionUpdate(
            row.s,
            position_side_of(row.ps),
            amount(row.pa),
            amount(row.ep),
            amount(row.up),
            time,
            row.mt == "isolated",
            amount(row.iw),
            why,
        )
        for row in told.a.P
    )
    return (*balances, *positions, *_funding(told.a, time))


def _funding(changes: AccountChangesWire, time: int) -> tuple[FundingUpdate, ...]:
    """Return what funding took of an isolated position; that of a cross one names no position."""
    if changes.m != FUNDING or len(changes.B) != 1 or len(changes.P) != 1:
        return ()
    (wallet,), (row,) = changes.B, changes.P
    return (FundingUpdate(row.s, position_side_of(row.ps), amount(row.pa), amount(wallet.bc), wallet.a, time),)


def margin_call(body: bytes) -> tuple[MarginCall]:
    """Read a MARGIN_CALL."""
    told = _decode_call(body)
    return (MarginCall(told.E, tuple((row.s, position_side_of(row.ps)) for row in told.p)),)


def config(body: bytes) -> tuple[ConfigUpdate, ...]:
    """Read an ACCOUNT_CONFIG_UPDATE."""
    told = _decode_config(body)
    changed: list[ConfigUpdate] = []
    if told.ac is not None:
        changed.append(ConfigUpdate(told.T, told.ac.s, told.ac.l))
    if told.ai is not None:
        changed.append(ConfigUpdate(told.T, multi_assets=told.ai.j))
    return tuple(changed)
