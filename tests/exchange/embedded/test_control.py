"""The door for people and for the daemon, and the root page."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from tests.exchange.embedded.wires import control, get
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]


async def test_the_state_names_the_play(opened: Opener, session: Connect) -> None:
    http = session(await opened(seed=11, fault_seed=5))
    _, state, _ = await get(http, "/control/state")
    assert {name: state[name] for name in ("generated", "data", "seed", "start", "now", "end", "speed")} == {
        "generated": False,
        "data": None,
        "seed": 11,
        "start": PLAY_MS,
        "now": PLAY_MS,
        "end": START_MS + 3_000 * MINUTE_MS,
        "speed": 1.0,
    }
    assert (state["started"], state["ended"], state["connections"]) == (False, False, 0)
    assert state["faults"] == {"seed": 5, "rates": [], "counts": {}}
    assert state["columns"]["spot"]["BTCUSDT"] == [
        "quote_volume",
        "count",
        "taker_buy_volume",
        "taker_buy_quote_volume",
    ]


async def test_connections_are_counted(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    async with http.ws_connect("/ws"):
        assert (await get(http, "/control/state"))[1]["connections"] == 1
    state = (await get(http, "/control/state"))[1]
    assert (state["connections"], state["accepted"]) == (0, 1)


async def test_stop_asks_for_the_end(opened: Opener, session: Connect) -> None:
    exchange = await opened()
    await control(session(exchange), "stop")
    assert exchange.stopping.is_set()


async def test_pages_of_other_origins_may_not_control(opened: Opener, session: Connect) -> None:
    exchange = await opened()
    http = session(exchange)
    for headers in ({"Origin": "http://example.com"}, {"Host": "example.com"}):
        async with http.post("/control/stop", headers=headers) as answer:
            assert answer.status == 403
    assert not exchange.stopping.is_set()


async def test_a_body_that_is_no_object_is_refused(opened: Opener, session: Connect) -> None:
    async with session(await opened()).post("/control/speed", data=b"[1]") as answer:
        assert answer.status == 400


async def test_the_root_page_says_what_is_played(opened: Opener, session: Connect) -> None:
    exchange = await opened()
    async with session(exchange).get("/") as answer:
        page = await answer.text()
    for words in ("replay of stored candles", "BTCUSDT ETHUSDT", "2025-01-01 16:40:00 UTC", "waiting for the start"):
        assert words in page


async def test_stopping_twice_is_no_error_and_frees_the_port(opened: Opener) -> None:
    exchange = await opened()
    await exchange.stop()
    await exchange.stop()
    again = await opened(port=exchange.port)
    assert again.port == exchange.port
