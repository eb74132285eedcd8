"""MODE=paper, the way to Binance, walked on an embedded exchange whose play runs at wall time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.builders import settings
from tests.engine.live.rigs import EAGER, Listener, until
from tests.exchange.binance.venues import RestVenue, rest_venue
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import HOUR_MS, MINUTE_MS, SECOND_MS, Timeframe
from trader.engine.live.homes import store_of
from trader.engine.live.trader import LiveWebSocketTrader
from trader.engine.live.venue import open_venue
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions


def paper(url: str, home: Path, **overrides: Any) -> Settings:
    own = {"MODE": "paper", "REST_URL": url, "STREAM_URL": url.replace("http", "ws", 1), "DATA_DIR": str(home)}
    return settings(**{**EAGER, "COINS": ["BTCUSDT", "ETHUSDT"], **own, **overrides})


async def test_streams_in_real_time_are_traded_and_kept_in_the_store_of_the_user(tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    options = ExchangeOptions(symbols=("BTCUSDT", "ETHUSDT"), start=now - HOUR_MS, at=now, speed=1.0)
    exchange = EmbeddedExchange(options)
    await exchange.start()
    given = paper(exchange.base_url, tmp_path, TIMEFRAMES=["1s", "15s"], PRELOAD_CANDLES=80)
    audience = Listener()
    try:
        async with open_venue(given, tmp_path) as venue:
            assert not venue.embedded
            store = store_of(given, venue.name, venue.embedded)
            trader = LiveWebSocketTrader(given, venue, store, tmp_path, audience, None)
            await trader.initialize()
            running = asyncio.create_task(trader.run())
            await until(lambda: trader.pulse.instants >= 4)
            late_by = time.time() * 1000 - trader.book.time
            trader.stop()
            await running
        assert store.root == tmp_path
        kept = store.read("spot", "BTCUSDT", Timeframe.SEC_1)
        assert len(kept) >= 80 * 15 + 4, "15s is built from seconds, so they reach back as far as it does"
        assert (kept.open_time[1:] - kept.open_time[:-1] == SECOND_MS).all()
        assert late_by < MINUTE_MS, "it trades on the present, not on the hour that was played before"
        decided = trader.book.funnel["BTCUSDT"][Timeframe.SEC_1]
        assert "not_ready" not in decided
        assert sum(decided.values()) >= 4
    finally:
        await exchange.stop()


async def test_coins_that_the_venue_does_not_list_are_left_out_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time() * 1000)
    exchange = EmbeddedExchange(ExchangeOptions(symbols=("BTCUSDT",), start=now - HOUR_MS, at=now))
    await exchange.start()
    given = paper(exchange.base_url, tmp_path, TIMEFRAMES=["1s"], PRELOAD_CANDLES=60)
    try:
        async with open_venue(given, tmp_path) as venue:
            store = store_of(given, venue.name, venue.embedded)
            trader = LiveWebSocketTrader(given, venue, store, tmp_path, Listener(), None)
            await trader.initialize()
        assert list(trader.plan.exits) == ["BTCUSDT"]
        assert "ETHUSDT is left out: there is no data of it" in caplog.text
    finally:
        await exchange.stop()


async def test_an_address_that_is_no_embedded_exchange_is_refused_in_words(tmp_path: Path) -> None:
    exchange = EmbeddedExchange(ExchangeOptions(symbols=("BTCUSDT",), hold=True))
    await exchange.start()
    try:
        wrong = settings(MODE="embedded", REST_URL=f"{exchange.base_url}/api/v3", DATA_DIR=str(tmp_path))
        with pytest.raises(ConfigError, match="is no embedded exchange"):
            async with open_venue(wrong, tmp_path):
                pass
    finally:
        await exchange.stop()


async def test_a_candle_of_a_long_base_that_is_about_to_be_final_is_waited_for(tmp_path: Path) -> None:
    answering = RestVenue()
    answering.server_time_ms += -answering.server_time_ms % MINUTE_MS
    close = answering.server_time_ms
    async with rest_venue(answering), open_venue(paper(answering.url, tmp_path), tmp_path) as venue:
        answering.server_time_ms = close + 1_700
        assert await venue.settled_time(MINUTE_MS) == close
        answering.server_time_ms = close + 30_000
        assert await venue.settled_time(MINUTE_MS) == close
        answering.server_time_ms = close + 1_700
        assert await venue.settled_time(SECOND_MS) <= close
        assert venue.known_ms(0) <= venue.server_ms() - 2_000
