"""Bytes of a user stream -> words of ours. Whatever the bytes are, nothing but `DataError` is raised.

One message may hold several updates (ACCOUNT_UPDATE), or none that we have a use for. Amounts are exact decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from trader.core.account import AccountEvent
from trader.core.errors import DataError
from trader.exchange.binance import user_codec_futures as futures
from trader.exchange.binance import user_codec_spot as spot
from trader.exchange.binance.decimals import FOREIGN
from trader.exchange.binance.user_wire import HeadWire


class ControlKind(StrEnum):
    """What a stream says of itself."""

    SHUTDOWN = "the venue will soon close this connection: open another one now"
    TERMINATED = "the venue has ended the subscription"
    KEY_EXPIRED = "the listen key has expired: nothing comes on this connection any more"


class Control(msgspec.Struct, frozen=True):
    """A message about the stream itself."""

    kind: ControlKind


class WsAnswer(msgspec.Struct, frozen=True):
    """The answer to a request on the WebSocket API: `text` is empty unless it was refused."""

    id: int | str | None
    status: int
    result: Any
    code: int = 0
    text: str = ""


UserMessage = AccountEvent | Control | WsAnswer
Reader = Callable[[bytes], tuple[UserMessage, ...]]

_decode_head = msgspec.json.Decoder(HeadWire, strict=False).decode


def decode_user(frame: bytes | bytearray) -> tuple[UserMessage, ...]:
    """Return what one frame says: raw, wrapped by the WebSocket API (`event`) or combined (`data`)."""
    try:
        return _read(bytes(frame))
    except FOREIGN as error:
        raise DataError(f"malformed user message ({error}): {bytes(frame[:120])!r}") from error


def _read(frame: bytes) -> tuple[UserMessage, ...]:
    head = _decode_head(frame)
    body = bytes(head.event) or bytes(head.data)
    if body in (b"", b"null"):
        return _event(head, frame)
    return _event(_decode_head(body), body)


def _event(head: HeadWire, body: bytes) -> tuple[UserMessage, ...]:
    reader = READERS.get(head.e)
    if reader is not None:
        return reader(body)
    if not head.e and (head.status or head.error is not None or head.id is not None):
        return (_answer(head),)  # of a stream (USD-M) an answer is no more than its result and id
    return ()


def _answer(head: HeadWire) -> WsAnswer:
    if head.error is None:
        return WsAnswer(head.id, head.status, head.result)
    error = head.error if isinstance(head.error, dict) else {"msg": str(head.error)}
    code = error.get("code", 0)
    text = str(error.get("msg", "")) or "refused without a word"
    return WsAnswer(head.id, head.status, None, code if isinstance(code, int) else 0, text)


def _control(kind: ControlKind) -> Reader:
    return lambda body: (Control(kind),)


#: TRADE_LITE is left alone: it has no fee, and ORDER_TRADE_UPDATE tells the same.
READERS: dict[str, Reader] = {
    "executionReport": spot.report,
    "listStatus": spot.list_status,
    "outboundAccountPosition": spot.balances,
    "balanceUpdate": spot.balance_change,
    "ORDER_TRADE_UPDATE": futures.order,
    "ALGO_UPDATE": futures.algo,
    "ACCOUNT_UPDATE": futures.account,
    "MARGIN_CALL": futures.margin_call,
    "ACCOUNT_CONFIG_UPDATE": futures.config,
    "serverShutdown": _control(ControlKind.SHUTDOWN),
    "eventStreamTerminated": _control(ControlKind.TERMINATED),
    "listenKeyExpired": _control(ControlKind.KEY_EXPIRED),
}
