"""Requests of ours -> Binance's parameters. Nothing here decides; every order carries our own client id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trader.core.account import PositionSide
from trader.core.errors import ConfigError, InvariantError
from trader.core.settings import Market
from trader.core.venue import Leg, NewList, NewOrder, NewStop, OrderKind

#: What each market takes; conditional types of USD-M go to the algo service.
KINDS: dict[Market, frozenset[OrderKind]] = {
    "spot": frozenset(OrderKind) - {OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET},
    "futures": frozenset({OrderKind.MARKET, OrderKind.LIMIT}),
}
ALGO_KINDS = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})
#: Kinds that rest and so need a time in force.
RESTING = frozenset({OrderKind.LIMIT, OrderKind.STOP_LOSS_LIMIT, OrderKind.TAKE_PROFIT_LIMIT})


def order_params(market: Market, order: NewOrder) -> dict[str, Any]:
    """Return the parameters of an order; the answer is asked for in full."""
    _check(order.client_id, order.kind in KINDS[market], f"{order.kind} orders on {market}")
    params: dict[str, Any] = {
        "symbol": order.symbol,
        "side": order.side,
        "type": order.kind,
        "quantity": order.quantity,
        "newClientOrderId": order.client_id,
        "newOrderRespType": "RESULT" if market == "futures" else "FULL",
    }
    if order.kind is not OrderKind.MARKET or order.position_side is not PositionSide.BOTH or order.reduce_only:
        params |= _given(
            price=order.price,
            stopPrice=order.trigger,
            timeInForce=order.time_in_force or ("GTC" if order.kind in RESTING else ""),
            positionSide=_position_side(market, order.position_side),
            reduceOnly="true" if order.reduce_only else "",
        )
    return params


def list_params(wanted: NewList) -> dict[str, Any]:
    """Return the parameters of an OCO list."""
    for leg in (wanted.above, wanted.below):
        _check(leg.client_id, leg.kind in KINDS["spot"], f"a leg of {leg.kind}")
    _check(wanted.client_id, True, "")
    return _given(
        symbol=wanted.symbol,
        side=str(wanted.side),
        quantity=wanted.quantity,
        listClientOrderId=wanted.client_id,
        newOrderRespType="FULL",
        **_leg("above", wanted.above),
        **_leg("below", wanted.below),
    )


def stop_params(stop: NewStop) -> dict[str, Any]:
    """Return the parameters of a conditional order of the algo service."""
    _check(stop.client_id, stop.kind in ALGO_KINDS, f"conditional orders of {stop.kind}")
    return _given(
        algoType="CONDITIONAL",
        symbol=stop.symbol,
        side=str(stop.side),
        type=str(stop.kind),
        triggerPrice=stop.trigger,
        quantity=stop.quantity,
        closePosition="" if stop.quantity else "true",
        positionSide=_position_side("futures", stop.position_side),
        reduceOnly="true" if stop.reduce_only else "",
        workingType="MARK_PRICE" if stop.mark_price else "CONTRACT_PRICE",
        priceProtect="true" if stop.price_protect else "",
        clientAlgoId=stop.client_id,
    )


def _leg(name: str, leg: Leg) -> Mapping[str, str]:
    return {
        f"{name}Type": str(leg.kind),
        f"{name}ClientOrderId": leg.client_id,
        f"{name}Price": leg.price,
        f"{name}StopPrice": leg.trigger,
        f"{name}TimeInForce": "GTC" if leg.kind in RESTING else "",
    }


def _position_side(market: Market, side: PositionSide) -> str:
    if market == "spot" and side is not PositionSide.BOTH:
        raise ConfigError(f"spot has no position side {side}; allowed: BOTH")
    return "" if side is PositionSide.BOTH else str(side)


def _check(client_id: str, allowed: bool, what: str) -> None:
    if not allowed:
        raise ConfigError(f"{what} are not sent; see trade_params.KINDS for what is")
    if not client_id:
        raise InvariantError("an order without a client id of ours is never sent: it could not be looked up")


def _given(**params: str) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value}
