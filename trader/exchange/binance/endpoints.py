"""Where Binance lives: base URLs by mode and market, names of streams, and the route on which each is served."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import msgspec

from trader.core.errors import ConfigError
from trader.core.settings import Market
from trader.core.timeframe import Timeframe

#: The embedded exchange says on this stream that its play has ended.
PLAY_STREAM = "!play"

#: What USD-M serves on `/public`; everything else is on `/market`. A stream asked for on the wrong route is
#: acknowledged and never comes.
PUBLIC_KINDS = ("bookTicker", "depth", "rpiDepth")

#: (mode, market) -> REST base, stream base. Paper trades on real prices; demo futures are also the testnet's.
HOSTS = {
    ("live", "spot"): ("https://api.binance.com", "wss://stream.binance.com:9443"),
    ("live", "futures"): ("https://fapi.binance.com", "wss://fstream.binance.com"),
    ("paper", "spot"): ("https://api.binance.com", "wss://stream.binance.com:9443"),
    ("paper", "futures"): ("https://fapi.binance.com", "wss://fstream.binance.com"),
    ("demo", "spot"): ("https://demo-api.binance.com", "wss://demo-stream.binance.com"),
    ("demo", "futures"): ("https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
    ("testnet", "spot"): ("https://testnet.binance.vision", "wss://stream.testnet.binance.vision"),
    ("testnet", "futures"): ("https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
}


#: Who tells what a key may do (`/sapi`), by host of REST: the main spot host for all markets, demo and testnet nobody.
#: Elsewhere, at the embedded exchange, it is REST's own.
RIGHTS = {
    "api.binance.com": "https://api.binance.com",
    "fapi.binance.com": "https://api.binance.com",
    "demo-api.binance.com": "",
    "testnet.binance.vision": "",
    "demo-fapi.binance.com": "",
}


class Endpoints(msgspec.Struct, frozen=True):
    """The addresses of one market of one venue, without a path and without a final slash."""

    market: Market
    rest: str
    stream: str

    def stream_url(self, streams: Sequence[str]) -> str:
        """Return the address of a combined connection that serves `streams`; raise `ConfigError` when routes differ."""
        routes = {route_of(self.market, name) for name in streams} or {route_of(self.market, "")}
        if len(routes) > 1:
            raise ConfigError(f"streams of several routes cannot share a connection: {', '.join(streams)}")
        names = "/".join(quote(name, safe="@!_") for name in streams)
        return f"{self.stream}{routes.pop()}/stream" + (f"?streams={names}" if names else "")


def endpoints(mode: str, market: Market, rest_url: str = "", stream_url: str = "") -> Endpoints:
    """Return the addresses of `mode`; `rest_url` and `stream_url` override them.

    The embedded exchange has no address of its own: it needs `rest_url`, and streams from the same host and port.
    """
    rest, stream = HOSTS.get((mode, market), ("", ""))
    if not rest and not rest_url:
        raise ConfigError(f"MODE={mode} has no address of its own: give REST_URL, e.g. http://127.0.0.1:8090")
    if rest_url and not stream:
        stream = _base("REST_URL", rest_url, ("http", "https")).replace("http", "ws", 1)
    return Endpoints(
        market,
        _base("REST_URL", rest_url or rest, ("http", "https")),
        _base("STREAM_URL", stream_url or stream, ("ws", "wss")),
    )


def rights_url(endpoints: Endpoints) -> str:
    """Return the base address at which the rights of a key can be asked, "" where nobody tells them.

    >>> rights_url(Endpoints("futures", "https://fapi.binance.com", "wss://fstream.binance.com"))
    'https://api.binance.com'
    """
    return RIGHTS.get(urlsplit(endpoints.rest).hostname or "", endpoints.rest)


def route_of(market: Market, stream: str) -> str:
    """Return the path of the route that serves `stream`: none on spot, `/public` or `/market` on futures."""
    if market == "spot":
        return ""
    kind = stream.removeprefix("!") if stream.startswith("!") else stream.partition("@")[2]
    return "/public" if kind.startswith(PUBLIC_KINDS) else "/market"


def has_klines(market: Market, timeframe: Timeframe) -> bool:
    """Tell whether the venue has candles of `timeframe`: others are built here from finer ones, or from trades."""
    return bool(timeframe.wire) and not (market == "futures" and timeframe is Timeframe.SEC_1)


def kline_stream(market: Market, symbol: str, timeframe: Timeframe) -> str:
    """Return the name of the candle stream, e.g. `btcusdt@kline_1m`; raise `ConfigError` where the venue has none."""
    if not has_klines(market, timeframe):
        source = "1s candles" if market == "spot" else "trades (aggTrade)"
        raise ConfigError(f"Binance {market} has no {timeframe} candles for {symbol}; build them from {source}")
    return f"{symbol.lower()}@kline_{timeframe.wire}"


def agg_trade_stream(symbol: str) -> str:
    """Return the name of the stream of aggregate trades."""
    return f"{symbol.lower()}@aggTrade"


def book_ticker_stream(symbol: str) -> str:
    """Return the name of the stream of best bid and ask."""
    return f"{symbol.lower()}@bookTicker"


def mark_price_stream(symbol: str) -> str:
    """Return the name of the stream of the mark price and funding rate, once a second (futures)."""
    return f"{symbol.lower()}@markPrice@1s"


def _base(name: str, url: str, schemes: tuple[str, ...]) -> str:
    if not _is_base(url, schemes):
        raise ConfigError(f"{name}={url!r} is no address; allowed: {' or '.join(schemes)}://host[:port]")
    return url.rstrip("/")


def _is_base(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not parts.query + parts.fragment
    except ValueError:
        return False
