"""The table of errors is whole, and each class of it becomes the right error of ours."""

from __future__ import annotations

import re
from typing import get_args

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_path
from trader.core.errors import ExchangeError, RateLimited, Rejected, Unauthorized, Unavailable
from trader.core.settings import Market
from trader.exchange.binance.errors import (
    BY_MARKET,
    CODES,
    STATUSES,
    Answer,
    Outcome,
    classify,
    classify_exception,
    pause_s,
    read_answer,
    translate,
    translate_exception,
)

MARKETS: tuple[Market, ...] = get_args(Market)
NOW_MS = 1_700_000_000_000

#: binance.md, section 7.
SECTION_7 = {
    Outcome.UNKNOWN: [-1000, -1001, -1006, -1007],
    Outcome.THROTTLE: [-1003, -1015, -1008, -5041],
    Outcome.CLOCK: [-1021, -5028],
    Outcome.HALT: [-1013, *range(-1130, -1099), -1111, -4014, -4023, -4120, -4061],
    Outcome.KEYS: [-1022, -2014, -2015],
    Outcome.NOT_FOUND: [-2011, -2013],
    Outcome.REJECTED: [-2010, -2018, -2019, -2020, -2025, -2027, -2028, -4003, -4004, -4005, -4016, -4024, -4131],
    Outcome.ALREADY: [-4046, -4059, -4171],
    Outcome.DUPLICATE: [-4116],
}


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(
    ("outcome", "code"), [(outcome, code) for outcome, codes in SECTION_7.items() for code in codes]
)
def test_each_code_is_in_its_class(market: Market, outcome: Outcome, code: int) -> None:
    assert classify(market, Answer(400, code)) is outcome


def test_no_code_that_the_design_names_is_missing() -> None:
    section = shared_path("design", "binance.md").read_text().partition("## 7.")[2].partition("## 8.")[0]
    named = {int(code) for code in re.findall(r"(?<![\d~])-\d{4}\b", section)}

    assert named - CODES.keys() - BY_MARKET["spot"].keys() == set()
    assert named - CODES.keys() - BY_MARKET["futures"].keys() == set()


def test_a_code_may_mean_another_thing_on_the_other_market() -> None:
    assert classify("spot", Answer(409, -2021)) is Outcome.UNKNOWN
    assert classify("futures", Answer(400, -2021)) is Outcome.REJECTED


def test_a_duplicate_order_is_told_from_other_refusals_by_its_words() -> None:
    assert classify("spot", Answer(400, -2010, "Duplicate order sent.")) is Outcome.DUPLICATE
    assert classify("spot", Answer(400, -2010, "Account has insufficient balance")) is Outcome.REJECTED


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Unknown error, please check your request or try again later.", Outcome.UNKNOWN),
        ("Service Unavailable.", Outcome.FAILED),
        ("Internal error; unable to process your request. Please try again.", Outcome.FAILED),
        ("<html>bad gateway</html>", Outcome.UNKNOWN),
    ],
)
def test_a_503_is_judged_by_its_words(text: str, outcome: Outcome) -> None:
    assert classify("futures", Answer(503, 0, text)) is outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.REJECTED),
        (403, Outcome.KEYS),
        (404, Outcome.HALT),
        (408, Outcome.UNKNOWN),
        (418, Outcome.THROTTLE),
        (429, Outcome.THROTTLE),
        (451, Outcome.KEYS),
        (500, Outcome.UNKNOWN),
        (504, Outcome.UNKNOWN),
        (302, Outcome.UNKNOWN),
    ],
)
def test_without_a_known_code_the_status_tells(status: int, outcome: Outcome) -> None:
    assert classify("spot", Answer(status, -99999)) is outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ClientConnectionError(), Outcome.UNKNOWN),
        (aiohttp.ServerDisconnectedError(), Outcome.UNKNOWN),
        (aiohttp.ConnectionTimeoutError(), Outcome.FAILED),
        (TimeoutError(), Outcome.UNKNOWN),
        (ConnectionResetError(), Outcome.UNKNOWN),
    ],
)
def test_a_connection_that_never_was_has_sent_nothing(error: Exception, outcome: Outcome) -> None:
    assert classify_exception(error) is outcome
    assert isinstance(translate_exception("GET time", error), Unavailable)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.UNKNOWN, Unavailable),
        (Outcome.THROTTLE, RateLimited),
        (Outcome.CLOCK, Rejected),
        (Outcome.HALT, Rejected),
        (Outcome.KEYS, Unauthorized),
        (Outcome.NOT_FOUND, Rejected),
        (Outcome.REJECTED, Rejected),
        (Outcome.ALREADY, Rejected),
        (Outcome.DUPLICATE, Rejected),
    ],
)
def test_each_class_becomes_one_kind_of_error(outcome: Outcome, kind: type[ExchangeError]) -> None:
    error = translate("spot", "GET klines", Answer(400, SECTION_7[outcome][0], "why"), NOW_MS)

    assert type(error) is kind
    assert "GET klines" in str(error)
    assert "'why'" in str(error)


@given(st.sampled_from(MARKETS), st.integers(300, 599), st.integers(-9999, 0), st.text())
def test_every_answer_becomes_an_error_of_ours(market: Market, status: int, code: int, text: str) -> None:
    assert isinstance(translate(market, "GET x", Answer(status, code, text), NOW_MS), ExchangeError)


def test_the_pause_is_retry_after_else_the_time_in_the_text_else_a_guess() -> None:
    banned = f"Way too much request weight used; IP banned until {NOW_MS + 90_000}."

    assert pause_s(Answer(429, -1003, banned, 7.0), NOW_MS) == 7
    assert pause_s(Answer(418, -1003, banned), NOW_MS) == 90
    assert pause_s(Answer(418, -1003, ""), NOW_MS) == 120
    assert pause_s(Answer(429, -1003, ""), NOW_MS) == 60


def test_a_ban_is_told_from_a_pause() -> None:
    ban = translate("spot", "GET x", Answer(418, -1003, "", 120.0), NOW_MS)

    assert isinstance(ban, RateLimited)
    assert (ban.banned, ban.retry_after_s) == (True, 120.0)


def test_answers_are_read_whatever_they_are() -> None:
    assert read_answer(400, {}, '{"code":-1121,"msg":"Invalid symbol."}') == Answer(400, -1121, "Invalid symbol.")
    assert read_answer(429, {"Retry-After": "5"}, '{"code":-1003,"msg":"x"}') == Answer(429, -1003, "x", 5.0)
    assert read_answer(502, {"Retry-After": "soon"}, "<html>") == Answer(502, 0, "<html>")
    assert read_answer(500, {}, '{"code":"x","msg":1}') == Answer(500, 0, "1")


def test_no_status_of_the_table_is_a_success() -> None:
    assert all(status >= 400 for status in STATUSES)
