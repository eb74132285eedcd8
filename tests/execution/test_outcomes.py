"""The table of outcomes is whole, and sends nothing again that may have worked."""

from __future__ import annotations

import re
from typing import get_args

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared import shared_path
from trader.core.errors import ConfigError, DataError, RateLimited, Rejected, Unauthorized, Unavailable
from trader.core.settings import Market
from trader.exchange.binance.errors import Answer, translate, translate_exception
from trader.exchange.binance.errors import Outcome as Meaning
from trader.execution.outcomes import ACTS, WHY, Act, Ask, Outcome, Why, outcome_of

MARKETS: tuple[Market, ...] = get_args(Market)
NOW_MS = 1_700_000_000_000
MUTATIONS = (Ask.PLACE, Ask.CANCEL, Ask.SETTING)
UNKNOWN = [(400, -1000), (400, -1001), (400, -1006), (400, -1007), (408, 0), (500, 0), (502, 0), (503, 0), (504, 0)]


def after(market: Market, ask: Ask, status: int, code: int = 0, text: str = "") -> Outcome:
    return outcome_of(market, translate(market, "POST order", Answer(status, code, text), NOW_MS), ask)


def test_every_meaning_has_an_act_for_whatever_was_asked() -> None:
    assert set(ACTS) == set(Meaning)
    assert all(set(row) == set(Ask) for row in ACTS.values())
    assert {act for row in ACTS.values() for act in row.values()} == set(Act)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("ask", MUTATIONS)
@pytest.mark.parametrize(("status", "code"), UNKNOWN)
def test_an_unknown_outcome_is_looked_up(market: Market, ask: Ask, status: int, code: int) -> None:
    assert after(market, ask, status, code).act is Act.LOOK_UP


@given(st.sampled_from(MARKETS), st.sampled_from(MUTATIONS), st.integers(300, 599), st.integers(-9999, 0), st.text())
def test_nothing_is_sent_again_without_proof(market: Market, ask: Ask, status: int, code: int, text: str) -> None:
    outcome = after(market, ask, status, code, text)
    proven = status in (418, 429, 503) or code in (-1003, -1008, -1015, -5041)
    assert outcome.act is not Act.RETRY_SAME_ID or proven


def test_each_code_that_the_design_names_has_its_act() -> None:
    section = shared_path("design", "binance.md").read_text().partition("## 7.")[2].partition("## 8.")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    acts = {
        "outcome unknown": {Act.LOOK_UP},
        "throttle": {Act.RETRY_SAME_ID},
        "clock": {Act.RESYNC_CLOCK},
        "bug/config, halt": {Act.HALT, Act.REJECTED},
        "not found": {Act.REJECTED},
        "rejected": {Act.REJECTED},
        "already so = success": {Act.ALREADY_DONE},
        "duplicate id = an earlier try worked": {Act.LOOK_UP},
    }
    seen = set()
    for line in rows:
        name, codes = (part.strip() for part in line.split("|")[1:3])
        for code in map(int, re.findall(r"(?<![\d~])-\d{4}\b", codes)):
            text = "Duplicate order sent." if name.startswith("duplicate") else ""
            assert after("futures", Ask.PLACE, 400, code, text).act in acts[name], (name, code)
            seen.add(name)
    assert seen == set(acts)


@pytest.mark.parametrize(
    ("market", "code", "text", "why"),
    [
        ("spot", -2010, "Account has insufficient balance for requested action.", Why.INSUFFICIENT),
        ("spot", -2010, "Stop price would trigger immediately.", Why.WOULD_TRIGGER),
        ("spot", -2010, "Order would immediately match and take.", Why.WOULD_TAKE),
        ("spot", -2010, "The relationship of the prices for the orders is not correct.", Why.WOULD_TRIGGER),
        ("spot", -2010, "Filter failure: MAX_NUM_ORDERS", Why.TOO_MANY),
        ("spot", -1013, "Filter failure: NOTIONAL", Why.FILTER),
        ("futures", -2019, "Margin is insufficient.", Why.INSUFFICIENT),
        ("futures", -2021, "Order would immediately trigger.", Why.WOULD_TRIGGER),
        ("futures", -2022, "ReduceOnly Order is rejected.", Why.NOTHING_TO_REDUCE),
        ("futures", -4164, "Order's notional must be no smaller than 50", Why.FILTER),
        ("futures", -4045, "Reach max stop order limit.", Why.TOO_MANY),
        ("futures", -2027, "Exceeded the maximum allowable position", Why.LIMIT_OF_POSITION),
        ("futures", -9999, "something new", Why.OTHER),
    ],
)
def test_a_refusal_says_why(market: Market, code: int, text: str, why: Why) -> None:
    outcome = after(market, Ask.PLACE, 400, code, text)

    assert (outcome.act, outcome.why, outcome.code, outcome.text) == (Act.REJECTED, why, code, text)


def test_every_reason_is_given_by_some_answer() -> None:
    assert {why for table in WHY.values() for why in table.values()} >= set(Why) - {Why.WOULD_TAKE}


@pytest.mark.parametrize("market", MARKETS)
def test_a_cancel_of_what_is_gone_is_looked_up(market: Market) -> None:
    assert after(market, Ask.CANCEL, 400, -2011, "Unknown order sent.").act is Act.LOOK_UP
    assert after(market, Ask.READ, 400, -2013, "Order does not exist.").act is Act.NOT_FOUND


def test_a_duplicate_is_an_earlier_try_that_worked() -> None:
    assert after("futures", Ask.PLACE, 400, -4116).act is Act.LOOK_UP
    assert after("spot", Ask.PLACE, 400, -2010, "Duplicate order sent.").act is Act.LOOK_UP


def test_a_code_may_mean_another_thing_on_the_other_market() -> None:
    assert after("spot", Ask.PLACE, 409, -2021).act is Act.LOOK_UP
    assert after("spot", Ask.PLACE, 400, -2022).act is Act.LOOK_UP
    assert after("futures", Ask.PLACE, 400, -2022).act is Act.REJECTED


@pytest.mark.parametrize(
    ("market", "text"), [("spot", "Service Unavailable."), ("futures", "Service Unavailable"), ("futures", "<html>")]
)
def test_a_503_that_is_not_the_venues_own_word_proves_nothing(market: Market, text: str) -> None:
    assert after(market, Ask.PLACE, 503, 0, text).act is Act.LOOK_UP


@pytest.mark.parametrize("market", MARKETS)
def test_a_pause_is_kept_as_long_as_the_venue_wants(market: Market) -> None:
    error = translate(market, "POST order", Answer(429, -1003, "", 7.0), NOW_MS)

    assert outcome_of(market, error, Ask.PLACE) == Outcome(Act.RETRY_SAME_ID, wait_s=7.0, code=-1003)


@pytest.mark.parametrize(
    ("error", "act"),
    [
        (Unavailable("the answer is no JSON"), Act.LOOK_UP),
        (translate_exception("POST order", aiohttp.ServerDisconnectedError()), Act.LOOK_UP),
        (translate_exception("POST order", TimeoutError()), Act.LOOK_UP),
        (translate_exception("POST order", aiohttp.ConnectionTimeoutError()), Act.RETRY_SAME_ID),
        (RateLimited("our own gate", 3.0), Act.RETRY_SAME_ID),
        (Rejected("a refusal", -2019), Act.REJECTED),
        (Unauthorized("no key"), Act.HALT),
        (ConfigError("no room"), Act.HALT),
        (DataError("a malformed answer, but an answer"), Act.LOOK_UP),
        (ConnectionResetError(), Act.LOOK_UP),
        (RuntimeError("nobody foresaw this"), Act.LOOK_UP),
    ],
)
def test_an_error_without_an_answer_is_told_by_its_kind(error: Exception, act: Act) -> None:
    assert outcome_of("futures", error, Ask.PLACE).act is act


@pytest.mark.parametrize(
    ("status", "code", "act"),
    [
        (503, 0, Act.RETRY_SAME_ID),
        (400, -1021, Act.RESYNC_CLOCK),
        (400, -5028, Act.RESYNC_CLOCK),
        (401, -2015, Act.HALT),
        (400, -1022, Act.HALT),
        (400, -4046, Act.ALREADY_DONE),
        (400, -1013, Act.REJECTED),
        (400, -99999, Act.REJECTED),
        (403, 0, Act.HALT),
    ],
)
def test_the_rest_of_the_table(status: int, code: int, act: Act) -> None:
    text = "Service Unavailable." if status == 503 else ""
    assert after("futures", Ask.PLACE, status, code, text).act is act
