"""What the journal costs: telling, waiting for the disk, groups, a stream: `python -m bench.bench_journal`.

`--url URL` measures a PostgreSQL journal in place of a SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from bench.measure import peak_mb, show
from trader.core.candle import Candle
from trader.core.commands import SubmitOrder
from trader.core.events import Instant
from trader.core.order import OrderRequest, Role
from trader.core.signal import Direction
from trader.core.timeframe import Timeframe
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import OrderRecord, Run
from trader.journal.verify import verify

START_MS = 1_735_689_600_000
M1 = Timeframe.MIN_1
WAITS, GROUPS, GROUP, SUSTAINED = 300, 20, 100, 30_000
RUN = Run("bench", "paper", "spot", "0", START_MS, START_MS)


def instant(at: int, coins: int = 1) -> Instant:
    """Return an instant with a candle of each coin."""
    candles = [
        Candle(f"COIN{coin}USDT", M1, START_MS + at * M1.ms, 60_000.5, 60_010.25, 59_990.75, 60_001.0, 12.345)
        for coin in range(coins)
    ]
    return Instant(START_MS + (at + 1) * M1.ms, tuple(candles))


def submit(at: int) -> SubmitOrder:
    """Return the command of an entry."""
    request = OrderRequest(
        at, at, "COIN0USDT", Role.ENTRY, Direction.LONG, 0.0236, 59_500.0, 1.0, "double_bottom", START_MS
    )
    return SubmitOrder(request)


def order(at: int) -> OrderRecord:
    """Return the intention of an order at the exchange."""
    return OrderRecord(
        f"r1-{at}-e-1", "COIN0USDT", at, at, "entry", 1, "intended", START_MS, request=submit(at).request
    )


def each_us(count: int, work: Callable[[int], object]) -> float:
    """Return the median time of `count` calls of `work`, µs."""
    times = []
    for at in range(count):
        began = time.perf_counter()
        work(at)
        times.append(time.perf_counter() - began)
    return median(times) * 1e6


async def waits_us(count: int, work: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Return the median and the 99th percentile of `count` awaited calls of `work`, µs."""
    times = []
    for at in range(count):
        began = time.perf_counter()
        await work(at)
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.001)
    times.sort()
    return median(times) * 1e6, times[int(0.99 * count)] * 1e6


def bare_fsync_us(folder: Path) -> float:
    """Return the median time to append a page to a file and bring it to this disk, µs."""
    with (folder / "bare").open("wb", buffering=0) as file:

        def once(_: int) -> None:
            file.write(bytes(4_096))
            os.fsync(file.fileno())

        return each_us(WAITS, once)


async def measure(journal: Journal, folder: Path) -> None:
    """Print the figures of an open journal."""
    quiet = await _telling(journal)
    fsync = bare_fsync_us(folder)
    show("journal: a bare fsync of this disk", fsync, "µs")

    async def one(at: int) -> None:
        assert await journal.durable(journal.append(instant(at), (submit(at),)))

    middle, worst = await waits_us(WAITS, one)
    show("journal: an intention durable, median", middle, "µs", middle / fsync, "a bare fsync")
    show("journal: an intention durable, 99th percentile", worst, "µs", worst / fsync, "a bare fsync")

    async def group(_: int) -> None:
        places = [journal.record(order(at)) for at in range(GROUP)]
        assert all(await asyncio.gather(*(journal.durable(seq) for seq in places)))

    commits = journal.health().groups
    middle, _ = await waits_us(GROUPS, group)
    show(f"journal: {GROUP} intentions durable together", middle / 1000, "ms", middle / GROUP / fsync, "a fsync, each")
    show(f"journal: commits for {GROUP} intentions", (journal.health().groups - commits) / GROUPS, "commits")
    await _stream(journal, quiet)


async def _telling(journal: Journal) -> float:
    quiet, hundred, talking = instant(0), instant(0, 100), (submit(1), submit(2))
    cost = each_us(20_000, lambda _: journal.append(quiet, ()))
    show("journal: append an instant of one coin", cost, "µs")
    await journal.durable()
    more = each_us(5_000, lambda _: journal.append(quiet, talking))
    show("journal: append it with two commands", more, "µs", more / cost, "without")
    await journal.durable()
    many = each_us(300, lambda _: journal.append(hundred, ()))
    show("journal: append an instant of 100 coins", many, "µs", many / cost, "of one coin")
    await journal.durable()
    return cost


async def _stream(journal: Journal, cost_us: float) -> None:
    events = [instant(at) for at in range(1_000)]
    began = time.perf_counter()
    for at in range(SUSTAINED):
        journal.append(events[at % 1_000], ())
        if at % 1_000 == 0:
            await journal.room()
            await asyncio.sleep(0)
    assert await journal.durable()
    rate = SUSTAINED / (time.perf_counter() - began)
    show("journal: sustained until durable", rate, "events/s", rate * cost_us / 1e6, "telling alone")
    assert journal.health().lost == 0


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="", help="a PostgreSQL journal")
    url = parser.parse_args().url
    with tempfile.TemporaryDirectory(dir=".") as folder:
        place = Place(Path(folder) / "bench-journal", url)
        began = time.perf_counter()
        journal = Journal(place, wait_s=30.0)
        journal.open()
        show("journal: open a new one", (time.perf_counter() - began) * 1000, "ms")
        journal.begin(RUN)
        asyncio.run(measure(journal, Path(folder)))
        journal.close()
        began = time.perf_counter()
        with Reader(place) as reader:
            count = sum(1 for _ in reader.entries())
        show("journal: read back", count / (time.perf_counter() - began), "events/s")
        began = time.perf_counter()
        found = verify(place)
        show("journal: verify", found.rows / (time.perf_counter() - began), "rows/s")
        if place.is_sqlite:
            show("journal: bytes an entry on disk", place.path.stat().st_size / found.entries, "bytes")
        show("journal: peak memory", peak_mb(), "MB")


if __name__ == "__main__":
    main()
