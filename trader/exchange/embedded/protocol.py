"""What a client says on a market stream, and what it is answered: no socket, only texts (binance.md, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from trader.exchange.embedded.streams import well_formed

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
LONGEST_ID = 36


class Subscriptions(Protocol):
    """What one connection listens to."""

    combined: bool

    def names(self) -> list[str]:
        """Return the streams in the order of their subscription."""
        ...

    def subscribe(self, names: Sequence[str]) -> bool:
        """Add streams; tell whether there was room for all, else none is added."""
        ...

    def unsubscribe(self, names: Sequence[str]) -> None:
        """Take streams out; unknown ones are no error."""
        ...


class Refused(Exception):
    """A request that cannot be followed; `code` 0 to 3 as Binance numbers them."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer(text: str, subscriptions: Subscriptions) -> dict[str, Any]:
    """Follow one request and return the reply, with the id it came with."""
    id: Any = None
    try:
        request = _decoded(text)
        id = _checked_id(request)
        return {"result": _follow(request, subscriptions), "id": id}
    except Refused as refused:
        error = {"code": refused.code, "msg": str(refused)}
        return {"error": error} if id is None else {"error": error, "id": id}


def _decoded(text: str) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise Refused(3, "Invalid JSON: expected value at line 1 column 1") from None
    if not isinstance(request, dict):
        raise Refused(2, "Invalid request: request must be an object")
    return request


def _checked_id(request: dict[str, Any]) -> Any:
    id = request.get("id")
    long = isinstance(id, str) and len(id) > LONGEST_ID
    if long or isinstance(id, bool) or not isinstance(id, int | str | None):
        text = f"request ID must be an integer, a string of up to {LONGEST_ID} characters, or null"
        raise Refused(2, f"Invalid request: {text}")
    return id


def _follow(request: dict[str, Any], subscriptions: Subscriptions) -> Any:
    method = request.get("method")
    if method is None:
        raise Refused(2, "Invalid request: missing field `method`")
    if method not in METHODS:
        expected = ", ".join(f"`{each}`" for each in METHODS)
        raise Refused(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}")
    if method == "LIST_SUBSCRIPTIONS":
        return subscriptions.names()
    if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return _change(method, _stream_names(request), subscriptions)
    return _property(method, request.get("params"), subscriptions)


def _stream_names(request: dict[str, Any]) -> list[str]:
    names = request.get("params")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refused(2, "Invalid request: params must be a list of stream names")
    if not all(well_formed(name) for name in names):
        raise Refused(2, "Invalid request: invalid stream")
    return names


def _change(method: str, names: list[str], subscriptions: Subscriptions) -> None:
    if method == "UNSUBSCRIBE":
        subscriptions.unsubscribe(names)
    elif not subscriptions.subscribe(names):
        raise Refused(2, "Invalid request: too many streams for one connection")


def _property(method: str, params: Any, subscriptions: Subscriptions) -> bool | None:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise Refused(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise Refused(0, "Unknown property")
    if len(params) > (2 if method == "SET_PROPERTY" else 1):
        raise Refused(2, "Invalid request: too many parameters")
    if method == "GET_PROPERTY":
        return subscriptions.combined
    if len(params) < 2 or not isinstance(params[1], bool):
        raise Refused(1, "Invalid value type: expected Boolean")
    subscriptions.combined = params[1]
    return None
