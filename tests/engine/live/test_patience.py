"""A daemon without an exchange: it tries again until there is one, or until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from pathlib import Path

import pytest

from tests.engine.live.conftest import Start
from tests.engine.live.rigs import Listener, until, wanted
from tests.engine.live.test_paper import paper
from tests.engine.live.venues import FIRST_MS, exchange, make_store
from tests.exchange.binance.venues import RestVenue, rest_venue
from trader.core.errors import ConfigError, RateLimited, TraderError, Unauthorized, Unavailable
from trader.core.timeframe import HOUR_MS
from trader.engine.live.patience import until_reached
from trader.engine.live.session import run_session


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Tries:
    """Something that fails with each of `errors` in turn before it succeeds."""

    def __init__(self, *errors: TraderError) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "there"


async def test_each_try_is_said_in_one_line_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    tries = Tries(Unavailable("no answer"), Unavailable("still none"))
    assert await until_reached(tries, 0.01, 0.02) == "there"
    assert [record.getMessage() for record in caplog.records] == [
        "no exchange to trade on: no answer; trying again in 1 s",
        "no exchange to trade on: still none; trying again in 1 s",
    ]


async def test_an_exchange_that_asks_for_silence_gets_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    ban = RateLimited("it has banned this address", 1.2, banned=True)
    assert await until_reached(Tries(ban), 0.01, 0.02) == "there"
    assert "it has banned this address; trying again in 1 s" in caplog.text


@pytest.mark.parametrize("error", [ConfigError("a wrong setting"), Unauthorized("a wrong key")])
async def test_what_another_try_would_not_mend_ends_it_at_once(error: TraderError) -> None:
    tries = Tries(error, Unavailable("not asked any more"))
    with pytest.raises(type(error)):
        await until_reached(tries, 60.0, 60.0)
    assert len(tries.errors) == 1


async def test_a_refused_key_ends_the_daemon_at_once(tmp_path: Path) -> None:
    venue = RestVenue()
    venue.script = [(401, {}, '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}')]
    async with rest_venue(venue):
        with pytest.raises(Unauthorized):
            await run_session(paper(venue.url, tmp_path), lambda home, parts: Listener())
    assert len(venue.asked) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_is_told_to_stop_while_it_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, number: signal.Signals
) -> None:
    caplog.set_level(logging.INFO)
    given = wanted(f"http://127.0.0.1:{free_port()}", tmp_path)
    session = asyncio.create_task(run_session(given, lambda home, parts: Listener()))
    await until(lambda: "trying again in " in caplog.text)
    signal.raise_signal(number)
    ending = await session
    assert ending.outcome is None
    assert ending.interrupted == (number is signal.SIGINT)
    assert "stopped before trading began" in caplog.text


def test_a_daemon_that_is_started_before_its_exchange_trades_once_that_is_there(tmp_path: Path, start: Start) -> None:
    port, root = free_port(), tmp_path / "store"
    make_store(root, FIRST_MS + HOUR_MS)
    url = f"http://127.0.0.1:{port}"
    daemon = start(tmp_path, REST_URL=url)
    daemon.wait_for("trying again in ")
    assert f"no exchange to trade on: the embedded exchange does not answer at {url}" in daemon.said()
    with exchange(root, tmp_path / "ex.log", "--port", str(port), "--speed", "600", "--hold"):
        daemon.wait_for("streams are up")
        assert daemon.end(signal.SIGTERM) == 0
    assert "stopped; what is open stays open" in daemon.said()
    assert "Traceback" not in daemon.said()
