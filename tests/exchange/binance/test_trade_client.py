"""The signed door: what is signed, counted, timed and kept secret."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.exchange.binance.account_venue import CREDENTIALS, KEY, SECRET, account_venue, endpoints_of, trading, until
from trader.core.errors import ConfigError, ExchangeError, RateLimited, Rejected, Unauthorized, Unavailable
from trader.exchange.binance.client import Patience
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.order_limits import order_limits
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.venue_clock import VenueClock
from trader.execution.bans import BanFile
from trader.execution.governor import WeightGovernor

NO_PATIENCE = Patience(timeout_s=0.3, attempts=1)


class Clocks:
    """A wall clock and a monotonic one that a test moves apart."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.monotonic = 50.0

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    @property
    def clock(self) -> VenueClock:
        return VenueClock(lambda: self.wall, lambda: self.monotonic)


def mid_window() -> float:
    """Stand still, far from the ends of every window."""
    return 1_700_000_025.0


def test_a_wall_clock_that_is_put_right_moves_nothing() -> None:
    clocks = Clocks()
    clock = clocks.clock
    clock.measured(49.0, 50.0, 1_700_000_003_500.0)
    assert clock.now_ms == 1_700_000_004_000

    clocks.wall += 3_600
    clocks.pass_s(2)
    assert clock.now_ms == 1_700_000_006_000
    assert clock.offset_ms == pytest.approx(4_000 - 3_600_000)
    assert clock.age_s == 2.0


def test_before_it_is_measured_the_wall_clock_is_believed() -> None:
    clock = Clocks().clock

    assert (clock.now_ms, clock.offset_ms, clock.age_s) == (1_700_000_000_000, 0.0, float("inf"))
    clock.set_offset(250)
    assert clock.offset_ms == pytest.approx(250)


async def test_a_request_is_signed_with_the_venues_time_and_our_window() -> None:
    async with account_venue() as venue, trading(venue, "futures", recv_window_ms=2_345) as client:
        venue.answers["GET balance"] = []
        venue.now_ms = 1_600_000_000_000
        await client.sync_clock()
        await client.futures_account_balance()

        asked = venue.asked[-1]
        assert asked.headers["X-MBX-APIKEY"] == KEY
        assert asked.params["recvWindow"] == "2345"
        assert abs(int(asked.params["timestamp"]) - venue.now_ms) < 1_000


async def test_an_ed25519_key_signs_too() -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    async with account_venue() as venue, trading(venue, "spot", credentials=Credentials(KEY, "", pem)) as client:
        params = client.signed()

    text = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
    key.public_key().verify(base64.b64decode(params["signature"]), text.encode())


async def test_a_clock_that_is_off_is_measured_and_the_request_sent_once_more() -> None:
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.strict_clock = True
        venue.now_ms = 1_600_000_000_000
        venue.answers["GET balance"] = []
        venue.answers["POST leverage"] = {"leverage": 3}

        assert await client.futures_account_balance() == []
        assert venue.lines() == ["GET balance", "GET time", "GET balance"]


async def test_a_clock_that_stays_off_is_an_error_after_one_more_try() -> None:
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.script = [(400, {}, '{"code":-1021,"msg":"late"}')] * 3
        with pytest.raises(Rejected) as caught:
            await client.futures_change_leverage(symbol="BTCUSDT", leverage=2)

        assert caught.value.code == -1021
        assert venue.lines("time") == ["POST leverage"] * 2


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ((503, {}, "<html>"), Unavailable),
        ((200, {}, "<html>"), Unavailable),
        ((302, {"Location": "/elsewhere"}, ""), Unavailable),
        ((429, {"Retry-After": "3"}, "{}"), RateLimited),
        ((418, {"Retry-After": "3"}, "{}"), RateLimited),
        ((400, {}, '{"code":-2019,"msg":"Margin is insufficient."}'), Rejected),
        ((401, {}, '{"code":-2015,"msg":"Invalid API-key"}'), Unauthorized),
        (0.6, Unavailable),
        ("drop", Unavailable),
    ],
)
async def test_a_mutation_goes_out_once_and_fails_in_our_words(said: object, kind: type[ExchangeError]) -> None:
    async with account_venue() as venue, trading(venue, "futures", patience=NO_PATIENCE) as client:
        venue.script = [said] * 4
        with pytest.raises(kind) as caught:
            await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")

        assert venue.lines() == ["POST order"]
        assert "POST order" in str(caught.value)


async def test_what_the_venue_said_is_kept_for_those_who_decide() -> None:
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.script = [(400, {}, '{"code":-2021,"msg":"Order would immediately trigger."}')]
        with pytest.raises(Rejected) as caught:
            await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")

        error = caught.value
        assert (error.status, error.code, error.text) == (400, -2021, "Order would immediately trigger.")


async def test_a_connection_that_never_was_has_done_nothing() -> None:
    async with account_venue() as venue:
        endpoints = endpoints_of(venue, "futures")
    client = TradingClient(endpoints, WeightGovernor(100), CREDENTIALS, patience=NO_PATIENCE)
    with pytest.raises(Unavailable) as caught:
        await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")
    await client.close_connection()

    assert caught.value.nothing_done


async def test_orders_pass_the_accounts_own_limits_and_learn_from_the_headers() -> None:
    gates = {"10S": WeightGovernor(100, window_s=10.0, clock=mid_window), "1M": WeightGovernor(100, clock=mid_window)}
    gate = WeightGovernor(6_000, clock=mid_window)
    async with account_venue() as venue, trading(venue, "futures", gate=gate, order_gates=gates) as client:
        venue.answers |= {"POST order": {}, "DELETE order": {}, "GET order": {}}
        venue.headers = {"x-mbx-used-weight-1m": "70", "X-MBX-ORDER-COUNT-1M": "40"}
        await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")
        await client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId="a")
        await client.futures_get_order(symbol="BTCUSDT", origClientOrderId="a")

    assert (gates["10S"].used, gates["1M"].used) == (1, 40)
    assert gate.used >= 70


async def test_too_many_orders_are_stopped_before_the_venue_says_so() -> None:
    gates = {"10S": WeightGovernor(2, window_s=1_000.0, max_wait_s=0.1)}
    async with account_venue() as venue, trading(venue, "futures", order_gates=gates) as client:
        venue.answers["POST order"] = {}
        for _ in range(2):
            await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")
        with pytest.raises(RateLimited):
            await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")

        assert len(venue.asked) == 2


async def test_what_somebody_waits_for_has_the_reserve_and_reports_have_not() -> None:
    gate = WeightGovernor(10, 0.85, max_wait_s=0.1)
    patience = Patience(attempts=1)
    async with account_venue() as venue, trading(venue, "futures", gate=gate, patience=patience) as client:
        venue.answers |= {"GET order": {}, "GET openOrders": [], "GET leverageBracket": [], "POST order": {}}
        await client.futures_leverage_bracket()
        with pytest.raises(RateLimited):
            await client.futures_leverage_bracket()
        await client.futures_get_order(symbol="BTCUSDT")
        await client.futures_get_open_orders(symbol="BTCUSDT")
        await client.futures_create_order(symbol="BTCUSDT", newClientOrderId="a")


async def test_a_ban_outlives_the_program(tmp_path: Path) -> None:
    bans = BanFile(tmp_path / "bans.json")
    gate = WeightGovernor(100, key="spot", bans=bans)
    async with account_venue() as venue, trading(venue, "spot", gate=gate) as client:
        venue.script = [(418, {"Retry-After": "600"}, "{}")]
        with pytest.raises(RateLimited):
            await client.create_order(symbol="BTCUSDT", newClientOrderId="a")

    assert WeightGovernor(100, key="spot", bans=bans).silent_s > 500


async def test_concurrent_answers_are_not_mixed_up() -> None:
    gates = {"1M": WeightGovernor(1_000)}
    async with account_venue() as venue, trading(venue, "futures", order_gates=gates) as client:
        venue.answers["POST order"] = lambda params: {"clientOrderId": params["newClientOrderId"]}
        names = [f"id{number}" for number in range(30)]
        answers = await asyncio.gather(*(client.futures_create_order(symbol="A", newClientOrderId=n) for n in names))

    assert [answer["clientOrderId"] for answer in answers] == names


@pytest.mark.parametrize("said", [(400, {}, '{"code":-1,"msg":"x"}'), (302, {"Location": "/x"}, ""), "drop", 0.6])
async def test_no_secret_gets_into_errors_logs_or_words(said: object, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with account_venue() as venue, trading(venue, "spot", patience=NO_PATIENCE) as client:
        venue.script = [said] * 2
        with pytest.raises(ExchangeError) as caught:
            await client.create_order(symbol="BTCUSDT", newClientOrderId="a")
        signature = venue.asked[0].params["signature"]
        shown = "".join(traceback.format_exception(caught.value)) + caplog.text
        words = f"{client!r} {client} {CREDENTIALS!r} {CREDENTIALS} {[CREDENTIALS]}"

    assert not [secret for secret in (KEY, SECRET, signature) if secret in shown + words]


@pytest.mark.parametrize(
    ("credentials", "window"),
    [
        *((Credentials("", "s"), 5_000), (Credentials("k"), 5_000), (Credentials("k", "s", "p"), 5_000)),
        *((CREDENTIALS, 0), (CREDENTIALS, 60_001)),
    ],
)
def test_what_cannot_sign_is_refused_at_once(credentials: Credentials, window: int) -> None:
    endpoints = Endpoints("spot", "http://127.0.0.1:1", "ws://127.0.0.1:1")
    with pytest.raises(ConfigError):
        TradingClient(endpoints, WeightGovernor(10), credentials, recv_window_ms=window)


def test_the_limits_of_orders_are_read_from_exchange_info() -> None:
    rows = [("ORDERS", "SECOND", 10, 100), ("ORDERS", "DAY", 1, 200_000), ("REQUEST_WEIGHT", "MINUTE", 1, 6_000)]
    names = ("rateLimitType", "interval", "intervalNum", "limit")

    assert order_limits({"rateLimits": [dict(zip(names, row, strict=True)) for row in rows]}) == {"10S": 100}


async def test_the_clock_is_measured_again_and_again() -> None:
    async with account_venue() as venue, trading(venue, "spot") as client:
        keeping = asyncio.create_task(client.keep_clock(every_s=0.01))
        await until(lambda: len(venue.asked) >= 3)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    assert set(venue.lines()) == {"GET time"}
