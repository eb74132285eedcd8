"""What to do after a request has failed: one pure table, `(error, request) -> Outcome`.

What an answer means comes from the adapter's table of codes; here it becomes an act, by what was asked. Nothing that
changes the account is ever sent again blindly: only on proof that it did nothing, and then under the same id.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from trader.core.errors import DataError, RateLimited, Rejected, TraderError, Unauthorized, Unavailable
from trader.core.settings import Market
from trader.exchange.binance.errors import Answer, classify, classify_exception
from trader.exchange.binance.errors import Outcome as Meaning

#: Before a request that did nothing is sent again.
RETRY_S = 0.25


class Ask(StrEnum):
    """What a request wanted."""

    READ = "read"
    PLACE = "place"
    CANCEL = "cancel"
    SETTING = "setting"


class Act(StrEnum):
    """What to do now."""

    LOOK_UP = "look it up by its id before anything else is sent for it"
    RETRY_SAME_ID = "send the same again under the same id, after a while"
    RESYNC_CLOCK = "measure the clock, then send the same again, once"
    NOT_FOUND = "the venue does not know it (yet): ask again for a while"
    REJECTED = "proof of refusal: decide anew"
    ALREADY_DONE = "it is so: go on"
    HALT = "stop opening, keep what protects, tell a person"


class Why(StrEnum):
    """Why an order was refused, as far as anybody acts on it."""

    OTHER = "other"
    WOULD_TRIGGER = "the stop's price is passed already: close at market"
    WOULD_TAKE = "a maker order would take"
    INSUFFICIENT = "balance or margin is too small"
    NOTHING_TO_REDUCE = "there is no such position to reduce"
    FILTER = "quantity, price or value is outside the symbol's filters"
    TOO_MANY = "too many orders rest"
    LIMIT_OF_POSITION = "the position would exceed what the leverage allows"
    SUSPENDED = "the venue takes no such order now"


class Outcome(msgspec.Struct, frozen=True):
    """An act, after `wait_s` seconds; `why` of a refusal; the venue's `code` and `text` for those who read."""

    act: Act
    why: Why = Why.OTHER
    wait_s: float = 0.0
    code: int = 0
    text: str = ""


def _row(read: Act, place: Act, cancel: Act, setting: Act) -> dict[Ask, Act]:
    return dict(zip(Ask, (read, place, cancel, setting), strict=True))


def _same(act: Act) -> dict[Ask, Act]:
    return dict.fromkeys(Ask, act)


#: What an answer means x what was asked -> what to do. A refused cancel says that the order is not what we believe.
ACTS: dict[Meaning, dict[Ask, Act]] = {
    Meaning.UNKNOWN: _row(Act.RETRY_SAME_ID, Act.LOOK_UP, Act.LOOK_UP, Act.LOOK_UP),
    Meaning.FAILED: _same(Act.RETRY_SAME_ID),
    Meaning.THROTTLE: _same(Act.RETRY_SAME_ID),
    Meaning.CLOCK: _same(Act.RESYNC_CLOCK),
    Meaning.HALT: _same(Act.HALT),
    Meaning.KEYS: _same(Act.HALT),
    Meaning.NOT_FOUND: _row(Act.NOT_FOUND, Act.REJECTED, Act.LOOK_UP, Act.REJECTED),
    Meaning.REJECTED: _row(Act.REJECTED, Act.REJECTED, Act.LOOK_UP, Act.REJECTED),
    Meaning.ALREADY: _same(Act.ALREADY_DONE),
    Meaning.DUPLICATE: _row(Act.REJECTED, Act.LOOK_UP, Act.LOOK_UP, Act.REJECTED),
}
#: Filters fail in the ordinary course of things too (a moving price): an order's own refusal, no reason to halt.
#: Half done or not at all (spot's cancelReplace): both orders have to be looked at.
BY_CODE: dict[Market, dict[int, dict[Ask, Act]]] = {
    "spot": {
        -1013: _row(Act.HALT, Act.REJECTED, Act.LOOK_UP, Act.REJECTED),
        -2021: _row(Act.RETRY_SAME_ID, Act.LOOK_UP, Act.LOOK_UP, Act.LOOK_UP),
        -2022: _row(Act.REJECTED, Act.LOOK_UP, Act.LOOK_UP, Act.REJECTED),
    },
    "futures": {-1013: _row(Act.HALT, Act.REJECTED, Act.LOOK_UP, Act.REJECTED)},
}
WHY: dict[Market, dict[int, Why]] = {
    "spot": {-1013: Why.FILTER, -2010: Why.OTHER},
    "futures": {
        **dict.fromkeys((-2018, -2019), Why.INSUFFICIENT),
        **dict.fromkeys((-2021, -4142), Why.WOULD_TRIGGER),
        **dict.fromkeys((-2022, -4118), Why.NOTHING_TO_REDUCE),
        **dict.fromkeys((-1013, -4003, -4004, -4005, -4016, -4024, -4131, -4164), Why.FILTER),
        **dict.fromkeys((-2025, -4045), Why.TOO_MANY),
        **dict.fromkeys((-2027, -2028), Why.LIMIT_OF_POSITION),
        **dict.fromkeys((-2020, -4400), Why.SUSPENDED),
        -5022: Why.WOULD_TAKE,
    },
}
#: Spot's -2010 says in words what it means; the first that is contained.
WORDS: tuple[tuple[str, Why], ...] = (
    ("insufficient balance", Why.INSUFFICIENT),
    ("would trigger immediately", Why.WOULD_TRIGGER),
    ("would immediately trigger", Why.WOULD_TRIGGER),
    ("relationship of the prices", Why.WOULD_TRIGGER),
    ("would immediately match", Why.WOULD_TAKE),
    ("maximum number of orders", Why.TOO_MANY),
    ("max_num", Why.TOO_MANY),
    ("filter failure", Why.FILTER),
    ("market is closed", Why.SUSPENDED),
    ("not permitted", Why.SUSPENDED),
)


def outcome_of(market: Market, error: BaseException, ask: Ask) -> Outcome:
    """Return what to do after `error` of a request that wanted `ask`."""
    status, code, text = _said(error)
    meaning = _meaning(market, error, Answer(status, code, text))
    act = BY_CODE[market].get(code, ACTS[meaning])[ask]
    why = _why(market, code, text) if act is Act.REJECTED else Why.OTHER
    return Outcome(act, why, _wait_s(error, act), code, text)


def _meaning(market: Market, error: BaseException, answer: Answer) -> Meaning:
    if answer.status or isinstance(error, Rejected):
        return classify(market, answer)
    if isinstance(error, Unavailable):
        return Meaning.FAILED if error.nothing_done else Meaning.UNKNOWN
    if isinstance(error, RateLimited):
        return Meaning.THROTTLE
    if isinstance(error, Unauthorized):
        return Meaning.KEYS
    if isinstance(error, TraderError) and not isinstance(error, DataError):
        return Meaning.HALT
    return Meaning.UNKNOWN if isinstance(error, DataError) else classify_exception(error)


def _said(error: BaseException) -> tuple[int, int, str]:
    return getattr(error, "status", 0) or 0, getattr(error, "code", 0) or 0, getattr(error, "text", "") or ""


def _why(market: Market, code: int, text: str) -> Why:
    spoken = text.lower()
    worded = next((why for words, why in WORDS if words in spoken), Why.OTHER)
    return worded if market == "spot" and worded is not Why.OTHER else WHY[market].get(code, worded)


def _wait_s(error: BaseException, act: Act) -> float:
    if act is not Act.RETRY_SAME_ID:
        return 0.0
    return error.retry_after_s if isinstance(error, RateLimited) else RETRY_S
