"""Binance's refusals: code, message and HTTP status (binance.md, section 7)."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal as Binance words it; not one of ours: it travels no further than the answer. `data` goes with it."""

    def __init__(self, code: int, message: str, status: int = 400, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self._data = data

    @property
    def body(self) -> dict[str, object]:
        """The JSON of the answer."""
        body: dict[str, object] = {"code": self.code, "msg": str(self)}
        return body if self._data is None else body | {"data": self._data}


class Limited(ApiError):
    """429 or 418: `retry_after_s` until requests are answered again."""

    def __init__(self, code: int, message: str, status: int, retry_after_s: float) -> None:
        super().__init__(code, message, status)
        self.retry_after_s = retry_after_s


def missing(name: str) -> ApiError:
    """Return -1102 for an absent or malformed mandatory parameter."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal_characters(name: str, pattern: str) -> ApiError:
    """Return -1100 for a value outside `pattern`."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def not_valid(name: str) -> ApiError:
    """Return -1130 for a value out of range."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_interval() -> ApiError:
    """Return -1120."""
    return ApiError(-1120, "Invalid interval.")


def bad_symbol() -> ApiError:
    """Return -1121."""
    return ApiError(-1121, "Invalid symbol.")


def unread(read: int, sent: int) -> ApiError:
    """Return -1104 for parameters that the endpoint does not know."""
    return ApiError(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def not_required(name: str) -> ApiError:
    """Return -1106 for a parameter that this kind of order does not have."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def neither(one: str, other: str) -> ApiError:
    """Return -1102 where one of two parameters is needed."""
    return ApiError(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")
