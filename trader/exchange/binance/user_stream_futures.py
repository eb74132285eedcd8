"""The account's events on USD-M: a private stream behind a listen key, which has to be kept alive.

A socket whose key has expired stays open and says nothing, so the key is renewed with the socket: whatever goes wrong
with one, both are made anew.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable

import msgspec

from trader.core.errors import ExchangeError, Rejected, Unauthorized
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.pace import RateWindow
from trader.exchange.binance.socket import Bytes
from trader.exchange.binance.states import StreamOptions
from trader.exchange.binance.trade_client import TradingClient
from trader.exchange.binance.user_codec import WsAnswer
from trader.exchange.binance.user_endpoints import private_url
from trader.exchange.binance.user_stream import OnEvent, UserStream
from trader.exchange.binance.watched_socket import WatchedSocket

#: A key lives for 60 minutes; after a failure it is tried again sooner.
KEEP_EVERY_S = 25 * 60.0
KEEP_AGAIN_S = 30.0

_LOG = logging.getLogger(__name__)


class FuturesLine:
    """Opens private streams, each with the key that the venue gives at that moment."""

    def __init__(
        self,
        endpoints: Endpoints,
        client: TradingClient,
        options: StreamOptions,
        *,
        keep_every_s: float = KEEP_EVERY_S,
        keep_again_s: float = KEEP_AGAIN_S,
    ) -> None:
        self.key = ""
        self._endpoints = endpoints
        self._account = AccountRest(client)
        self._options = options
        self._messages = RateWindow(options.messages_per_s, 1.0)
        self._keep_every_s = keep_every_s
        self._keep_again_s = keep_again_s
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}

    async def open(self, on_frame: Callable[[Bytes], None]) -> WatchedSocket:
        """Return a socket on the private stream."""
        self.key = await self._account.make_listen_key()
        socket = WatchedSocket(private_url(self._endpoints, self.key), self._options, on_frame)
        await socket.open()
        return socket

    def answered(self, answer: WsAnswer) -> None:
        """Take the answer to a fence; others are nobody's."""
        waiting = self._waiting.get(answer.id) if isinstance(answer.id, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def fence(self, socket: WatchedSocket) -> bool:
        """List the subscriptions: the answer queues behind the events. No faster than the venue hears us."""
        await asyncio.sleep(self._messages.take(asyncio.get_running_loop().time()))
        name = next(self._ids)
        waiting = self._waiting[name] = asyncio.get_running_loop().create_future()
        try:
            await socket.send(msgspec.json.encode({"id": name, "method": "LIST_SUBSCRIPTIONS"}))
            await waiting
        finally:
            del self._waiting[name]
        return True

    async def tend(self, renew: Callable[[str], None]) -> None:
        """Prolong the key again and again; when the venue no longer knows it, have all made anew."""
        wait_s = self._keep_every_s
        while True:
            await asyncio.sleep(wait_s)
            wait_s = await self._prolong(renew)

    async def _prolong(self, renew: Callable[[str], None]) -> float:
        if not self.key:
            return self._keep_again_s
        try:
            await self._account.keep_listen_key(self.key)
        except Unauthorized:
            raise
        except Rejected as error:
            renew(f"the listen key is gone: {error}")
        except ExchangeError as error:
            _LOG.warning("the listen key could not be prolonged: %s", error)
            return self._keep_again_s
        return self._keep_every_s


def futures_user_stream(
    endpoints: Endpoints, client: TradingClient, on_event: OnEvent, options: StreamOptions | None = None
) -> UserStream:
    """Return the stream of `client`'s USD-M account; `run` it, reconcile at each `StreamBack` with a gap."""
    options = options or StreamOptions.of("futures")
    return UserStream(FuturesLine(endpoints, client, options), on_event, options)
