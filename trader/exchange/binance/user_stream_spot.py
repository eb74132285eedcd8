"""The account's events on spot: a subscription, by signature, on a connection of the WebSocket API.

It dies with its socket, so every socket subscribes anew, with a fresh signature and a clock that is measured again
when the venue finds it off.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trader.core.errors import Rejected, Unavailable
from trader.exchange.binance.client import CLOCK_CODES
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.errors import Answer, translate
from trader.exchange.binance.socket import Bytes
from trader.exchange.binance.states import StreamOptions
from trader.exchange.binance.trade_client import TradingClient
from trader.exchange.binance.user_codec import WsAnswer
from trader.exchange.binance.user_endpoints import ws_api_url
from trader.exchange.binance.user_stream import OnEvent, UserStream
from trader.exchange.binance.watched_socket import WatchedSocket

SUBSCRIBE = "userDataStream.subscribe.signature"
PING = "ping"


class SpotLine:
    """Opens sockets of the WebSocket API and subscribes on them."""

    def __init__(self, url: str, client: TradingClient, options: StreamOptions) -> None:
        self._url = url
        self._client = client
        self._options = options
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[WsAnswer]] = {}

    async def open(self, on_frame: Callable[[Bytes], None]) -> WatchedSocket:
        """Return a socket with a subscription."""
        socket = WatchedSocket(self._url, self._options, on_frame)
        try:
            await socket.open()
            await self._subscribe(socket)
        except BaseException:
            await socket.close("it could not be subscribed")
            raise
        return socket

    def answered(self, answer: WsAnswer) -> None:
        """Take the answer to a question of ours; others are nobody's."""
        waiting = self._waiting.get(answer.id) if isinstance(answer.id, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def fence(self, socket: WatchedSocket) -> bool:
        """Ping the venue's program, not its socket: the answer queues behind the events."""
        await self._ask(socket, PING, {})
        return True

    async def tend(self, renew: Callable[[str], None]) -> None:
        """Nothing: the socket's own pings keep it alive."""

    async def _subscribe(self, socket: WatchedSocket) -> None:
        try:
            await self._ask(socket, SUBSCRIBE, self._client.signed())
        except Rejected as error:
            if error.code not in CLOCK_CODES:
                raise
            await self._client.sync_clock()
            await self._ask(socket, SUBSCRIBE, self._client.signed())

    async def _ask(self, socket: WatchedSocket, method: str, params: Mapping[str, Any]) -> None:
        name = next(self._ids)
        answer: asyncio.Future[WsAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[name] = answer
        request = {"id": name, "method": method, "params": params}
        try:
            await socket.send(msgspec.json.encode(request))
            await asyncio.wait(
                (answer, _end_of(socket)), timeout=self._options.answer_timeout_s, return_when="FIRST_COMPLETED"
            )
        finally:
            self._waiting.pop(name, None)
        if not answer.done():
            raise Unavailable(f"{method}: no answer within {self._options.answer_timeout_s:g} s, or no connection")
        said = answer.result()
        if said.text or said.status >= 300:
            refusal = Answer(said.status or 400, said.code, said.text)
            raise translate("spot", method, refusal, self._client.clock.now_ms)


def _end_of(socket: WatchedSocket) -> asyncio.Task[str]:
    assert socket.ended is not None
    return socket.ended


def spot_user_stream(
    endpoints: Endpoints, client: TradingClient, on_event: OnEvent, options: StreamOptions | None = None
) -> UserStream:
    """Return the stream of `client`'s spot account; `run` it, reconcile at each `StreamBack` with a gap."""
    options = options or StreamOptions.of("spot")
    return UserStream(SpotLine(ws_api_url(endpoints), client, options), on_event, options)
