"""From parameters to wishes: which are needed, which must not be sent, and what their texts may be."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from trader.exchange.embedded.api_error import ApiError, illegal_characters, missing, not_required
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.usdm.orders import (
    CLOSERS,
    CONDITIONAL,
    LIMITED,
    PositionSide,
    Side,
    TimeInForce,
    Type,
    Wish,
)
from trader.exchange.embedded.usdm.refusals import wrong_service

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
CLIENT_ID_PATTERN = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
SELF_TRADE_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
WORKING_TYPES = ("CONTRACT_PRICE", "MARK_PRICE")
T = TypeVar("T", bound=StrEnum)


def parse_order(params: Params, hedge: bool) -> Wish:
    """Return an order that is asked for; conditional ones belong to the algo service (-4120)."""
    kind = parse_type(params)
    if kind in CONDITIONAL:
        raise wrong_service()
    wish = _wish(params, kind, hedge, "newClientOrderId")
    for name in ("stopPrice", "triggerPrice", "activatePrice", "callbackRate"):
        if params.decimal(name):
            raise not_required(name)
    return wish


def parse_algo(params: Params, hedge: bool) -> Wish:
    """Return a conditional order that is asked for."""
    if params.needed("algoType") != "CONDITIONAL":
        raise ApiError(-1130, "Data sent for parameter 'algoType' is not valid.")
    kind = parse_type(params)
    if kind not in CONDITIONAL:
        raise ApiError(-1116, "Invalid orderType.")
    if kind is Type.TRAILING_STOP_MARKET:
        raise ApiError(-1116, "Invalid orderType: trailing stops are not offered here.")
    if not params.decimal("triggerPrice"):
        raise missing("triggerPrice")
    return _wish(params, kind, hedge, "clientAlgoId")


def parse_type(params: Params) -> Type:
    """Return a mandatory type of order."""
    return member(Type, params.needed("type"), ApiError(-1116, "Invalid orderType."))


def parse_client_id(params: Params, name: str) -> str:
    """Return an optional id of the client's own."""
    text = params.text(name)
    if text and not CLIENT_ID.fullmatch(text):
        raise illegal_characters(name, CLIENT_ID_PATTERN)
    return text


def parse_response(params: Params) -> str:
    """Return how much the answer shall say."""
    text = params.text("newOrderRespType") or "ACK"
    if text not in ("ACK", "RESULT"):
        raise illegal_characters("newOrderRespType", "^(ACK|RESULT)$")
    return text


def positive(params: Params, name: str) -> Decimal | None:
    """Return an optional number; 0 counts as not sent, as zero-filled forms mean it."""
    return params.decimal(name, 20) or None


def member(kind: type[T], text: str, error: ApiError) -> T:
    """Return the member called `text`, or raise `error`."""
    if text not in set(kind):
        raise error
    return kind(text)


def _wish(params: Params, kind: Type, hedge: bool, id_name: str) -> Wish:
    position_side = member(
        PositionSide, params.text("positionSide") or "BOTH", ApiError(-1117, "Invalid positionSide.")
    )
    if hedge and params.has("reduceOnly"):
        raise not_required("reduceonly")
    wish = Wish(
        symbol=params.tape().symbol,
        side=member(Side, params.needed("side"), ApiError(-1117, "Invalid side.")),
        type=kind,
        quantity=_quantity(params),
        price=positive(params, "price"),
        trigger=positive(params, "triggerPrice") if kind in CONDITIONAL else None,
        time_in_force=_time_in_force(params, kind),
        position_side=position_side,
        reduce_only=params.flag("reduceOnly"),
        close_position=params.flag("closePosition"),
        client_id=parse_client_id(params, id_name),
        working_type=_one_of(params, "workingType", WORKING_TYPES, "CONTRACT_PRICE"),
        price_protect=params.flag("priceProtect"),
        self_trade=_one_of(params, "selfTradePreventionMode", SELF_TRADE_MODES, "EXPIRE_MAKER"),
    )
    _complete(wish, params)
    return wish


def _quantity(params: Params) -> Decimal | None:
    quantity = params.decimal("quantity", 20)
    if quantity is not None and quantity <= 0:
        raise ApiError(-4003, "Quantity less than or equal to zero.")
    return quantity


def _time_in_force(params: Params, kind: Type) -> TimeInForce:
    text = params.text("timeInForce")
    if kind is Type.LIMIT and not text:
        raise missing("timeinforce")
    if kind is Type.MARKET and text:
        raise not_required("timeinforce")
    return member(TimeInForce, text or "GTC", ApiError(-1115, "Invalid timeInForce."))


def _complete(wish: Wish, params: Params) -> None:
    """Refuse an order without what its type needs, or with what it cannot have."""
    limited = wish.type in LIMITED
    if limited and wish.price is None:
        raise missing("price")
    if wish.price is not None and not limited:
        raise not_required("price")
    if wish.close_position:
        _complete_closer(wish, params)
    elif wish.quantity is None:
        raise missing("quantity")


def _complete_closer(wish: Wish, params: Params) -> None:
    if wish.type not in CLOSERS:
        raise ApiError(-4136, f"Target strategy invalid for orderType {wish.type},closePosition true")
    if wish.quantity is not None:
        raise ApiError(-4137, "Quantity must be zero with closePosition equals true")
    if params.has("reduceOnly"):
        raise not_required("reduceonly")


def _one_of(params: Params, name: str, allowed: tuple[str, ...], default: str) -> str:
    text = params.text(name) or default
    if text not in allowed:
        raise illegal_characters(name, "^(" + "|".join(allowed) + ")$")
    return text
