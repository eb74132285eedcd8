"""The supervisor against a venue on a real socket: whatever happens, the streams come back."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.builders import START_MS
from tests.exchange.binance.frames import encode, kline, wrap
from tests.exchange.binance.venues import StreamVenue, stream_venue
from trader.core.errors import ConfigError, InvariantError
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.messages import KlineMessage, Message, Play
from trader.exchange.binance.pool import StreamPool
from trader.exchange.binance.states import StateKind, StreamOptions, StreamState
from trader.exchange.binance.streams import StreamSupervisor

BTC, ETH = "btcusdt@kline_1m", "ethusdt@kline_1m"
MINUTE = 60_000
QUICK = StreamOptions(
    check_every_s=0.02,
    grace_s=0.05,
    first_wait_s=0.02,
    longest_wait_s=0.1,
    first_stale_wait_s=0.3,
    close_timeout_s=0.2,
    answer_timeout_s=0.5,
    open_timeout_s=1.0,
)


class Heard:
    """What the callbacks were told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.states: list[StreamState] = []

    def kinds(self) -> list[StateKind]:
        return [state.kind for state in self.states]

    def opens(self, symbol: str = "BTCUSDT") -> list[int]:
        """The minutes of the candles that came, in their order."""
        candles = [each.candle for each in self.messages if isinstance(each, KlineMessage) and each.candle]
        return [(each.open_time - START_MS) // MINUTE for each in candles if each.symbol == symbol]

    def state(self, kind: StateKind) -> StreamState:
        return next(state for state in self.states if state.kind is kind)


@asynccontextmanager
async def supervised(
    venue: StreamVenue, streams: Sequence[str] = (BTC, ETH), options: StreamOptions = QUICK
) -> AsyncIterator[tuple[StreamSupervisor, Heard]]:
    async with stream_venue(venue):
        heard = Heard()
        supervisor = StreamSupervisor(venue.url_for, streams, heard.messages.append, heard.states.append, options)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: StateKind.CONNECTED in heard.kinds())
        try:
            yield supervisor, heard
        finally:
            supervisor.stop()
            await running


async def until(fact: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait until `fact` holds."""
    async with asyncio.timeout(timeout_s):
        while not fact():  # noqa: ASYNC110 - any fact, not one event
            await asyncio.sleep(0.005)


async def test_closed_and_open_candles_are_delivered() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await venue.send(kline(at=0, closed=False), kline(at=0), kline(symbol="ETHUSDT", at=0))
        await until(lambda: len(heard.messages) == 3)

        assert heard.opens() == heard.opens("ETHUSDT") == [0]
        assert venue.paths == [f"/stream?streams={BTC}/{ETH}"]
        assert supervisor.stats.messages == 3
        assert supervisor.clock.now_ms == START_MS + MINUTE


async def test_a_cut_connection_is_made_again_and_says_so() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await venue.send(kline(at=0))
        await until(lambda: heard.opens() == [0])
        await venue.drop()
        await until(lambda: heard.kinds().count(StateKind.CONNECTED) == 2)
        await venue.send(kline(at=1))
        await until(lambda: heard.opens() == [0, 1])

        assert heard.kinds() == [StateKind.CONNECTED, StateKind.DISCONNECTED, StateKind.CONNECTED]
        assert heard.state(StateKind.DISCONNECTED).streams == (BTC, ETH)
        assert supervisor.stats.reconnects == 1


async def test_a_venue_that_refuses_is_asked_again_with_growing_waits() -> None:
    venue = StreamVenue()
    venue.refuse_next = 4
    async with supervised(venue) as (_, heard):
        assert heard.kinds() == [*[StateKind.FAILED] * 4, StateKind.CONNECTED]
        assert "503" in heard.states[0].reason


async def test_a_connection_that_breaks_at_once_does_not_make_us_hammer() -> None:
    venue = StreamVenue()
    options = quick(first_wait_s=0.1, longest_wait_s=5.0)
    async with supervised(venue, options=options):
        loop = asyncio.get_running_loop()
        ends = loop.time() + 1.2
        while loop.time() < ends:
            await venue.drop()
            await asyncio.sleep(0.01)

        assert 2 <= len(venue.connections) <= 6


async def test_more_streams_than_an_address_holds_are_subscribed_within_the_message_rate() -> None:
    venue = StreamVenue()
    streams = [f"coin{at}@kline_1m" for at in range(14)]
    options = quick(url_streams=2, batch=2, messages_per_s=4)
    async with supervised(venue, streams, options) as (_, heard):
        times = [at for at, _ in venue.requests]
        asked = [stream for _, request in venue.requests for stream in request["params"]]

        assert venue.paths == [f"/stream?streams={'/'.join(streams[:2])}"]
        assert sorted(asked) == sorted(streams[2:])
        assert all(later - earlier > 0.9 for earlier, later in zip(times, times[4:], strict=False))
        assert heard.kinds() == [StateKind.CONNECTED]


async def test_all_streams_are_subscribed_again_after_a_loss() -> None:
    venue = StreamVenue()
    async with supervised(venue, [BTC], quick(url_streams=1)) as (supervisor, heard):
        await supervisor.subscribe([ETH])
        await venue.drop()
        await until(lambda: heard.kinds().count(StateKind.CONNECTED) == 2)

        assert [request["params"] for _, request in venue.requests] == [[ETH], [ETH]]


async def test_a_dropped_stream_does_not_come_back() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await supervisor.unsubscribe([ETH])
        await venue.drop()
        await until(lambda: heard.kinds().count(StateKind.CONNECTED) == 2)

        assert venue.requests[0][1]["method"] == "UNSUBSCRIBE"
        assert venue.paths[-1] == f"/stream?streams={BTC}"


async def test_a_refused_stream_is_said_and_the_others_come() -> None:
    venue = StreamVenue()
    venue.refused_streams = {"nosuch@kline_1m"}
    async with supervised(venue, [BTC]) as (supervisor, heard):
        await supervisor.subscribe(["nosuch@kline_1m"])
        await venue.send(kline(at=0))
        await until(lambda: heard.opens() == [0])

        refused = heard.state(StateKind.REFUSED)
        assert refused.streams == ("nosuch@kline_1m",)
        assert "unknown stream" in refused.reason


async def test_a_venue_that_does_not_answer_a_subscription_is_left() -> None:
    venue = StreamVenue()
    async with supervised(venue, [BTC], quick(url_streams=1, answer_timeout_s=0.1)) as (supervisor, heard):
        venue.answers = False
        await supervisor.subscribe([ETH])
        await until(lambda: StateKind.FAILED in heard.kinds())
        venue.answers = True
        await until(lambda: StateKind.REPLACED in heard.kinds())

        assert venue.requests[-1][1]["params"] == [ETH]


async def test_corrupt_frames_are_counted_and_survived() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await venue.send(kline(at=0), '{"stream":"btcusdt@kline_1m","data":{"e":"kli', "\x00")
        await venue.send(kline(at=1, h="1"), kline(at=2))
        await until(lambda: heard.opens() == [0, 2])

        assert supervisor.stats.corrupt == heard.kinds().count(StateKind.CORRUPT) == 3
        assert len(venue.connections) == 1


async def test_text_that_is_no_text_is_a_corrupt_frame_too() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await venue.open[0].send(b"\xff\xfe", text=True)
        await venue.send(kline(at=0))
        await until(lambda: heard.opens() == [0])

        assert supervisor.stats.corrupt == 1


async def test_a_candle_lost_in_a_corrupt_frame_is_missed_and_said() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (_, heard):
        await venue.send(kline(at=0), kline(symbol="ETHUSDT", at=0), "{", kline(symbol="ETHUSDT", at=1))
        await venue.send(kline(at=2, closed=False, event_ms=START_MS + 2 * MINUTE + 16_000))
        await until(lambda: StateKind.MISSED in heard.kinds())

        assert heard.state(StateKind.MISSED).streams == (BTC,)
        assert StateKind.REPLACED not in heard.kinds()


async def test_a_silent_stream_on_an_open_socket_brings_a_new_connection_first_then_drops_the_old() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await venue.send(kline(at=0), kline(symbol="ETHUSDT", at=0))
        await venue.send(kline(at=1), kline(at=2))
        await until(lambda: len(venue.connections) == 2)
        await until(lambda: StateKind.REPLACED in heard.kinds())
        await until(lambda: len(venue.open) == 1)
        await venue.send(kline(symbol="ETHUSDT", at=3))
        await until(lambda: StateKind.RESUMED in heard.kinds())

        assert heard.kinds() == [StateKind.CONNECTED, StateKind.STALE, StateKind.REPLACED, StateKind.RESUMED]
        assert heard.state(StateKind.STALE).streams == heard.state(StateKind.RESUMED).streams == (ETH,)
        assert supervisor.stats.replaced == 1


async def test_a_connection_on_which_only_pings_come_is_stale_by_the_wall() -> None:
    venue = StreamVenue()
    async with supervised(venue, options=quick(silence_s=0.4)) as (_, heard):
        await venue.send(kline(at=0))
        await until(lambda: StateKind.REPLACED in heard.kinds())

        assert heard.state(StateKind.STALE).streams == (BTC, ETH)
        assert "no message on any stream" in heard.state(StateKind.STALE).reason


async def test_a_connection_made_after_a_long_loss_may_take_its_time_to_speak() -> None:
    venue = StreamVenue()
    async with supervised(venue, options=quick(grace_s=0.3)) as (_, heard):
        await venue.send(kline(at=0), kline(symbol="ETHUSDT", at=0))
        await until(lambda: len(heard.messages) == 2)
        await venue.drop()
        await until(lambda: heard.kinds().count(StateKind.CONNECTED) == 2)
        await venue.send(kline(at=30))
        await asyncio.sleep(0.2)
        await venue.send(kline(symbol="ETHUSDT", at=30, closed=False))
        await asyncio.sleep(0.4)

        assert heard.kinds() == [StateKind.CONNECTED, StateKind.DISCONNECTED, StateKind.CONNECTED]


async def test_a_stream_that_stays_silent_does_not_bring_ever_new_connections() -> None:
    venue = StreamVenue()
    options = quick(first_stale_wait_s=0.2, longest_stale_wait_s=10.0)
    async with supervised(venue, options=options) as (_, heard):
        await venue.send(kline(at=0), kline(symbol="ETHUSDT", at=0))
        loop = asyncio.get_running_loop()
        ends, at = loop.time() + 1.5, 1
        while loop.time() < ends:
            await venue.send(kline(at=at))
            at += 1
            await asyncio.sleep(0.02)

        assert 2 <= len(venue.connections) <= 5
        assert heard.kinds().count(StateKind.STALE) == 1


async def test_while_one_socket_replaces_another_nothing_is_lost() -> None:
    venue = StreamVenue()
    async with supervised(venue, options=quick(life_s=0.4)) as (supervisor, heard):
        for at in range(120):
            await venue.send(kline(at=at))
            await asyncio.sleep(0.01)
        await until(lambda: 119 in heard.opens())

        assert set(heard.opens()) == set(range(120))
        assert supervisor.stats.replaced >= 2
        assert StateKind.DISCONNECTED not in heard.kinds()
        assert supervisor.stats.reconnects == 0


async def test_a_shutdown_that_is_announced_is_forestalled() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (_, heard):
        await venue.send(wrap("!serverShutdown", {"e": "serverShutdown", "E": START_MS}))
        await until(lambda: StateKind.REPLACED in heard.kinds())
        await until(lambda: len(venue.open) == 1)

        assert "about to close" in heard.state(StateKind.REPLACED).reason
        assert StateKind.DISCONNECTED not in heard.kinds()
        assert len(venue.connections) == 2


async def test_a_socket_on_which_nothing_at_all_comes_is_dead() -> None:
    async with mute_server() as url:
        heard = Heard()
        options = quick(silence_s=0.3)
        supervisor = StreamSupervisor(lambda _: url, [BTC], heard.messages.append, heard.states.append, options)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: StateKind.DISCONNECTED in heard.kinds())
        supervisor.stop()
        await running

    assert "nothing at all came" in heard.state(StateKind.DISCONNECTED).reason


async def test_a_quiet_socket_that_answers_our_ping_is_not_dead() -> None:
    venue = StreamVenue()
    async with supervised(venue, options=quick(silence_s=0.3)) as (_, heard):
        await asyncio.sleep(1.0)

        assert StateKind.DISCONNECTED not in heard.kinds()


async def test_the_end_of_a_play_is_delivered() -> None:
    venue = StreamVenue()
    async with supervised(venue, [BTC, "!play"]) as (_, heard):
        await venue.send(kline(at=0), wrap("!play", {"e": "play", "E": START_MS + MINUTE, "state": "ended"}))
        await until(lambda: len(heard.messages) == 2)

        assert heard.messages[-1] == Play("!play", START_MS + MINUTE, "ended")


async def test_ages_of_streams_are_told() -> None:
    venue = StreamVenue()
    async with supervised(venue) as (supervisor, heard):
        await venue.send(kline(at=0), kline(at=0, closed=False, event_ms=START_MS + MINUTE + 5_000))
        await until(lambda: len(heard.messages) == 2)

        assert supervisor.stats.age_ms == {BTC: 0, ETH: None}
        assert supervisor.stats.connected


async def test_what_a_listener_raises_ends_the_run() -> None:
    venue = StreamVenue()

    def broken(message: Message) -> None:
        raise InvariantError("the books contradict themselves")

    async with stream_venue(venue):
        heard = Heard()
        supervisor = StreamSupervisor(venue.url_for, [BTC], broken, heard.states.append, QUICK)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: StateKind.CONNECTED in heard.kinds())
        await venue.send(kline(at=0))
        with pytest.raises(InvariantError):
            await running
        await until(lambda: not venue.open)


async def test_what_a_listener_raises_while_we_still_subscribe_ends_the_run() -> None:
    def broken(message: Message) -> None:
        raise InvariantError("too early")

    async with stream_venue(StreamVenue()) as venue:
        venue.answers = False
        options = quick(url_streams=1, answer_timeout_s=5.0)
        supervisor = StreamSupervisor(venue.url_for, [BTC, ETH], broken, lambda _: None, options)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: venue.requests)
        await venue.send(kline(at=0))
        with pytest.raises(InvariantError, match="too early"):
            await running


async def test_what_a_listener_to_states_raises_ends_the_run() -> None:
    def broken(state: StreamState) -> None:
        raise InvariantError(f"cannot bear {state.kind}")

    async with stream_venue(StreamVenue()) as venue:
        supervisor = StreamSupervisor(venue.url_for, [BTC], lambda _: None, broken, QUICK)
        with pytest.raises(InvariantError, match="cannot bear connected"):
            await supervisor.run()


async def test_stopping_is_quick_even_while_the_venue_is_away() -> None:
    supervisor = StreamSupervisor(lambda _: "ws://127.0.0.1:9/", [BTC], lambda _: None, lambda _: None)
    running = asyncio.create_task(supervisor.run())
    await asyncio.sleep(0.2)
    supervisor.stop()
    async with asyncio.timeout(1.0):
        await running


async def test_a_run_that_is_cancelled_closes_its_socket() -> None:
    async with stream_venue(StreamVenue()) as venue:
        heard = Heard()
        supervisor = StreamSupervisor(venue.url_for, [BTC], heard.messages.append, heard.states.append, QUICK)
        running = asyncio.create_task(supervisor.run())
        await until(lambda: StateKind.CONNECTED in heard.kinds())
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not venue.open)


async def test_too_many_streams_for_a_connection_are_refused() -> None:
    streams = [f"coin{at}@kline_1m" for at in range(1_025)]
    with pytest.raises(ConfigError, match="1025 streams"):
        StreamSupervisor(lambda _: "", streams, lambda _: None, lambda _: None)


async def test_a_pool_spreads_streams_over_connections_and_routes() -> None:
    async with stream_venue(StreamVenue()) as venue:
        heard = Heard()
        klines = [f"coin{at}@kline_1m" for at in range(5)]
        place = Endpoints("futures", "", venue.url)
        pool = StreamPool(
            place, [*klines, "btcusdt@bookTicker"], heard.messages.append, heard.states.append, quick(max_streams=2)
        )
        running = asyncio.create_task(pool.run())
        await until(lambda: len(venue.open) == 4)
        await until(lambda: pool.stats.connected)
        await pool.subscribe(["new1@kline_1m", "new2@kline_1m", "new3@kline_1m", klines[0]])
        await until(lambda: len(venue.open) == 5)
        await until(lambda: pool.stats.connected)
        await pool.unsubscribe(["new1@kline_1m"])
        await venue.send(kline(at=0))
        await until(lambda: len(heard.messages) == 5)

        routes = Counter(path.partition("?")[0] for path in venue.paths)
        assert routes == {"/market/stream": 4, "/public/stream": 1}
        assert len(pool.stats.age_ms) == 8
        assert pool.stats.messages == 5
        assert pool.clock.now_ms == START_MS + MINUTE
        pool.stop()
        await running
        await until(lambda: not venue.open)


async def test_what_a_listener_raises_ends_the_pool() -> None:
    def broken(message: Message) -> None:
        raise InvariantError("no")

    async with stream_venue(StreamVenue()) as venue:
        heard = Heard()
        pool = StreamPool(Endpoints("spot", "", venue.url), [BTC], broken, heard.states.append, QUICK)
        running = asyncio.create_task(pool.run())
        await until(lambda: StateKind.CONNECTED in heard.kinds())
        await venue.send(encode({"e": "serverShutdown", "E": 1}))
        with pytest.raises(InvariantError):
            await running


def quick(**changes: float) -> StreamOptions:
    """Return the quick options with some changed."""
    values = {name: getattr(QUICK, name) for name in QUICK.__struct_fields__}
    return StreamOptions(**{**values, **changes})


@asynccontextmanager
async def mute_server() -> AsyncIterator[str]:
    """Serve handshakes, and then nothing: not even answers to pings."""
    tasks: set[asyncio.StreamWriter] = set()

    async def shake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        accept = base64.b64encode(digest).decode()
        writer.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )

    server = await asyncio.start_server(shake, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in tasks:
            writer.close()
