"""Bytes of a stream -> messages. Whatever the bytes are, nothing but `DataError` is raised.

Candles take the short way: one typed pass of msgspec, in which decimal strings become floats. Everything else is
looked at twice: what is it, then its fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from trader.core.candle import Candle
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.exchange.binance.endpoints import PLAY_STREAM
from trader.exchange.binance.messages import (
    AggTrade,
    Answer,
    BookTicker,
    KlineMessage,
    MarkPrice,
    MarkPrices,
    Message,
    Other,
    Play,
    ServerShutdown,
)
from trader.exchange.binance.wire import (
    USD_M,
    AnyWire,
    BookWire,
    KlineEventWire,
    KlineFrameWire,
    MarkWire,
    RefusalWire,
    TradeWire,
)

#: Binance's names of intervals; others are none of ours.
TIMEFRAMES = {timeframe.wire: timeframe for timeframe in Timeframe if timeframe.wire}
_FOREIGN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)


_decode_kline_frame = msgspec.json.Decoder(KlineFrameWire, strict=False).decode
_decode_kline = msgspec.json.Decoder(KlineEventWire, strict=False).decode
_decode_trade = msgspec.json.Decoder(TradeWire, strict=False).decode
_decode_book = msgspec.json.Decoder(BookWire, strict=False).decode
_decode_mark = msgspec.json.Decoder(MarkWire, strict=False).decode
_decode_marks = msgspec.json.Decoder(list[MarkWire], strict=False).decode
_decode_any = msgspec.json.Decoder(AnyWire).decode


def decode(frame: bytes | bytearray) -> Message:
    """Return what one frame says, combined (`{"stream", "data"}`) or raw; raise `DataError` when it is malformed."""
    try:
        return _quickly(frame) if b"@kline_" in frame else _slowly(frame)
    except _FOREIGN as error:
        raise DataError(f"malformed stream message ({error}): {bytes(frame[:120])!r}") from error


def _quickly(frame: bytes | bytearray) -> Message:
    try:
        wrapped = _decode_kline_frame(frame)
    except msgspec.ValidationError:  # malformed, or e.g. the answer to LIST, which names candle streams
        return _slowly(frame)
    return _kline(wrapped.stream, wrapped.data)


def _slowly(frame: bytes | bytearray) -> Message:
    outer = _decode_any(frame)
    body = bytes(outer.data)
    if not body:
        return _answer(outer) if _is_answer(outer) else _event(outer.stream, outer, bytes(frame))
    if body.lstrip()[:1] == b"[":
        return _rows(outer.stream, body)
    return _event(outer.stream, _decode_any(body), body)


def _event(stream: str, head: AnyWire, body: bytes) -> Message:
    reader = _READERS.get(head.e or ("bookTicker" if head.u else ""))
    if reader is None or head.st != USD_M:
        return Other(stream, head.E, head.e)
    return reader(stream, head, body)


def _kline(stream: str, event: KlineEventWire) -> Message:
    kline = event.kline
    timeframe = TIMEFRAMES.get(kline.interval)
    if timeframe is None:
        return Other(stream, event.event_ms, "kline")
    stream = stream or f"{kline.symbol.lower()}@kline_{kline.interval}"
    price = kline.close
    if not kline.closed:
        return KlineMessage(stream, event.event_ms, kline.symbol, price, None)
    low, high = kline.low, kline.high
    if not (low <= kline.open <= high and low <= price <= high) or kline.open_time % timeframe.ms:
        raise DataError(f"{stream}: impossible candle {kline}")
    candle = Candle(
        kline.symbol,
        timeframe,
        kline.open_time,
        kline.open,
        high,
        low,
        price,
        kline.volume,
        kline.quote_volume,
        kline.count,
        kline.taker_buy_volume,
        kline.taker_buy_quote_volume,
    )
    return KlineMessage(stream, event.event_ms, kline.symbol, price, candle)


def _raw_kline(stream: str, head: AnyWire, body: bytes) -> Message:
    return _kline(stream, _decode_kline(body))


def _agg_trade(stream: str, head: AnyWire, body: bytes) -> Message:
    trade = _decode_trade(body)
    name = stream or f"{trade.s.lower()}@aggTrade"
    return AggTrade(name, head.E, trade.s, trade.a, trade.p, trade.q, trade.f, trade.l, trade.T, trade.m)


def _book_ticker(stream: str, head: AnyWire, body: bytes) -> Message:
    book = _decode_book(body)
    return BookTicker(stream or f"{book.s.lower()}@bookTicker", head.E, book.s, book.b, book.B, book.a, book.A)


def _mark_price(stream: str, head: AnyWire, body: bytes) -> Message:
    return _mark(stream, _decode_mark(body))


def _mark(stream: str, mark: MarkWire) -> MarkPrice:
    rate = float(mark.r) if mark.r else math.nan  # "" for contracts without funding
    index = math.nan if mark.i is None else mark.i
    return MarkPrice(stream or f"{mark.s.lower()}@markPrice", mark.E, mark.s, mark.p, index, rate, mark.T)


def _rows(stream: str, body: bytes) -> Message:
    if not stream.startswith("!markPrice"):
        return Other(stream, 0, "rows")
    marks = _decode_marks(body)
    rows = tuple(_mark(stream, mark) for mark in marks if mark.st == USD_M)
    return MarkPrices(stream, max((row.event_ms for row in rows), default=0), rows)


def _shutdown(stream: str, head: AnyWire, body: bytes) -> Message:
    return ServerShutdown(stream or "!serverShutdown", head.E)


def _play(stream: str, head: AnyWire, body: bytes) -> Message:
    return Play(stream or PLAY_STREAM, head.E, head.state)


def _is_answer(message: AnyWire) -> bool:
    return message.id is not msgspec.UNSET or message.error is not None or bool(message.code)


def _answer(message: AnyWire) -> Answer:
    name = None if message.id is msgspec.UNSET else message.id
    error = message.error
    if isinstance(error, RefusalWire):
        return Answer(name, error.code, error.msg or "refused without a word")
    if error or message.code:
        return Answer(name, message.code, error or message.msg or "refused without a word")
    streams = message.result if isinstance(message.result, list) else []
    return Answer(name, streams=tuple(str(stream) for stream in streams))


_READERS: dict[str, Callable[[str, AnyWire, bytes], Message]] = {
    "kline": _raw_kline,
    "aggTrade": _agg_trade,
    "bookTicker": _book_ticker,
    "markPriceUpdate": _mark_price,
    "serverShutdown": _shutdown,
    "play": _play,
}
