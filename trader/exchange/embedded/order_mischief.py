"""Faults around one request that changes orders: what is done, and what the client is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trader.exchange.embedded.faults import Fault, FaultPlan


class Reply(msgspec.Struct, frozen=True):
    """An answer before it is put on a wire: `status` as of HTTP, a JSON body, headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


#: Answers that leave the outcome open; the amount is the probability that the order was accepted all the same.
OPEN = {
    Fault.UNKNOWN_503: (503, -1000, "Unknown error, please check your request or try again later."),
    Fault.UNEXPECTED: (
        500,
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
    ),
    Fault.BACKEND_TIMEOUT: (
        504,
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
}
#: Answers that mean that nothing was done.
FAILED = {
    Fault.UNAVAILABLE_503: (503, -1000, "Service Unavailable."),
    Fault.INTERNAL_503: (503, -1001, "Internal error; unable to process your request. Please try again."),
    Fault.OVERLOADED: (
        503,
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    ),
    Fault.LATE_TIMESTAMP: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
}


async def with_mischief(plan: FaultPlan, act: Callable[[], Reply]) -> Reply | None:
    """Return what `act` answers, or what a fault makes of it; None where the connection is to be cut instead."""
    drawn = plan.for_order()
    if drawn is None:
        return act()
    kind, amount = drawn
    if kind in FAILED:
        return _reply(FAILED[kind])
    if kind in OPEN:
        if plan.coin(amount):
            act()
        return _reply(OPEN[kind])
    if kind is Fault.TIMEOUT_BEFORE:
        await asyncio.sleep(amount)
        return None
    return await _answered(kind, amount, act())


async def _answered(kind: Fault, amount: float, reply: Reply) -> Reply | None:
    """Withhold the answer to what was done: for good, at once or after a while, or for a while only."""
    if kind is not Fault.ANSWER_LOST:
        await asyncio.sleep(amount)
    return reply if kind is Fault.ANSWER_LATE else None


def _reply(words: tuple[int, int, str]) -> Reply:
    status, code, text = words
    return Reply(status, {"code": code, "msg": text})
