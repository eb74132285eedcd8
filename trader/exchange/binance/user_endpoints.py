"""Where the streams of an account live."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from trader.exchange.binance.endpoints import Endpoints

#: Spot: host of REST -> WebSocket API. Elsewhere (the embedded exchange) it is on the same host and port as REST.
WS_API = {
    "api.binance.com": "wss://ws-api.binance.com:443",
    "demo-api.binance.com": "wss://demo-ws-api.binance.com",
    "testnet.binance.vision": "wss://ws-api.testnet.binance.vision",
}
WS_API_PATH = "/ws-api/v3"
#: What the private stream of USD-M is asked for; without being named, some do not come.
FUTURES_EVENTS = (
    "ORDER_TRADE_UPDATE",
    "ACCOUNT_UPDATE",
    "ALGO_UPDATE",
    "ACCOUNT_CONFIG_UPDATE",
    "MARGIN_CALL",
    "listenKeyExpired",
)


def ws_api_url(endpoints: Endpoints) -> str:
    """Return the address of the WebSocket API of spot.

    >>> ws_api_url(Endpoints("spot", "https://api.binance.com", "wss://stream.binance.com:9443"))
    'wss://ws-api.binance.com:443/ws-api/v3'
    """
    host = urlsplit(endpoints.rest).hostname or ""
    base = WS_API.get(host) or endpoints.rest.replace("http", "ws", 1)
    return base + WS_API_PATH


def private_url(endpoints: Endpoints, key: str, events: Sequence[str] = FUTURES_EVENTS) -> str:
    """Return the address of the private stream of USD-M.

    >>> private_url(Endpoints("futures", "https://fapi.binance.com", "wss://fstream.binance.com"), "k", ["A", "B"])
    'wss://fstream.binance.com/private/ws?listenKey=k&events=A/B'
    """
    return f"{endpoints.stream}/private/ws?listenKey={quote(key, safe='')}&events={'/'.join(events)}"
