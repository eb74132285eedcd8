"""Snapshots that fit are taken up; all others are put aside in words, and a new pool begins."""

from __future__ import annotations

import fcntl
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import M1, START_MS
from tests.engine.live.rigs import BEGIN, COINS, Listener, daemon, two_coins, wanted
from tests.trading.worlds import World, wish
from trader.core.errors import ConfigError
from trader.core.timeframe import MINUTE_MS
from trader.engine.live.homes import home_of
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.lock import only_daemon, running_daemon
from trader.engine.live.names import child_name
from trader.engine.live.session import misfit, misfit_of_venue, run_session
from trader.engine.live.snapshot import VERSION, Snapshot, Snapshots, encode, put_aside
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import MAX_SPEED, ExchangeOptions
from trader.reports.live_log import LiveTradesLog
from trader.trading.book import Book


def snapshot(world: World | None = None, **changes: Any) -> Snapshot:
    """Return a snapshot of a world with a trade open."""
    if world is None:
        world = World(COINS)
        world.tick(100, readings=[wish()])
        world.tick(100)
    exits = dict.fromkeys(COINS, M1)
    made = Snapshot(VERSION, "a venue", COINS, exits, START_MS, world.book.time, {}, world.book, world.broker.state)
    return msgspec.structs.replace(made, **changes)


def left(folder: Path, content: bytes) -> Snapshots:
    """Leave a snapshot file."""
    (folder / "snapshot.msgpack").write_bytes(content)
    return Snapshots(folder / "snapshot.msgpack")


def test_what_was_saved_is_loaded_whole(tmp_path: Path) -> None:
    snapshots, made = Snapshots(tmp_path / "snapshot.msgpack"), snapshot()
    assert snapshots.load() is None
    snapshots.save(encode(made))
    loaded = snapshots.load()
    assert isinstance(loaded, Snapshot)
    assert encode(loaded) == encode(made)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"garbage", "it cannot be read"),
        (b"", "it cannot be read"),
        (encode(snapshot())[:-9], "it cannot be read"),
        (msgspec.msgpack.encode({"version": VERSION, "venue": 3}), "it cannot be read"),
        (encode(snapshot(version=VERSION + 1)), f"it is of version {VERSION + 1}, this program writes {VERSION}"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    said = left(tmp_path, content).load()
    assert isinstance(said, str)
    assert words in said


def test_books_that_contradict_themselves_are_not_taken_up(tmp_path: Path) -> None:
    book = Book.of(100.0)
    book.pool.free = 90.0
    said = left(tmp_path, encode(snapshot(book=book))).load()
    assert isinstance(said, str)
    assert "its books contradict themselves" in said


def test_putting_aside_deletes_nothing(tmp_path: Path) -> None:
    when = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(3):
        put_aside(left(tmp_path, bytes([number])).path, when)
    names = sorted(path.name for path in tmp_path.iterdir())
    stem = "snapshot.msgpack-20260105T000000"
    assert names == [f"{stem}-2.aside", f"{stem}-3.aside", f"{stem}.aside"]


def test_other_coins_or_another_generated_market_do_not_fit(tmp_path: Path) -> None:
    own = wanted("", tmp_path)
    fits = snapshot(venue=child_name(own))
    assert misfit(fits, own) is None
    assert "it is of BTCUSDT, ETHUSDT, this run trades BTCUSDT" in str(
        misfit(fits, wanted("", tmp_path, COINS=["BTCUSDT"]))
    )
    seed = str(misfit(fits, wanted("", tmp_path, EMBEDDED={"seed": 8})))
    assert seed.startswith("it is of embedded spot, generated market, seed 7, from 2026-01-05 00:00:00, this run")
    assert "this run trades on embedded futures" in str(misfit(fits, wanted("", tmp_path, MARKET="futures")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coins": ("BTCUSDT",)}, "it is of BTCUSDT, this run trades BTCUSDT, ETHUSDT"),
        ({"venue": "a venue"}, "it is of a venue, this run trades on embedded spot"),
    ],
)
async def test_a_snapshot_that_does_not_fit_is_put_aside_in_words_and_a_new_pool_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], words: str
) -> None:
    caplog.set_level(logging.INFO)
    pools: list[int | None] = []

    def audience(home: Path, parts: int | None) -> Listener:
        pools.append(parts)
        return Listener()

    options = ExchangeOptions(start=BEGIN, end=BEGIN + 5 * MINUTE_MS, speed=MAX_SPEED, hold=True)
    exchange = EmbeddedExchange(options, two_coins())
    await exchange.start()
    try:
        given = wanted(exchange.base_url, tmp_path)
        home_of(given).mkdir(parents=True)
        encoded = encode(snapshot(**changes))
        Snapshots(home_of(given) / SNAPSHOT_NAME).save(encoded)
        ending = await run_session(given, audience)
    finally:
        await exchange.stop()
    assert f"the snapshot does not fit: {words}" in caplog.text
    assert encoded in [path.read_bytes() for path in home_of(given).glob(f"{SNAPSHOT_NAME}-*.aside")]
    assert pools == [None]
    assert ending.outcome is not None
    assert ending.outcome.finished


async def test_another_venue_or_a_time_that_is_not_yet_do_not_fit(tmp_path: Path) -> None:
    async with daemon(tmp_path) as rig:
        assert await misfit_of_venue(snapshot(venue=rig.venue.name, at=BEGIN), rig.venue) is None
        assert "it is of a venue, this run trades on" in str(await misfit_of_venue(snapshot(), rig.venue))
        future = await misfit_of_venue(snapshot(venue=rig.venue.name, at=BEGIN + 60_000), rig.venue)
        assert future == "it was written at 2025-01-01 05:01:00 of the market, where it is only 2025-01-01 05:00:00"


def test_the_lock_names_its_process_and_a_file_left_behind_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "live" / "trader.lock"
    assert running_daemon(path) is None
    with only_daemon(path):
        assert path.read_text() == str(os.getpid())
        assert running_daemon(path) == str(os.getpid())
        with pytest.raises(ConfigError, match=rf"process {os.getpid()}, lock .*stop it first"), only_daemon(path):
            pass
    path.write_text("12345")
    assert running_daemon(path) is None
    with only_daemon(path):
        assert path.read_text() == str(os.getpid())


def test_looking_at_the_lock_leaves_it_free(tmp_path: Path) -> None:
    path = tmp_path / "trader.lock"
    path.write_text("12345")
    assert running_daemon(path) is None
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_rows_that_a_killed_daemon_wrote_after_its_snapshot_are_not_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "trades_log.csv"
    path.write_text("head\none\ntwo\nthree\n")
    LiveTradesLog(path, rows=2)
    assert path.read_text().splitlines()[1:] == ["one", "two"]


def test_the_log_of_the_pool_before_is_kept_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "trades_log.csv"
    path.write_text("head\none\n")
    LiveTradesLog(path, rows=None)
    assert len(path.read_text().splitlines()) == 1
    (aside,) = tmp_path.glob("*.aside")
    assert aside.read_text() == "head\none\n"
