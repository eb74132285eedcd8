"""Events of a spot account -> words of ours."""

from __future__ import annotations

import msgspec

from trader.core.account import BalanceUpdate, Execution, ListUpdate, OrderUpdate
from trader.exchange.binance.decimals import amount
from trader.exchange.binance.order_words import forced_of, is_execution, reason_of, status_of, working_status
from trader.exchange.binance.user_wire import BalanceChangeWire, ListStatusWire, ReportWire, SpotPositionWire

_decode_report = msgspec.json.Decoder(ReportWire, strict=False).decode
_decode_list = msgspec.json.Decoder(ListStatusWire, strict=False).decode
_decode_balances = msgspec.json.Decoder(SpotPositionWire, strict=False).decode
_decode_change = msgspec.json.Decoder(BalanceChangeWire, strict=False).decode


def report(body: bytes) -> tuple[OrderUpdate]:
    """Read an executionReport."""
    told = _decode_report(body)
    quantity, cumulative = amount(told.q), amount(told.z)
    cancelled = told.C if told.C not in (None, "", "null") else ""
    client_id = cancelled or told.c
    update = OrderUpdate(
        told.s,
        client_id,
        told.i,
        told.S,
        told.o,
        working_status(status_of(told.X, quantity, cumulative), told.o, told.w),
        quantity,
        cumulative,
        told.T or told.E,
        cumulative_quote=amount(told.Z),
        price=amount(told.p),
        trigger=amount(told.P),
        executions=_executions(told),
        reason=reason_of(told.r, told.eR),
        list_id=told.g,
        forced=forced_of(client_id, told.x == "CALCULATED"),
    )
    return (update,)


def _executions(told: ReportWire) -> tuple[Execution, ...]:
    quantity = amount(told.l)
    if not is_execution(told.x, quantity, told.t):
        return ()
    return (Execution(told.t, quantity, amount(told.L), told.T, amount(told.n), told.N or "", told.m),)


def list_status(body: bytes) -> tuple[ListUpdate]:
    """Read a listStatus."""
    told = _decode_list(body)
    legs = tuple((leg.c, leg.i) for leg in told.O)
    ended, rejected = told.L in ("ALL_DONE", "REJECT"), told.L == "REJECT"
    return (ListUpdate(told.s, told.C, told.g, legs, ended, rejected, told.T, reason_of(told.r)),)


def balances(body: bytes) -> tuple[BalanceUpdate, ...]:
    """Read an outboundAccountPosition: the balances that an order changed."""
    told = _decode_balances(body)
    return tuple(BalanceUpdate(row.a, told.u or told.E, amount(row.f), amount(row.l)) for row in told.B)


def balance_change(body: bytes) -> tuple[BalanceUpdate]:
    """Read a balanceUpdate: a deposit, a withdrawal, a transfer."""
    told = _decode_change(body)
    return (BalanceUpdate(told.a, told.T, change=amount(told.d)),)
