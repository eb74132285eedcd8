"""What a stream says, in our words. Times in ms of the market's clock; prices and quantities as floats.

`event_ms` is when the venue sent it, 0 where it does not say (best bid and ask on spot).
"""

from __future__ import annotations

import msgspec

from trader.core.candle import Candle


class KlineMessage(msgspec.Struct, frozen=True, gc=False):
    """The state of a candle: `price` is its last trade, `candle` is there only once it has closed."""

    stream: str
    event_ms: int
    symbol: str
    price: float
    candle: Candle | None


class AggTrade(msgspec.Struct, frozen=True, gc=False):
    """Trades of one order at one price; `buyer_is_maker` says that the seller was the taker."""

    stream: str
    event_ms: int
    symbol: str
    trade_id: int
    price: float
    quantity: float
    first_id: int
    last_id: int
    time_ms: int
    buyer_is_maker: bool


class BookTicker(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask."""

    stream: str
    event_ms: int
    symbol: str
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float


class MarkPrice(msgspec.Struct, frozen=True, gc=False):
    """Mark and index price of a futures contract, and the funding rate that is due at `next_funding_ms`."""

    stream: str
    event_ms: int
    symbol: str
    mark: float
    index: float
    funding_rate: float
    next_funding_ms: int


class MarkPrices(msgspec.Struct, frozen=True):
    """The mark prices of all USD-M contracts; contracts of other kinds are left out."""

    stream: str
    event_ms: int
    rows: tuple[MarkPrice, ...]


class ServerShutdown(msgspec.Struct, frozen=True):
    """The venue will soon close this connection: open another one now."""

    stream: str
    event_ms: int


class Play(msgspec.Struct, frozen=True):
    """The embedded exchange tells the state of its play: `ended` means that no candle will follow."""

    stream: str
    event_ms: int
    state: str


class Answer(msgspec.Struct, frozen=True):
    """The answer to one of our requests: `streams` of a LIST; `text` is empty unless it was refused with `code`."""

    id: int | str | None
    code: int = 0
    text: str = ""
    streams: tuple[str, ...] = ()


class Other(msgspec.Struct, frozen=True):
    """A well-formed message that we have no use for."""

    stream: str
    event_ms: int
    event: str


Message = KlineMessage | AggTrade | BookTicker | MarkPrice | MarkPrices | ServerShutdown | Play | Answer | Other
