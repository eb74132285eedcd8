"""The venue's messages field by field, as far as we read them; only the codec looks at these.

Candles have names of ours, for they are read in one pass; the rest keeps the venue's letters. The bounds are tested
while the bytes are read: NaN, infinity, negative prices and times in microseconds do not get past them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

#: Rows of USD-M; since 2026-06-30 all-market streams also carry COIN-M.
USD_M: Final = 1

Price = Annotated[float, Meta(gt=0, le=1e300)]
Amount = Annotated[float, Meta(ge=0, le=1e300)]
TimeMs = Annotated[int, Meta(ge=0, lt=10**14)]


class KlineWire(
    msgspec.Struct,
    gc=False,
    rename={
        **{"open_time": "t", "symbol": "s", "interval": "i", "closed": "x"},
        **{"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v", "quote_volume": "q", "count": "n"},
        **{"taker_buy_volume": "V", "taker_buy_quote_volume": "Q"},
    },
):
    open_time: TimeMs
    symbol: str
    interval: str
    closed: bool
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Amount
    quote_volume: Amount
    count: Amount
    taker_buy_volume: Amount
    taker_buy_quote_volume: Amount


class KlineEventWire(msgspec.Struct, gc=False, rename={"event": "e", "event_ms": "E", "kline": "k", "kind": "st"}):
    event: Literal["kline"]
    event_ms: TimeMs
    kline: KlineWire
    kind: Literal[1] = USD_M


class KlineFrameWire(msgspec.Struct, gc=False):
    data: KlineEventWire
    stream: str = ""


class TradeWire(msgspec.Struct, gc=False):
    E: TimeMs
    s: str
    a: int
    p: Price
    q: Amount
    f: int
    l: int  # noqa: E741 - the venue's name
    T: TimeMs
    m: bool


class BookWire(msgspec.Struct, gc=False):
    s: str
    b: Amount
    B: Amount
    a: Amount
    A: Amount
    E: TimeMs = 0


class MarkWire(msgspec.Struct, gc=False):
    E: TimeMs
    s: str
    p: Amount
    i: Amount | None = None
    r: str = ""
    T: TimeMs = 0
    st: int = USD_M


class RefusalWire(msgspec.Struct):
    code: int = -1
    msg: str = ""


class AnyWire(msgspec.Struct):
    """Any message: enough of it to know what it is."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    e: str = ""
    E: TimeMs = 0
    st: int = USD_M
    u: Any = 0
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    result: Any = None
    error: RefusalWire | str | None = None
    code: int = 0
    msg: str = ""
    state: str = ""
