"""What survives: processes that die, disks that are slow, full or gone, servers that end."""

from __future__ import annotations

import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journal.server import Server
from tests.journal.values import fill, instant, opened, order, same, submit, until
from tests.shared import ROOT
from trader.core.order import Role
from trader.journal.faults import DISK, FULL, UNREACHABLE
from trader.journal.journal import SLOW
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.verify import verify

#: Kills of one writer after another; each start takes most of a second.
KILLS = 3

WRITE_FOR_EVER = """
import asyncio
import sys
from pathlib import Path
from tests.journal.values import fill, instant, opened, order, submit, trade
from trader.journal.place import Place

async def main():
    with opened(Place(Path(sys.argv[1]), sys.argv[2])) as journal:
        print("ready", flush=True)
        for at in range(1_000_000):
            for extra in range(at % 7):
                journal.append(instant(at), ())
            seq = journal.append(instant(at), (submit(at + 1),), [trade(at + 1)])
            journal.record(order(f"r{journal.run.id}-{at}"), fill(journal.run.id * 1_000_000 + at))
            if await journal.durable(seq):
                print(seq, flush=True)

asyncio.run(main())
"""

ON_A_FULL_DISK = """
import asyncio
import resource
import sys
from pathlib import Path
from tests.journal.values import instant, opened, submit
from trader.journal.place import Place

async def main():
    with opened(Place(Path(sys.argv[1]))) as journal:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        at = 0
        while await journal.durable(journal.append(instant(at), (submit(at + 1),))):
            at += 1
        print(journal.health().kind, flush=True)
        print(journal.trouble, flush=True)
        for more in range(at + 1, at + 500):
            journal.append(instant(more), (submit(more + 1),))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        while journal.trouble:
            await asyncio.sleep(0.01)
        print(await journal.durable(), journal.last, journal.health().lost, flush=True)

asyncio.run(main())
"""


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a script with the tests' modules at hand."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whoever_is_killed_loses_nothing_that_was_durable(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home = tmp_path / f"embedded-{kind}"
    url = "" if kind == "sqlite" else request.getfixturevalue("server").url
    chance = random.Random(5)
    for kill in range(KILLS):
        with started(WRITE_FOR_EVER, home, url) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
            durable = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        place = Place(home, url)
        found = verify(place)
        assert found.faults == ()
        with Reader(place) as reader:
            assert reader.end() >= max(durable, default=0)
            events = [entry.seq for entry in reader.entries() if entry.commands]
            assert set(durable) <= set(events)
            assert len(reader.runs()) == kill + 1
    assert durable


async def test_a_slow_disk_is_waited_for_within_the_bound_only_and_protection_leaves_all_the_same(
    file_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with opened(file_place, wait_s=0.1) as journal:
        assert await journal.permit(journal.append(instant(0), (submit(),)), Role.ENTRY)
        other = sqlite3.connect(file_place.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        seq = journal.append(instant(1), (submit(2),))
        assert not await journal.permit(seq, Role.ENTRY)
        assert time.monotonic() - began < 1.0
        assert journal.health().kind == SLOW
        assert await journal.permit(seq, Role.STOP)
        assert await journal.permit(seq, "close")
        assert "nothing is on the disk after 0.1 s" in caplog.text
        assert "is not sent" in caplog.text
        assert "is sent all the same: it protects" in caplog.text
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: not journal.trouble)
        assert await journal.durable(seq)
        assert journal.health().late == 3
        assert "can be written again" in caplog.text
    assert verify(file_place).faults == ()


def test_a_limit_on_file_sizes_stops_intentions_and_nothing_is_lost_once_it_is_gone(file_place: Place) -> None:
    with started(ON_A_FULL_DISK, file_place.home) as process:
        assert process.stdout is not None
        kind, trouble, ended = process.stdout.read().splitlines()
    assert kind in (DISK, FULL)
    assert str(file_place) in trouble
    durable, last, lost = ended.split()
    assert (durable, lost) == ("True", "0")
    with Reader(file_place) as reader:
        assert [entry.seq for entry in reader.entries()] == list(range(1, int(last) + 1))
    assert verify(file_place).faults == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 3 MB; skip where that is not allowed."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        mounted = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_is_named_and_what_waits_is_written_once_there_is_room(small_disk: Path) -> None:
    place = Place(small_disk / "embedded-spot")
    with opened(place, wait_s=5.0) as journal:
        ballast = small_disk / "ballast"
        with ballast.open("wb") as file:
            file.write(bytes(2_000_000))
        at = 0
        while await journal.durable(journal.append(instant(at), (submit(at + 1),))):
            at += 1
        assert journal.health().kind == FULL
        assert "there is no room left" in journal.trouble
        waiting = [journal.append(instant(at + more), (submit(at + more + 1),)) for more in range(1, 200)]
        # While it is known to be full, nobody waits.
        began = time.monotonic()
        assert not await journal.durable(waiting[0])
        assert time.monotonic() - began < 0.5
        ballast.unlink()
        await until(lambda: not journal.trouble)
        assert await journal.durable(waiting[-1])
        assert journal.health().lost == 0
    with Reader(place) as reader:
        assert [entry.seq for entry in reader.entries()] == list(range(1, waiting[-1] + 1))
    assert verify(place).faults == ()


async def test_what_finds_no_room_in_memory_is_a_gap_that_is_told_and_orders_find_room_longer(
    file_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(file_place, wait_s=0.05, buffer_bytes=60_000) as journal:
        assert await journal.durable(journal.append(instant(0), ()))
        other = sqlite3.connect(file_place.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        places = [journal.append(instant(at), ()) for at in range(1, 100)]
        assert not await journal.room()
        lost = journal.health().lost
        assert 0 < lost < 99
        # Events find no room any more; the exchange's answers still do.
        kept = journal.record(order(), fill())
        assert journal.health().lost == lost
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: not journal.trouble)
        assert await journal.durable(kept)
        assert not await journal.durable(places[-1])
        assert await journal.durable(places[0])
        assert await journal.room()
    with Reader(file_place) as reader:
        (gap,) = reader.gaps()
        assert (gap.first, gap.last) == (places[-lost], places[-1])
        assert [entry.seq for entry in reader.entries()] == [1, *places[:-lost]]
        assert len(reader.fills()) == 1
        assert reader.gaps(after=gap.last) == []
    assert "memory is full" in caplog.text
    assert verify(file_place).faults == ()


async def test_a_server_that_ends_is_found_again_with_nothing_lost(server: Server, tmp_path: Path) -> None:
    place = Place(tmp_path / "home-of-a-lost-server", server.url)
    with opened(place, wait_s=5.0) as journal:
        assert await journal.durable(journal.append(instant(0), (submit(),)))
        server.stop()
        try:
            assert not await journal.durable(journal.append(instant(1), (submit(2),)))
            assert journal.health().kind == UNREACHABLE
            assert "planted" not in journal.trouble
            for at in range(2, 50):
                journal.append(instant(at), ())
        finally:
            server.start()
        await until(lambda: not journal.trouble)
        assert await journal.durable()
    with Reader(place) as reader:
        assert same([entry.event for entry in reader.entries()], [instant(at) for at in range(50)])
    assert verify(place).faults == ()


async def test_a_value_that_no_table_can_hold_is_left_out_alone(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with opened(place, wait_s=5.0) as journal:
        before = journal.append(instant(0), ())
        refused = journal.record(fill(2**63))
        after = journal.append(instant(1), (submit(),))
        assert await journal.durable(after)
        assert await journal.durable(before)
        assert not await journal.durable(refused)
    with Reader(place) as reader:
        assert [(gap.first, gap.last) for gap in reader.gaps()] == [(refused, refused)]
        assert len(list(reader.entries())) == 2
    assert "is left out, a fault of this program" in caplog.text
    assert verify(place).faults == ()
