"""Many trades at once: an embedded exchange in a process of its own, and what it costs to hold and guard them all."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import msgspec

from bench.bench_journal import RUN
from bench.measure import show
from tests.builders import M1, candle, settings
from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.traders import KEY, SECRET, market, pass_minutes, trading
from tests.trading.worlds import FILTERS, wish
from trader.core.account import AccountEvent, AlgoUpdate, OrderUpdate
from trader.core.commands import AmendStop, Command
from trader.core.events import Event, Instant
from trader.core.instrument import Instrument
from trader.core.signal import Pattern, Reading
from trader.core.timeframe import MINUTE_MS
from trader.core.venue import Commission
from trader.engine.engine import Engine
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_stream_spot import spot_user_stream
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import LIMITS_IN_LOCKSTEP, ORDERS_IN_LOCKSTEP, ExchangeOptions
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.governor import WeightGovernor
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.journal.scribe import Scribe
from trader.trading.logic import TradingLogic

TRADES, MINUTES, MINUTE_S = 100, 6, 2.5
COINS = [f"C{number}USDT" for number in range(TRADES)]
#: Each minute the price rises by this: every stop follows it at every close, the most that can come of candles.
RISE = 0.002
NEVER = {"sl_pct": 0.01, "tp_pct": 0.5}


def price(minute: int) -> float:
    """Return the price at which a minute closes."""
    return round(100.0 * (1 + RISE) ** minute, 2)


def bar(minute: int) -> tuple[float, float, float, float]:
    """Return the candle of a minute."""
    open, close = price(minute - 1), price(minute)
    return open, close, open, close


def serve(pipe: Pipe) -> None:
    """Run the exchange; let a minute pass whenever asked."""

    async def main() -> None:
        endless = {"orders": ORDERS_IN_LOCKSTEP, "accounts": trading("USDT=1000000").accounts}
        options = ExchangeOptions(
            start=PLAY_MS, hold=True, limits=LIMITS_IN_LOCKSTEP, trading=trading("USDT=1000000", **endless)
        )
        bars = [bar(minute) for minute in range(1, MINUTES + 4)]
        exchange = EmbeddedExchange(options, market(*bars, symbols=COINS))
        await exchange.start()
        pipe.send(exchange.base_url)
        while await asyncio.to_thread(pipe.recv) != "end":
            pipe.send(pass_minutes(exchange, 1))
        await exchange.stop()

    asyncio.run(main())


@contextmanager
def exchange() -> Iterator[tuple[str, Pipe]]:
    """Run the exchange; yield its address, and a pipe through which a minute of it passes."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv(), ours
    finally:
        ours.send("end")
        process.join(10)


class Pool:
    """A pool of capital with a trade on every coin: core, journal, desk and user stream as the daemon has them."""

    def __init__(self, journal: Journal, client: TradingClient, pipe: Pipe) -> None:
        values = settings(
            COINS=COINS,
            MIN_ATR_PCT=0.0,
            MAX_CONCURRENT_TRADES=TRADES,
            MAX_POSITION_SIZE_PCT=0.005,
            MAX_PORTFOLIO_RISK=1.0,
            PARTIAL_TP={"enable": False},
            PATTERN_TARGETS={"double_bottom": NEVER},
            TRAILING_STOP={"activation_pct": 0.0001},
            BACKTEST_INITIAL_CAPITAL=1_000_000,
        )
        grids = {symbol: Instrument.from_filters(symbol, FILTERS) for symbol in COINS}
        self._pipe = pipe
        self.now = PLAY_MS
        self.minute = 0
        self.moves = 0
        self.readings: Sequence[Reading] = ()
        self.core = TradingLogic(values, dict.fromkeys(COINS, M1), grids, self)
        self.scribe = Scribe(journal, self.core.book, [f"{symbol},{M1}" for symbol in COINS])
        fee = Decimal("0.001")
        prices = {symbol: Prices(symbol[:-4], "USDT", Commission(symbol, fee, fee)) for symbol in COINS}
        around = Surroundings(
            TradeRest(client), journal, self.deliver, lambda _: price(self.minute), lambda: self.now, time.monotonic
        )
        self.desk = Desk("spot", "b2", grids, prices, around)
        self.engine = Engine(self.core, self, self.scribe)  # type: ignore[arg-type]

    def send(self, command: Command) -> None:
        """Take a command of the core, as the daemon's order side does."""
        self.moves += isinstance(command, AmendStop)
        self.desk.send(command)

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Say what the streams show."""
        return self.readings

    def hear(self, event: AccountEvent) -> None:
        """Take what the account's stream tells."""
        if isinstance(event, OrderUpdate | AlgoUpdate):
            self.desk.tell(event)

    def deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        """Bring an event to the core."""
        self.scribe.attach(*records)
        self.engine.process(event)

    async def pass_minute(self, enter: bool = False) -> None:
        """Let a minute of the market pass, and wait until all that follows is done."""
        self._pipe.send("minute")
        self.now = await asyncio.to_thread(self._pipe.recv)
        self.minute += 1
        open, high, low, close = bar(self.minute)
        at = self.now - MINUTE_MS
        closed = [
            msgspec.structs.replace(candle(close, open=open, high=high, low=low, symbol=symbol), open_time=at)
            for symbol in COINS
        ]
        self.readings = [
            wish(close, symbol=symbol, pattern=Pattern.DOUBLE_BOTTOM, made=self.now) for symbol in COINS if enter
        ]
        self.engine.process(Instant(self.now, tuple(closed)))
        await self.desk.idle()


@asynccontextmanager
async def pool(folder: Path, url: str, pipe: Pipe) -> AsyncIterator[Pool]:
    """Open journal, client and user stream."""
    journal = Journal(Place(folder / "managed"), wait_s=10.0)
    journal.open()
    journal.begin(RUN)
    where = endpoints("embedded", "spot", url)
    client = TradingClient(where, WeightGovernor(1_000_000, 0.2), Credentials(KEY, SECRET))
    await client.sync_clock()
    made = Pool(journal, client, pipe)
    stream = spot_user_stream(where, client, made.hear)
    running = asyncio.create_task(stream.run())
    while not stream.connected:  # noqa: ASYNC110 - the stream says so by itself soon
        await asyncio.sleep(0.01)
    try:
        yield made
    finally:
        await made.desk.close()
        stream.stop()
        await running
        await client.close_connection()
        await asyncio.to_thread(journal.close)


async def measure(made: Pool) -> None:
    """Print what a minute of the market costs with all trades open and every stop moved at its close."""
    await made.pass_minute(enter=True)
    held = len(made.desk.holdings)
    assert held == TRADES, f"{held} of {TRADES} trades were opened"
    costs: list[tuple[float, float]] = []
    moved = made.moves
    for _ in range(MINUTES):
        cpu, began = time.process_time(), time.perf_counter()
        await made.pass_minute()
        took = time.perf_counter() - began
        await asyncio.sleep(max(0.0, MINUTE_S - took))
        costs.append((time.process_time() - cpu, took))
    moved = (made.moves - moved) // MINUTES
    assert len(made.desk.holdings) == TRADES, "a trade was lost on the way"
    cpu_s, took_s = (sorted(each[at] for each in costs)[MINUTES // 2] for at in (0, 1))
    show(f"trades: {TRADES} held, {moved} stops moved at each close, processor for it", cpu_s * 1000, "ms a minute")
    show(
        "trades:   share of a core at candles of a minute", cpu_s / 60 * 100, "%", cpu_s / 60 / 0.20, "the 20 % allowed"
    )
    show(
        "trades:   share of a core at candles of 15 seconds",
        cpu_s / 15 * 100,
        "%",
        cpu_s / 15 / 0.20,
        "the 20 % allowed",
    )
    show("trades:   from the close until every stop rests at its new price", took_s * 1000, "ms")
    show("trades:   a move: cancel, place, events, journal", cpu_s / max(1, moved) * 1000, "ms of processor")


async def run(folder: Path, url: str, pipe: Pipe) -> None:
    """Print the figures of an exchange that is up."""
    async with pool(folder, url, pipe) as made:
        await measure(made)


def bench_managed() -> None:
    """Print the figures."""
    with exchange() as (url, pipe), tempfile.TemporaryDirectory(dir=".") as folder:
        asyncio.run(run(Path(folder), url, pipe))


if __name__ == "__main__":
    bench_managed()
