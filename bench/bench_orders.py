"""The way of an order, from decision to wire, and what many trades cost: `python -m bench.bench_orders`.

A decision is followed from the moment at which its command leaves `TradingLogic.handle` until its bytes go to the
socket, and until the last of them has arrived in another process: journal (a SQLite file on this disk, synced), desk,
request, signature, socket. References of the same run: a bare fsync of this disk, and a bare POST of as many bytes with
aiohttp. All again with the journal in memory: what is left is ours, whatever the disk does today.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median

import aiohttp

from bench.bench_journal import RUN, bare_fsync_us
from bench.bench_order_wire import bench_signing
from bench.managed_trades import bench_managed
from bench.measure import show
from bench.order_venue import venue
from tests.builders import M1, START_MS, candle, settings
from tests.trading.worlds import FILTERS, wish
from trader.core.commands import Command
from trader.core.events import Event, Instant
from trader.core.instrument import Instrument
from trader.core.order import Role
from trader.core.signal import Pattern, Reading
from trader.core.venue import Commission
from trader.engine.engine import Engine
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.governor import WeightGovernor
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.records import FillRecord, OrderRecord
from trader.journal.scribe import Scribe
from trader.trading.logic import TradingLogic

DECISIONS, WARM, GROUPS = 400, 50, 40
COINS = [f"C{number}USDT" for number in range(10)]
BODY = "x" * 280
#: A disk that costs nothing: what is left is ours.
MEMORY = Path("/dev/shm")


class Stamped(TradingLogic):
    """The core, which notes when commands leave it."""

    left_ns = 0

    def handle(self, event: Event) -> list[Command]:
        commands = super().handle(event)
        if isinstance(event, Instant):
            self.left_ns = time.monotonic_ns()
        return commands


class TimedJournal(Journal):
    """A journal that notes how long an intention waited for the disk."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.waits_us: list[float] = []

    async def permit(self, seq: int, role: Role | str) -> bool:
        began = time.perf_counter()
        answer = await super().permit(seq, role)
        self.waits_us.append((time.perf_counter() - began) * 1e6)
        return answer


class Way:
    """Everything between the core and the socket, as the daemon has it."""

    def __init__(self, journal: TimedJournal, client: TradingClient) -> None:
        self.handed_ns: list[int] = []
        trace = aiohttp.TraceConfig()
        trace.on_request_chunk_sent.append(self._hand_over)
        trace.freeze()
        client.session.trace_configs.append(trace)
        grids = {symbol: Instrument.from_filters(symbol, FILTERS) for symbol in COINS}
        values = settings(COINS=COINS, MIN_ATR_PCT=0.0, MAX_CONCURRENT_TRADES=len(COINS), MAX_POSITION_SIZE_PCT=0.05)
        self.readings: Sequence[Reading] = ()
        self.journal = journal
        self.at = 0
        self.core = Stamped(values, dict.fromkeys(COINS, M1), grids, self)
        self.scribe = Scribe(journal, self.core.book, [f"{symbol},{M1}" for symbol in COINS])
        free = Decimal("0.001")
        prices = {symbol: Prices(symbol[:-4], "USDT", Commission(symbol, free, free)) for symbol in COINS}
        around = Surroundings(
            TradeRest(client), journal, self.deliver, lambda _: 100.0, lambda: self.core.book.time, time.monotonic
        )
        self.desk = Desk("spot", "b1", grids, prices, around)
        self.engine = Engine(self.core, self, self.scribe)  # type: ignore[arg-type]

    async def _hand_over(self, *_: object) -> None:
        """Note when the bytes of a request go to the socket."""
        self.handed_ns.append(time.monotonic_ns())

    def send(self, command: Command) -> None:
        """Take a command of the core, as the daemon's order side does."""
        self.desk.send(command)

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Say what the streams show."""
        return self.readings

    def deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord]) -> None:
        """Bring an event to the core."""
        self.scribe.attach(*records)
        self.engine.process(event)

    async def decide(self, coins: Sequence[str]) -> int:
        """Let the core enter on `coins`; return when its commands left it, once all is over."""
        self.at += 1
        time_ms = START_MS + self.at * M1.ms
        closed = [candle(100.0, symbol=symbol, at=self.at - 1) for symbol in coins]
        self.readings = [wish(symbol=symbol, pattern=Pattern.DOUBLE_BOTTOM, made=time_ms) for symbol in coins]
        self.engine.process(Instant(time_ms, tuple(closed)))
        left = self.core.left_ns
        await self.desk.idle()
        return left


@asynccontextmanager
async def way(folder: Path, url: str) -> AsyncIterator[Way]:
    """Open journal and client."""
    journal = TimedJournal(Place(folder / "orders"))
    journal.open()
    journal.begin(RUN)
    where = endpoints("embedded", "spot", url)
    client = TradingClient(where, WeightGovernor(1_000_000, 0.2), Credentials("a-key", "a-secret-of-the-bench"))
    try:
        yield Way(journal, client)
    finally:
        await client.close_connection()
        await asyncio.to_thread(journal.close)


def times(pipe: Pipe) -> list[int]:
    """Return when the orders since the last call arrived, ns."""
    pipe.send("times")
    arrived: list[int] = pipe.recv()
    return arrived


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` lie."""
    return sorted(values)[int(share * (len(values) - 1))]


async def bare_posts_us(url: str, pipe: Pipe) -> list[float]:
    """Return how long a bare POST takes to arrive, µs."""
    left = []
    times(pipe)
    async with aiohttp.ClientSession() as session:
        for _ in range(DECISIONS):
            left.append(time.monotonic_ns())
            async with session.post(f"{url}/api/v3/order", data=BODY) as answer:
                await answer.read()
            await asyncio.sleep(0.004)
    return [(there - began) / 1000 for began, there in zip(left, times(pipe), strict=True)][WARM:]


async def bench_way(disk: str, folder: Path, url: str, pipe: Pipe) -> None:
    """Print how long it takes from a decision to the wire, the journal being on `disk`."""
    print(f"-- the journal on {disk}")
    fsync = bare_fsync_us(folder)
    show("orders: a bare fsync", fsync, "µs")
    posts = await bare_posts_us(url, pipe)
    bare = median(posts)
    show("orders: a bare POST to arrive, median", bare, "µs")
    async with way(folder, url) as made:
        left = []
        for number in range(DECISIONS):
            left.append(await made.decide([COINS[number % len(COINS)]]))
            await asyncio.sleep(0.004)
        handed = [(there - began) / 1000 for began, there in zip(left, made.handed_ns, strict=True)][WARM:]
        ours = [(there - began) / 1000 for began, there in zip(left, times(pipe), strict=True)][WARM:]
        waits = made.journal.waits_us[WARM:]
        both, named = fsync + bare, "fsync and bare POST"
        show("orders: decision to socket, median", median(handed), "µs", median(handed) / fsync, "fsync")
        show("orders: decision to wire, median", median(ours), "µs", median(ours) / both, named)
        show(
            "orders: decision to wire, 99th percentile",
            percentile(ours, 0.99),
            "µs",
            percentile(ours, 0.99) / both,
            named,
        )
        show("orders:   of it the intention's wait for the disk", median(waits), "µs", median(waits) / fsync, "fsync")
        show("orders:   commits for a decision and its end", made.journal.health().groups / DECISIONS, "commits")
        lasts = []
        for _ in range(GROUPS):
            began = await made.decide(COINS)
            lasts.append((max(times(pipe)) - began) / 1000)
            await asyncio.sleep(0.01)
        show(
            "orders: ten decisions of an instant, all on the wire, median",
            median(lasts),
            "µs",
            median(lasts) / both,
            named,
        )


def main() -> None:
    """Print the figures."""
    logging.getLogger("trader").setLevel(logging.CRITICAL)  # every order of this venue expires, which is said
    asyncio.run(bench_signing())
    places = {"this disk": ".", **({"a disk in memory": str(MEMORY)} if MEMORY.is_dir() else {})}
    with venue() as (url, pipe):
        for disk, place in places.items():
            with tempfile.TemporaryDirectory(dir=place) as folder:
                asyncio.run(bench_way(disk, Path(folder), url, pipe))
    bench_managed()


if __name__ == "__main__":
    main()
