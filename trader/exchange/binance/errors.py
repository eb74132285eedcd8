"""What an answer of Binance means: one table of codes, one of statuses, one of exceptions -> our error tree.

An order may be sent again only when it is proven that the first did nothing; so whoever sends one asks `classify`,
and everybody else catches the error that `translate` returns. A code may mean different things by market.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import aiohttp
import msgspec
from binance.exceptions import BinanceRequestException

from trader.core.errors import ExchangeError, RateLimited, Rejected, Unauthorized, Unavailable
from trader.core.settings import Market


class Outcome(StrEnum):
    """What became of a request, and so what is to be done."""

    UNKNOWN = "the outcome is unknown: look it up before anything is sent again"
    FAILED = "nothing was done: it may be tried again"
    THROTTLE = "too many requests: wait"
    CLOCK = "our clock is off: measure it again and try once more"
    HALT = "the request itself is wrong: mend the program or the settings, never repeat it"
    KEYS = "key, signature, permission or place is refused: trading must halt"
    NOT_FOUND = "the order is unknown: probably filled or cancelled, reconcile"
    REJECTED = "refused: resize, skip or close"
    ALREADY = "it is so already: a success"
    DUPLICATE = "the id is in use: an earlier try worked, look it up"


class Answer(msgspec.Struct, frozen=True):
    """A refusal as it came: HTTP status, Binance's code (0 without one) and text, seconds of Retry-After."""

    status: int
    code: int = 0
    text: str = ""
    retry_after_s: float | None = None


def _each(outcome: Outcome, *codes: int) -> dict[int, Outcome]:
    return dict.fromkeys(codes, outcome)


#: Codes with one meaning on both markets (binance.md, 7; the ranges are whole).
CODES: dict[int, Outcome] = {
    **_each(Outcome.UNKNOWN, -1000, -1001, -1006, -1007),
    **_each(Outcome.THROTTLE, -1003, -1008, -1015, -5041),
    **_each(Outcome.CLOCK, -1021, -5028),
    **_each(Outcome.HALT, *range(-1130, -1099), -1013, -4014, -4023, -4061, -4120),
    **_each(Outcome.KEYS, -1002, -1022, -2014, -2015),
    **_each(Outcome.NOT_FOUND, -2011, -2013),
    **_each(Outcome.REJECTED, -2010, -2018, -2019, -2020, -2025, -2027, -2028),
    **_each(Outcome.REJECTED, -4003, -4004, -4005, -4016, -4024, -4131, -4164, -4400),
    **_each(Outcome.ALREADY, -4046, -4059, -4171),
    **_each(Outcome.DUPLICATE, -4116),
}
#: Spot: cancelReplace was half done, or not at all. Futures: a stop would trigger at once, a reduce-only conflicts.
BY_MARKET: dict[Market, dict[int, Outcome]] = {
    "spot": {-2021: Outcome.UNKNOWN, -2022: Outcome.REJECTED},
    "futures": {-2021: Outcome.REJECTED, -2022: Outcome.REJECTED},
}
#: Answers without a code that we know: firewall 403, a country 451, an endpoint that is gone 404, 410.
STATUSES: dict[int, Outcome] = {
    **_each(Outcome.KEYS, 401, 403, 451),
    **_each(Outcome.HALT, 404, 405, 410, 413, 414),
    **_each(Outcome.UNKNOWN, 408, 409),
    **_each(Outcome.THROTTLE, 418, 429),
}
#: Futures' 503 tells by its words whether anything was done; a proxy's own page (without the full stop) does not.
FAILED_503 = ("Service Unavailable.", "Internal error; unable to process your request")
#: The first that fits; a connection that never came to be has sent nothing.
EXCEPTIONS: tuple[tuple[type[BaseException], Outcome], ...] = (
    (aiohttp.ConnectionTimeoutError, Outcome.FAILED),
    (aiohttp.ClientConnectorError, Outcome.FAILED),
    (aiohttp.ClientError, Outcome.UNKNOWN),
    (TimeoutError, Outcome.UNKNOWN),
    (OSError, Outcome.UNKNOWN),
    (BinanceRequestException, Outcome.UNKNOWN),
)
FOREIGN = tuple(kind for kind, _ in EXCEPTIONS)

#: Silence where the venue names none: a first ban, the rest of a window. Bans last three days at most.
BAN_S = 120.0
PAUSE_S = 60.0
#: The venue is overloaded, not we too many: it asks for a moment, and orders that protect wait for nobody's window.
OVERLOADED, OVERLOAD_S = -1008, 0.5
LONGEST_S = 3 * 86_400.0
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


def classify(market: Market, answer: Answer) -> Outcome:
    """Return what a refusal means."""
    if market == "futures" and answer.status == 503 and answer.text.startswith(FAILED_503):
        return Outcome.FAILED
    if answer.code == -2010 and answer.text.startswith("Duplicate order"):
        return Outcome.DUPLICATE
    if answer.status in (418, 429):
        return Outcome.THROTTLE
    known = BY_MARKET[market].get(answer.code) or CODES.get(answer.code) or STATUSES.get(answer.status)
    return known or (Outcome.UNKNOWN if answer.status >= 500 or answer.status < 400 else Outcome.REJECTED)


def classify_exception(error: BaseException) -> Outcome:
    """Return what a foreign exception means; unlisted ones leave the outcome unknown."""
    return next((outcome for kind, outcome in EXCEPTIONS if isinstance(error, kind)), Outcome.UNKNOWN)


def translate(market: Market, where: str, answer: Answer, now_ms: int) -> ExchangeError:
    """Return the error of ours for a refusal of `where` (method and path), with the venue's words and what to do."""
    outcome = classify(market, answer)
    error = _error(where, answer, outcome, now_ms)
    error.status, error.text = answer.status, answer.text
    error.code = error.code or answer.code
    return error


def _error(where: str, answer: Answer, outcome: Outcome, now_ms: int) -> ExchangeError:
    name = f"code {answer.code}" if answer.code else "no code"
    message = f"{where}: HTTP {answer.status}, {name}, {answer.text[:200]!r}; {_advice(where, outcome)}"
    if outcome is Outcome.THROTTLE:
        return RateLimited(message, pause_s(answer, now_ms), banned=answer.status == 418)
    if outcome in (Outcome.UNKNOWN, Outcome.FAILED):
        return _unavailable(message, outcome)
    if outcome is Outcome.KEYS:
        return Unauthorized(message)
    return Rejected(message, answer.code or answer.status)


def translate_exception(where: str, error: BaseException) -> Unavailable:
    """Return the error of ours for a connection that failed."""
    text = str(error) or type(error).__name__
    outcome = classify_exception(error)
    advice = _advice(where, outcome)
    return _unavailable(f"{where}: no answer ({type(error).__name__}: {text[:200]}); {advice}", outcome)


def _unavailable(message: str, outcome: Outcome) -> Unavailable:
    error = Unavailable(message)
    error.nothing_done = outcome is Outcome.FAILED
    return error


def _advice(where: str, outcome: Outcome) -> str:
    """Return what to do, in words: of a read there is no outcome to look up."""
    reading = where.startswith("GET ") and outcome in (Outcome.UNKNOWN, Outcome.FAILED)
    return "try again later" if reading else outcome


def pause_s(answer: Answer, now_ms: int) -> float:
    """Return how long to be silent: Retry-After, else the time in the text, else two minutes of a ban or one window."""
    if answer.retry_after_s is not None:
        return answer.retry_after_s
    until = _BANNED_UNTIL.search(answer.text)
    if until:
        return max(0.0, (int(until.group(1)) - now_ms) / 1000)
    if answer.status == 418:
        return BAN_S
    return OVERLOAD_S if answer.code == OVERLOADED else PAUSE_S


def read_answer(status: int, headers: Mapping[str, str], body: str) -> Answer:
    """Return a refusal from its HTTP answer; a body that is no JSON is the text."""
    try:
        refusal = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        refusal = {}
    code, text = refusal.get("code", 0), refusal.get("msg", body)
    return Answer(status, code if isinstance(code, int) else 0, str(text), _seconds(headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    return min(float(text), LONGEST_S) if text is not None and text.strip().isdecimal() else None
