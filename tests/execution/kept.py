"""A pool of capital that is killed after a record of its journal, and goes on from what the journal has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.builders import M1, candle
from tests.exchange.embedded.conftest import PLAY_MS
from tests.exchange.embedded.traders import pass_minutes
from tests.execution.desk.rigs import SYMBOL, Bench, CountingDoor, Notebook, bench
from trader.core.account import AccountEvent, OrderUpdate
from trader.core.events import Event, Instant
from trader.core.order import Role
from trader.core.signal import Reading
from trader.core.timeframe import MINUTE_MS
from trader.core.venue import NewList, NewOrder
from trader.exchange.binance.trade_codec import PlacedList
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.desk.holding import Holding
from trader.execution.dust import DustLedger
from trader.execution.recovery import Place, restored
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.trading.book import Book
from trader.trading.logic import TradingLogic

NEVER_S = 3_600.0


class Page(msgspec.Struct):
    """The journal after an entry: how many records there are, and the books. `holdings` as the desk then had them."""

    records: int
    book: bytes
    holdings: bytes


class Life:
    """One life of the process: it ends at entry `dies` of its journal; with `late` the request that was to follow goes
    out first."""

    def __init__(self, dies: int = -1, late: bool = False) -> None:
        self.dies = dies
        self.late = late
        self.entries = 0
        self.over = False

    def entry(self) -> None:
        self.entries += 1
        self.over = self.over or self.entries == self.dies

    async def before(self) -> None:
        if self.over and not self.late:
            await asyncio.sleep(NEVER_S)

    async def after(self) -> None:
        self.late = False
        if self.over:
            await asyncio.sleep(NEVER_S)


class MortalDoor:
    """The real door while there is life."""

    def __init__(self, door: CountingDoor, life: Life) -> None:
        self._door = door
        self._life = life

    def __getattr__(self, name: str) -> Any:
        async def ask(*args: Any, **named: Any) -> Any:
            await self._life.before()
            answer = await getattr(self._door, name)(*args, **named)
            await self._life.after()
            return answer

        return ask

    async def place(self, order: NewOrder) -> OrderUpdate:
        return await self.__getattr__("place")(order)

    async def place_list(self, wanted: NewList) -> PlacedList:
        return await self.__getattr__("place_list")(wanted)


class MortalNotebook:
    """A notebook in which nothing is written any more after death."""

    def __init__(self, world: Kept) -> None:
        self._world = world
        self._life = world.life

    def record(self, *records: OrderRecord | FillRecord | DustRecord) -> int:
        if self._life.over:
            return 0
        place = self._world.notebook.record(*records)
        self._life.entry()
        self._world.page()
        return place

    async def permit(self, seq: int, role: Role | str) -> bool:
        if not seq:
            await asyncio.sleep(NEVER_S)
        await self._life.before()
        return True


class Kept:
    """The world of a `Bench` with mortal processes; `pages` has the journal after each entry."""

    def __init__(self, world: Bench, life: Life) -> None:
        self.world = world
        self.notebook: Notebook = world.notebook
        self.pages: list[Page] = []
        self.lives = 0
        self.place = Place("t1", world.instruments, {SYMBOL: "BTC"})
        self._dust = DustLedger()
        self.begin(world.logic, life)

    def begin(self, logic: TradingLogic, life: Life) -> None:
        world, self.life, self.lives = self.world, life, self.lives + 1
        self.logic = world.logic = logic
        life_of_deliver = life

        def deliver(event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
            self.take(event, records, life_of_deliver)

        around = Surroundings(
            MortalDoor(world.door, life),
            MortalNotebook(self),
            deliver,
            lambda symbol: logic.book.last_close.get(symbol, float("nan")),
            lambda: world.now,
            time.monotonic,
            dust=self._dust,
        )
        world.desk = Desk("spot", "t1", world.instruments, world.prices, around)

    def take(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord], life: Life) -> None:
        """Let the core take an event, keep it, and carry out what follows: nothing of it after death."""
        if life.over:
            return
        if not isinstance(event, Instant):
            self.world.events.append(event)
        commands = self.logic.handle(event)
        self.notebook.record(*records)
        life.entry()
        if life.over:
            self.page()
            return
        for command in commands:
            self.world.desk.send(command)
        self.page()

    def page(self) -> None:
        holdings = msgspec.msgpack.encode(list(self.world.desk.holdings.values()))
        self.pages.append(Page(len(self.notebook.kept), msgspec.msgpack.encode(self.logic.book), holdings))

    def hear(self, event: AccountEvent) -> None:
        if not self.life.over:
            Bench.hear(self.world, event)

    def restored(self, page: Page) -> tuple[Book, list[Holding]]:
        """Return the books and the positions as a process that reads the journal finds them."""
        book = msgspec.msgpack.decode(page.book, type=Book)
        kept = self.notebook.kept[: page.records]
        orders = [each for each in kept if isinstance(each, OrderRecord)]
        fills = [each for each in kept if isinstance(each, FillRecord)]
        dust = [each for each in kept if isinstance(each, DustRecord)]
        return book, restored(book, orders, fills, dust, self.place)

    def revive(self) -> None:
        """Begin another life where the journal ends."""
        book, holdings = self.restored(self.pages[-1])
        self._dust = DustLedger()
        for each in self.notebook.dust:
            self._dust.add(each.asset, each.quantity, each.reason)
        world = self.world
        self.begin(TradingLogic(world.settings, {SYMBOL: M1}, world.instruments, world, book=book), Life())
        world.desk.restore(holdings)

    async def settled(self) -> None:
        """Wait until all is done, and die and come back in between."""
        async with asyncio.timeout(30):
            for _ in range(3):
                while not (self.life.over or self.world.desk.is_idle):  # noqa: ASYNC110 - death or quiet
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.02)
        if self.life.over:
            old = self.world.desk
            self.revive()
            await old.close()
            await self.settled()

    async def minute(self, *prices: float, sees: Sequence[Reading] = ()) -> None:
        """Let a minute of the play pass as `Bench.minute` does."""
        world = self.world
        open, high, low, close = prices if len(prices) == 4 else prices * 4
        at = (world.now - PLAY_MS) // MINUTE_MS
        pass_minutes(world.exchange, 1)
        await self.settled()
        world.readings = sees
        made = candle(close, open=open, high=high, low=low, symbol=SYMBOL)
        closed = msgspec.structs.replace(made, open_time=PLAY_MS + at * MINUTE_MS)
        self.take(Instant(world.now, (closed,)), (), self.life)
        await self.settled()


@asynccontextmanager
async def kept(
    *bars: tuple[float, float, float, float], life: Life | None = None, **overrides: Any
) -> AsyncIterator[Kept]:
    """Open a market and trade on it with a life that may end."""
    async with bench(*bars, **overrides) as world:
        made = Kept(world, life or Life())
        world.listener = made.hear
        yield made
