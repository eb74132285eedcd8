"""python-binance's AsyncClient under our rules: governed, patient where reading is safe, failing in our words.

Of the library we keep signing and endpoints. Weight, Retry-After, bans, the measured clock and the errors are ours;
headers are read from each answer itself, for `client.response` is shared between concurrent requests.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
import msgspec
from binance import AsyncClient

from trader.core.errors import ExchangeError, RateLimited, Rejected, Unavailable
from trader.core.settings import Market
from trader.exchange.binance.departure import came_back
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.errors import (
    CODES,
    FOREIGN,
    OVERLOADED,
    Outcome,
    read_answer,
    translate,
    translate_exception,
)
from trader.exchange.binance.weights import FUNDING_PATHS, weight_of

#: Binance gives up after 10 s itself: whoever waits less never learns what it says.
TIMEOUT_S = 15.0
WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
#: Answers whose figure of used weight is wrong.
WRONG_HEADER = ("ticker/bookTicker",)
CLOCK_CODES = tuple(code for code, outcome in CODES.items() if outcome is Outcome.CLOCK)

_VERSION = re.compile(r"/v\d/")


class Gate(Protocol):
    """Lets requests out within the venue's limit; `limit` a window, `offset_s` the venue's clock minus ours.

    `waiting` is how many requests wait for room.
    """

    limit: int
    waiting: int
    offset_s: float

    async def admit(self, weight: int, urgent: bool = False) -> Any:
        """Wait for room; return a ticket."""
        ...

    def settle(self, ticket: Any, used: int | None = None) -> None:
        """Take the ticket back, with the venue's own figure."""
        ...

    def pause(self, seconds: float, banned: bool = False) -> None:
        """Let nothing out for a while."""
        ...


class Patience(msgspec.Struct, frozen=True):
    """How long a request may take, and how often a read is tried, with waits that double between two bounds."""

    timeout_s: float = TIMEOUT_S
    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 10.0

    def wait_s(self, attempt: int) -> float:
        """Return a random wait after the `attempt`-th failure, counted from 1."""
        bound = min(self.longest_wait_s, self.first_wait_s * 2 ** (attempt - 1))
        return random.uniform(bound / 2, bound)


class Reply(msgspec.Struct, frozen=True):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GovernedClient(AsyncClient):  # type: ignore[misc]  # the library is untyped
    """An AsyncClient of one market whose requests pass `gate`, those for funding rates `funding_gate`.

    Make it inside a running loop. Only reads are repeated; orders and cancels, being urgent, use the gate's reserve.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        gate: Gate,
        funding_gate: Gate,
        patience: Patience,
        api_key: str | None = None,
        api_secret: str | None = None,
    ) -> None:
        timeout = aiohttp.ClientTimeout(total=patience.timeout_s)
        super().__init__(api_key, api_secret, requests_params={"timeout": timeout})
        self.API_URL = f"{endpoints.rest}/api"
        self.FUTURES_URL = f"{endpoints.rest}/fapi"
        self.FUTURES_DATA_URL = f"{endpoints.rest}/futures/data"
        self.market: Market = endpoints.market
        self._gate = gate
        self._funding_gate = funding_gate
        self._patience = patience

    async def sync_clock(self) -> int:
        """Measure the server's clock against ours; return the difference in ms, by the quickest of a few answers."""
        best = (float("inf"), 0)
        for _ in range(3):
            asked = time.time()
            answer = await (self.futures_time() if self.market == "futures" else self.get_server_time())
            answered = time.time()
            best = min(best, (answered - asked, round(int(answer["serverTime"]) - 500 * (asked + answered))))
            if best[0] < 1.0:
                break
        self.timestamp_offset = best[1]
        self._gate.offset_s = best[1] / 1000
        return best[1]

    async def _request(self, method: str, uri: str, signed: bool, force_params: bool = False, **kwargs: Any) -> Any:
        attempt, synced = 1, False
        while True:
            try:
                return await self._once(method, uri, signed, force_params, _copied(kwargs))
            except Rejected as error:
                if error.code not in CLOCK_CODES or synced or not signed:
                    raise
                synced = True
                came_back()
                await self.sync_clock()
            except (Unavailable, RateLimited) as error:
                if method != "get" or attempt >= self._patience.attempts or _hopeless(error):
                    raise
                if isinstance(error, Unavailable):
                    await asyncio.sleep(self._patience.wait_s(attempt))
                attempt += 1

    async def _once(self, method: str, uri: str, signed: bool, force_params: bool, kwargs: dict[str, Any]) -> Any:
        path = _VERSION.split(uri, maxsplit=1)[-1]
        where = f"{method.upper()} {path}"
        gate = self._funding_gate if path in FUNDING_PATHS else self._gate
        ticket = await gate.admit(weight_of(self.market, method, path, kwargs.get("data") or {}), method != "get")
        used = None
        try:
            reply = await super()._request(method, uri, signed, force_params, **kwargs)
            used = _used_weight(path, reply)
        except FOREIGN as error:
            raise translate_exception(where, error) from error
        finally:
            gate.settle(ticket, used)
        return self._read(where, reply)

    def _read(self, where: str, reply: Reply) -> Any:
        if not 200 <= reply.status < 300:
            raise self._refusal(where, reply)
        try:
            return msgspec.json.decode(reply.body) if reply.body else {}
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable(f"{where}: the answer is no JSON ({error}): {reply.body[:120]!r}") from error

    def _refusal(self, where: str, reply: Reply) -> ExchangeError:
        answer = read_answer(reply.status, reply.headers, reply.body.decode(errors="replace"))
        error = translate(self.market, where, answer, int(time.time() * 1000))
        if isinstance(error, RateLimited) and error.code != OVERLOADED:  # that says nothing of our limits
            self._gate.pause(error.retry_after_s, error.banned)
        return error

    async def _handle_response(self, response: aiohttp.ClientResponse) -> Reply:
        return Reply(response.status, response.headers, await response.read())


def _copied(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return `kwargs` with their own `data`: the library signs in place, and another try needs a fresh signature."""
    return {**kwargs, "data": dict(kwargs["data"])} if "data" in kwargs else dict(kwargs)


def _hopeless(error: ExchangeError) -> bool:
    return isinstance(error, RateLimited) and error.banned


def _used_weight(path: str, reply: Reply) -> int | None:
    text = reply.headers.get(WEIGHT_HEADER, "")
    return int(text) if text.isdecimal() and path not in WRONG_HEADER else None
