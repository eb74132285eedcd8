"""From parameters to wishes: which are needed, which must not be sent, and what their texts may be."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from trader.exchange.embedded.api_error import ApiError, illegal_characters, missing, neither, not_required
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.spot.orders import LIMITED, TRIGGERED, Side, TimeInForce, Type, Wish

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
CLIENT_ID_PATTERN = "^[.A-Z:/a-z0-9_-]{1,36}$"
SELF_TRADE_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
RESPONSES = ("ACK", "RESULT", "FULL")
#: What one leg of a list has of its own, behind its prefix.
LEG = (
    *("Type", "ClientOrderId", "Price", "StopPrice", "TrailingDelta", "IcebergQty", "TimeInForce"),
    *("StrategyId", "StrategyType"),
)
#: What an order that stands alone may have.
SINGLE = (
    *("symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "strategyId"),
    *("strategyType", "stopPrice", "trailingDelta", "icebergQty", "newOrderRespType", "selfTradePreventionMode"),
)
T = TypeVar("T", bound=StrEnum)


class Names:
    """The parameters of one order: plain ones, or those of a leg behind its prefix.

    >>> Names("above")("stopPrice"), Names("")("clientOrderId")
    ('aboveStopPrice', 'newClientOrderId')
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __call__(self, name: str) -> str:
        """Return the name on the wire."""
        if not self._prefix:
            return "newClientOrderId" if name == "clientOrderId" else name
        return self._prefix + name[0].upper() + name[1:]


def leg_names(*prefixes: str) -> tuple[str, ...]:
    """Return all parameters of legs."""
    return tuple(prefix + name for prefix in prefixes for name in LEG)


def parse_wish(params: Params, prefix: str = "", side: Side | None = None, quantity: Decimal | None = None) -> Wish:
    """Return one order that is asked for; side and quantity are given where legs share them."""
    names = Names(prefix)
    tape = params.tape()
    kind = parse_type(params, names("type"))
    wish = Wish(
        symbol=tape.symbol,
        side=parse_side(params, names("side")) if side is None else side,
        type=kind,
        quantity=positive(params, names("quantity")) if quantity is None else quantity,
        quote_quantity=None if prefix else positive(params, "quoteOrderQty"),
        price=positive(params, names("price")),
        stop_price=positive(params, names("stopPrice")),
        iceberg=params.decimal(names("icebergQty")) or None,
        time_in_force=_time_in_force(params, names("timeInForce"), kind),
        client_id=parse_client_id(params, names("clientOrderId")),
        strategy_id=params.integer(names("strategyId")),
        strategy_type=_strategy_type(params, names("strategyType")),
        self_trade=parse_self_trade(params),
    )
    if params.has(names("trailingDelta")):
        raise ApiError(-2010, "Trailing stop orders are not supported for this symbol.")
    _complete(wish, names)
    return wish


def parse_side(params: Params, name: str = "side") -> Side:
    """Return a mandatory side."""
    return _member(Side, params.needed(name), ApiError(-1117, "Invalid side."))


def parse_type(params: Params, name: str = "type") -> Type:
    """Return a mandatory type of order."""
    return _member(Type, params.needed(name), ApiError(-1116, "Invalid orderType."))


def parse_client_id(params: Params, name: str) -> str:
    """Return an optional id of the client's own."""
    text = params.text(name)
    if text and not CLIENT_ID.fullmatch(text):
        raise illegal_characters(name, CLIENT_ID_PATTERN)
    return text


def parse_self_trade(params: Params) -> str:
    """Return the optional mode of preventing trades with oneself, which never happen here."""
    mode = params.text("selfTradePreventionMode", "EXPIRE_MAKER")
    if mode not in SELF_TRADE_MODES:
        raise illegal_characters("selfTradePreventionMode", "^(" + "|".join(SELF_TRADE_MODES) + ")$")
    return mode


def parse_response(params: Params, default: str) -> str:
    """Return how much the answer shall say."""
    text = params.text("newOrderRespType") or default
    if text not in RESPONSES:
        raise illegal_characters("newOrderRespType", "^(ACK|RESULT|FULL)$")
    return text


def positive(params: Params, name: str) -> Decimal | None:
    """Return an optional number above 0; 0 counts as not sent, as zero-filled forms mean it."""
    return params.decimal(name) or None


def _strategy_type(params: Params, name: str) -> int | None:
    value = params.integer(name)
    if value is not None and value < 1_000_000:
        raise ApiError(-1134, "strategyType was less than 1000000.")
    return value


def _time_in_force(params: Params, name: str, kind: Type) -> TimeInForce:
    text = params.text(name)
    if kind in LIMITED and kind is not Type.LIMIT_MAKER:
        return _member(TimeInForce, params.needed(name), ApiError(-1115, "Invalid timeInForce."))
    if text:
        raise not_required(name)
    return TimeInForce.GTC


def _complete(wish: Wish, names: Names) -> None:
    """Refuse an order without what its type needs, or with what it cannot have."""
    limited, triggered = wish.type in LIMITED, wish.type in TRIGGERED
    for name, value, needed in (("price", wish.price, limited), ("stopPrice", wish.stop_price, triggered)):
        if needed and value is None:
            raise missing(names(name))
        if value is not None and not needed:
            raise not_required(names(name))
    if wish.type is not Type.MARKET and wish.quote_quantity is not None:
        raise not_required("quoteOrderQty")
    if wish.quantity is None and wish.quote_quantity is None:
        raise neither("quantity", "quoteOrderQty") if wish.type is Type.MARKET else missing(names("quantity"))
    if wish.quantity is not None and wish.quote_quantity is not None:
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    _plausible_iceberg(wish, names)


def _plausible_iceberg(wish: Wish, names: Names) -> None:
    if wish.iceberg is None:
        return
    if wish.type not in LIMITED:
        raise not_required(names("icebergQty"))
    if wish.time_in_force is not TimeInForce.GTC:
        raise ApiError(-1013, "Unsupported order combination")


def _member(kind: type[T], text: str, error: ApiError) -> T:
    if text not in set(kind):
        raise error
    return kind(text)
