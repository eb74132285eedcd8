"""REST: from a request to an answer, with weights, refusals and faults on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from trader.exchange.embedded.api_error import ApiError, Limited
from trader.exchange.embedded.endpoints import Endpoint
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.rest_futures import futures_endpoints
from trader.exchange.embedded.rest_spot import spot_endpoints
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.weights import WeightMeter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: The bodies of a server error: of 503 the one that leaves the outcome open, of others the page of a proxy.
UNKNOWN_ERROR = {"code": -1000, "msg": "Unknown error, please check your request or try again later."}


class Rest:
    """The public endpoints of both markets."""

    def __init__(self, floors: Mapping[str, Floor], transport: Transport) -> None:
        self._floors = floors
        self._transport = transport

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of all endpoints, of COIN-M an empty exchangeInfo that clients load beside the others."""
        endpoints = {"spot": spot_endpoints(self._transport), "futures": futures_endpoints(self._transport)}
        served = [
            web.get(endpoint.path, self._handler(market, endpoint))
            for market, some in endpoints.items()
            for endpoint in some
        ]
        return [*served, web.get("/dapi/v1/exchangeInfo", self._no_coin_margined)]

    def _handler(self, market: str, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self._transport.plan.for_request()
            if (
                fault is not None
                and (broken := await misbehave(self._transport.meters[market], request, *fault)) is not None
            ):
                return broken
            try:
                return self._answer(market, endpoint, request)
            except ApiError as error:
                return self._refusal(market, error)

        return handle

    def _answer(self, market: str, endpoint: Endpoint, request: web.Request) -> web.Response:
        floor = self._floors[market]
        params = Params(floor, request.query, request.headers.get("X-MBX-TIME-UNIT"))
        self._transport.meters[market].charge(endpoint.weight(params) if endpoint.metered else 0)
        if not endpoint.metered:
            self._transport.funding_meter.charge(1)
        with floor.clock.still():
            body = endpoint.answer(params)
        return json_answer(body, headers=self._weight_headers(market) if endpoint.metered else None)

    def _refusal(self, market: str, error: ApiError) -> web.Response:
        headers = self._weight_headers(market)
        if isinstance(error, Limited):
            headers["Retry-After"] = str(max(1, int(error.retry_after_s)))
        return json_answer(error.body, error.status, headers)

    def _weight_headers(self, market: str) -> dict[str, str]:
        used = str(self._transport.meters[market].used)
        headers = {"X-MBX-USED-WEIGHT-1M": used}
        return headers if market == "futures" else headers | {"X-MBX-USED-WEIGHT": used}

    async def _no_coin_margined(self, _: web.Request) -> web.Response:
        return json_answer({"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": []})


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return `body` as a JSON answer."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def not_found(request: web.Request) -> web.Response:
    """Return the answer to a path that is not there."""
    return json_answer({"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"}, 404)


async def misbehave(meter: WeightMeter, request: web.Request, fault: Fault, amount: float) -> web.StreamResponse | None:
    """Do what the fault says; return None where the request goes on to be refused by the meter."""
    if fault is Fault.TIMEOUT:
        return await _never_answer(request, amount)
    if fault in (Fault.TOO_MANY, Fault.BANNED):
        meter.limit_for(amount) if fault is Fault.TOO_MANY else meter.ban_for(amount)
        return None
    status = int(amount)
    if status == 503:
        return json_answer(UNKNOWN_ERROR, status)
    return web.Response(status=status, text=f"<html><body>{status}</body></html>", content_type="text/html")


async def _never_answer(request: web.Request, seconds: float) -> web.StreamResponse:
    await asyncio.sleep(seconds)
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=408)
