"""One market's trading side as the doors see it, and how a request becomes an answer there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trader.exchange.embedded.accounts.account import Account, ApiKey
from trader.exchange.embedded.accounts.gate import ENVELOPE
from trader.exchange.embedded.api_error import ApiError, Limited
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.kept import Keep
from trader.exchange.embedded.order_mischief import Reply
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call, SignedEndpoint
from trader.exchange.embedded.transport import Transport

Admit = Callable[[], tuple[Account, ApiKey]]
Json = dict[str, Any]


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """What a market brings to the doors. `methods` name the endpoints of its WebSocket API.

    `advance(now)` lets resting orders meet prices up to now; `open(now)` fills the limits that the price has passed
    which an order meets that comes now. `ledger(account, since)` is all that a judge may see, events from the
    `since`-th on; `stranger(account, wish)` does by hand what somebody else might do. `keep` has all that must outlive
    the process; `written` is called after each request, before its answer leaves, with whether it may have changed
    what makes no event.
    """

    floor: Floor
    endpoints: list[SignedEndpoint]
    methods: dict[str, SignedEndpoint]
    advance: Callable[[int], None]
    open: Callable[[int], None]
    ledger: Callable[[Account], Json]
    stranger: Callable[[Account, Json], Json]
    keep: Keep
    written: Callable[[bool], None] = lambda changed: None

    @property
    def market(self) -> str:
        """The market's name."""
        return self.floor.market


def serve(
    venue: Venue, endpoint: SignedEndpoint, transport: Transport, admit: Admit, values: Mapping[str, str]
) -> Reply:
    """Return the answer to one request of who is admitted: all of it is of one moment, and prices have come so far."""
    meter = transport.meters[venue.market]
    own = {name: value for name, value in values.items() if name not in ENVELOPE}
    params = Params(venue.floor, own)
    headers: dict[str, str] = {}
    try:
        weight = endpoint.weight(params)
        meter.charge(weight)
        account, key = admit()
        with venue.floor.clock.still() as now:
            venue.advance(now)
            if endpoint.changes:
                venue.open(now)
            try:
                body = endpoint.answer(Call(account, key, params))
            finally:
                venue.written(endpoint.method != "GET")
                headers = account.counts[venue.market].headers() if endpoint.changes else {}
        meter.refund(weight if endpoint.free else 0)
        return Reply(200, body, weight_headers(transport, venue.market) | headers)
    except ApiError as error:
        return Reply(error.status, error.body, weight_headers(transport, venue.market) | headers | _patience(error))


def weight_headers(transport: Transport, market: str) -> dict[str, str]:
    """Return the headers that tell the weight used."""
    used = str(transport.meters[market].used)
    headers = {"X-MBX-USED-WEIGHT-1M": used}
    return headers if market == "futures" else headers | {"X-MBX-USED-WEIGHT": used}


def _patience(error: ApiError) -> dict[str, str]:
    return {"Retry-After": str(max(1, int(error.retry_after_s)))} if isinstance(error, Limited) else {}
