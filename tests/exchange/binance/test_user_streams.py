"""The account stays audible: after losses, shutdowns, expired keys and dead subscriptions, and it is said each time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.exchange.binance.account_venue import AccountVenue, account_venue, endpoints_of, trading, until
from trader.core.account import AccountEvent, BalanceUpdate, StreamBack, StreamFault, StreamLost
from trader.core.errors import Unauthorized
from trader.exchange.binance.states import StreamOptions
from trader.exchange.binance.user_stream import UserStream
from trader.exchange.binance.user_stream_futures import FuturesLine, futures_user_stream
from trader.exchange.binance.user_stream_spot import spot_user_stream

QUICK = StreamOptions(
    silence_s=0.6, check_every_s=0.05, first_wait_s=0.02, longest_wait_s=0.05, answer_timeout_s=0.3, open_timeout_s=1.0
)
BALANCE = {"e": "balanceUpdate", "E": 1, "a": "BTC", "d": "1", "T": 1}


class Heard(list[AccountEvent]):
    """What came of the account."""

    def __call__(self, event: AccountEvent) -> None:
        self.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self if isinstance(each, kind)]


@asynccontextmanager
async def running(stream: UserStream) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(stream.run())
    try:
        yield task
    finally:
        stream.stop()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def spot(**rest: Any) -> AsyncIterator[tuple[AccountVenue, UserStream, Heard]]:
    heard = Heard()
    async with account_venue() as venue, trading(venue, "spot") as client:
        venue.now_ms = client.clock.now_ms
        for name, value in rest.items():
            setattr(venue, name, value)
        yield venue, spot_user_stream(endpoints_of(venue, "spot"), client, heard, QUICK), heard


@asynccontextmanager
async def futures(**keeping: float) -> AsyncIterator[tuple[AccountVenue, UserStream, Heard]]:
    heard, keys = Heard(), iter(range(1, 100))
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.answers |= {"POST listenKey": lambda _: {"listenKey": f"key{next(keys)}"}, "PUT listenKey": {}}
        line = FuturesLine(endpoints_of(venue, "futures"), client, QUICK, **keeping)
        yield venue, UserStream(line, heard, QUICK), heard


async def test_a_spot_account_is_heard_after_a_signed_subscription() -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.say(BALANCE)
        await until(lambda: heard.of(BalanceUpdate))

    assert venue.paths == ["/ws-api/v3"]
    assert [each["method"] for each in venue.subscribed] == ["userDataStream.subscribe.signature"]
    assert heard.of(StreamBack) == [StreamBack("connected", True)]


async def test_a_subscription_that_died_with_its_socket_is_made_anew() -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.drop()
        await until(lambda: len(heard.of(StreamBack)) == 2)
        await venue.say(BALANCE)
        await until(lambda: heard.of(BalanceUpdate))

    first, second = (each["params"]["signature"] for each in venue.subscribed)
    assert first != second
    assert [type(each).__name__ for each in heard[:3]] == ["StreamBack", "StreamLost", "StreamBack"]
    assert heard.of(StreamBack)[1].gap


async def test_a_shutdown_is_met_by_a_new_connection_before_the_old_one_ends() -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.say({"event": {"e": "serverShutdown", "E": 1}}, wrapped=False)
        await until(lambda: len(heard.of(StreamBack)) == 2)
        await until(lambda: len(venue.open) == 1)

    assert not heard.of(StreamLost)
    assert not heard.of(StreamBack)[1].gap


@pytest.mark.parametrize("event", ["eventStreamTerminated"])
async def test_a_subscription_that_the_venue_ends_leaves_a_gap(event: str) -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.say({"e": event, "E": 1})
        await until(lambda: len(heard.of(StreamBack)) == 2)

    assert heard.of(StreamBack)[1].gap


async def test_what_an_old_socket_says_of_itself_replaces_no_new_one() -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        for _ in range(3):
            await venue.say({"event": {"e": "serverShutdown", "E": 1}}, wrapped=False, to=0)
        await until(lambda: len(heard.of(StreamBack)) == 2)
        await asyncio.sleep(0.2)

    assert stream.opened == 2


async def test_a_clock_that_is_off_is_measured_and_the_subscription_tried_again() -> None:
    refusals = [{"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}]
    async with spot(refuse_subscription=refusals) as (venue, stream, _), running(stream):
        await until(lambda: stream.connected)

    assert venue.lines() == ["GET time"]
    assert len(venue.subscribed) == 2


async def test_a_refused_key_ends_the_stream() -> None:
    refusals = [{"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}]
    async with spot(refuse_subscription=refusals) as (_, stream, _heard):
        with pytest.raises(Unauthorized):
            async with asyncio.timeout(5):
                await stream.run()


async def test_a_venue_that_says_nothing_is_left_for_another_try() -> None:
    async with spot(silent=True) as (venue, stream, heard), running(stream):
        await until(lambda: len(heard.of(StreamLost)) == 2)
        venue.silent = False
        await until(lambda: stream.connected)

    assert "no answer" in heard[0].reason


async def test_a_dead_socket_is_noticed() -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        venue.sockets[0]._writer._limit = 0  # type: ignore[union-attr]
        venue.sockets[0]._req.transport.pause_reading()  # type: ignore[union-attr]
        await until(lambda: heard.of(StreamLost))

    assert "nothing at all came" in heard.of(StreamLost)[0].reason


async def test_a_quiet_account_on_a_living_socket_is_left_alone() -> None:
    async with spot() as (_, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await asyncio.sleep(2 * QUICK.silence_s)

    assert len(heard) == 1


async def test_an_unreadable_message_is_said_and_survived() -> None:
    async with spot() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.say("{", wrapped=False)
        await venue.say(BALANCE)
        await until(lambda: heard.of(BalanceUpdate))

    assert len(heard.of(StreamFault)) == stream.faults == 1


async def test_what_a_listener_raises_ends_the_stream() -> None:
    def deaf(event: AccountEvent) -> None:
        if isinstance(event, BalanceUpdate):
            raise RuntimeError("a fault of ours")

    async with account_venue() as venue, trading(venue, "spot") as client:
        stream = spot_user_stream(endpoints_of(venue, "spot"), client, deaf, QUICK)
        async with running(stream) as task:
            await until(lambda: stream.connected)
            await venue.say(BALANCE)
            await asyncio.wait([task], timeout=5)
            with pytest.raises(RuntimeError, match="a fault of ours"):
                task.result()


# --- USD-M


async def test_a_futures_account_is_heard_behind_its_listen_key() -> None:
    async with futures() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.say({"e": "ACCOUNT_UPDATE", "T": 1, "a": {"B": [{"a": "USDT", "wb": "1"}]}}, wrapped=False)
        await until(lambda: heard.of(BalanceUpdate))

    assert venue.paths[0].startswith("/private/ws?listenKey=key1&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/ALGO_UPDATE")


async def test_an_expired_key_is_replaced_with_its_silent_socket() -> None:
    async with futures() as (venue, stream, heard), running(stream):
        await until(lambda: stream.connected)
        await venue.say({"e": "listenKeyExpired", "E": 1, "listenKey": "key1"}, wrapped=False)
        await until(lambda: len(heard.of(StreamBack)) == 2)

    assert "listenKey=key2" in venue.paths[1]
    assert heard.of(StreamBack)[1].gap


async def test_the_key_is_prolonged_and_made_anew_when_it_is_gone() -> None:
    async with futures(keep_every_s=0.05, keep_again_s=0.05) as (venue, stream, heard), running(stream):
        await until(lambda: venue.lines().count("PUT listenKey") >= 2)
        assert stream.opened == 1
        venue.script = [(400, {}, json.dumps({"code": -1125, "msg": "This listenKey does not exist."}))]
        await until(lambda: len(heard.of(StreamBack)) == 2)

    assert "listen key is gone" in heard.of(StreamBack)[1].reason


async def test_a_key_that_cannot_be_prolonged_now_is_tried_again() -> None:
    async with futures(keep_every_s=0.05, keep_again_s=0.02) as (venue, stream, _), running(stream):
        await until(lambda: stream.connected)
        venue.script = [(503, {}, ""), (503, {}, "")]
        await until(lambda: not venue.script)
        await until(lambda: venue.lines().count("PUT listenKey") >= 4)

    assert stream.opened == 1


async def test_the_futures_stream_is_made_with_its_parts() -> None:
    heard = Heard()
    async with account_venue() as venue, trading(venue, "futures") as client:
        venue.answers["POST listenKey"] = {"listenKey": "abc"}
        stream = futures_user_stream(endpoints_of(venue, "futures"), client, heard)
        async with running(stream):
            await until(lambda: stream.connected)
