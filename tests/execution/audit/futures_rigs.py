"""The real core, desk and auditor on the real USD-M exchange of this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from tests.builders import M1, candle, settings
from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.usdm_traders import Bar, ours
from tests.exchange.embedded.usdm_traders import Desk as Client
from tests.exchange.embedded.wires import control
from tests.execution.audit.rigs import hastily
from tests.execution.desk.rigs import FILTERS, Notebook, until
from tests.trading.worlds import wish
from trader.core.account import AccountEvent, AlgoUpdate, OrderUpdate
from trader.core.events import Event, Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped
from trader.core.signal import Pattern, Reading
from trader.core.timeframe import MINUTE_MS
from trader.core.venue import Commission
from trader.exchange.binance.user_stream_futures import futures_user_stream
from trader.execution.audit.auditor import Auditor
from trader.execution.audit.inquiry import Means
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.terms import Terms
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.trading.logic import TradingLogic

SYMBOL = "BTCUSDT"
QUIET = (100.0, 100.1, 99.9, 100.0)


class FuturesWorld:
    """A pool of capital that trades BTCUSDT on futures; `events` are what the core was told by the desk."""

    def __init__(self, client: Client, session: aiohttp.ClientSession, **overrides: Any) -> None:
        chosen = {"MARKET": "futures", "MIN_ATR_PCT": 0.0, "SLIPPAGE_PCT": 0.0002, "LEVERAGE": 5} | overrides
        self.settings = settings(COINS=[SYMBOL], **chosen)
        self.client = client
        self.session = session
        self.instruments = {SYMBOL: Instrument.from_filters(SYMBOL, FILTERS)}
        self.logic = TradingLogic(self.settings, {SYMBOL: M1}, self.instruments, self)
        self.notebook = Notebook()
        self.events: list[Event] = []
        self.readings: Sequence[Reading] = ()
        self.said: list[str] = []
        self.deaf = False
        self.terms = Terms(client.account, self.said.append)
        prices = {SYMBOL: Prices("BTC", "USDT", Commission(SYMBOL, Decimal("0.0002"), Decimal("0.0005")))}
        around = Surroundings(
            client.rest, self.notebook, self.deliver, self.mark, lambda: self.now, time.monotonic, self.terms.prepared
        )
        self.desk = Desk("futures", "f1", self.instruments, prices, around)
        means = Means(
            "futures",
            "f1",
            client.rest,
            client.account,
            self.instruments,
            {},
            lambda: self.logic.book.orders,
            self.mark,
            lambda: self.now,
            hastily,
            0.5,
        )
        self.auditor = Auditor(self.desk, means)

    def mark(self, symbol: str) -> float:
        return self.logic.book.last_close.get(symbol, float("nan"))

    @property
    def now(self) -> int:
        return self.client.exchange.play.clock.now()

    def read(self, instant: Instant) -> Sequence[Reading]:
        return self.readings

    def deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        self.events.append(event)
        self.notebook.record(*records)
        for command in self.logic.handle(event):
            self.desk.send(command)

    def hear(self, event: AccountEvent) -> None:
        known = isinstance(event, OrderUpdate | AlgoUpdate) and not self.deaf and self.desk.tell(event)
        if not known and not self.deaf:
            self.auditor.hear(event)

    async def settled(self) -> None:
        for _ in range(3):
            async with asyncio.timeout(20):
                await self.desk.idle()
            await asyncio.sleep(0.03)
        async with asyncio.timeout(20):
            await self.desk.idle()

    async def minute(self, bar: Bar = QUIET, sees: Sequence[Reading] = ()) -> None:
        open, high, low, close = bar
        at = (self.now - PLAY_MS) // MINUTE_MS
        self.client.pass_minutes(1)
        await self.settled()
        self.readings = sees
        made = candle(close, open=open, high=high, low=low, symbol=SYMBOL)
        closed = msgspec.structs.replace(made, open_time=PLAY_MS + at * MINUTE_MS)
        for command in self.logic.handle(Instant(self.now, (closed,))):
            self.desk.send(command)
        await self.settled()

    async def enter(self) -> None:
        await self.minute(sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])

    async def hand(self, **wish: Any) -> Any:
        answer = await control(self.session, "stranger", market="futures", **wish)
        assert "error" not in answer, answer
        return answer

    async def audit(self) -> list[str]:
        found = await self.auditor.audit()
        await self.settled()
        return [each.kind.name for each in found]

    def fills(self) -> list[tuple[str, float, float]]:
        return [(each.reason, each.quantity, each.price) for each in self.events if isinstance(each, Fill)]

    def dropped(self) -> list[str]:
        return [each.rule for each in self.events if isinstance(each, OrderDropped)]


@asynccontextmanager
async def futures_world(*bars: Bar, **overrides: Any) -> AsyncIterator[FuturesWorld]:
    """Open a futures market and a pool of capital on it."""
    async with ours(QUIET, *bars, listening=False) as client, client.exchange_session() as session:
        world = FuturesWorld(client, session, **overrides)
        stream = futures_user_stream(client.where, client.client, world.hear)
        running = asyncio.create_task(stream.run())
        await until(lambda: stream.connected)
        try:
            yield world
        finally:
            await world.desk.close()
            stream.stop()
            await running
