"""The real core, the real desk and the real exchange on this machine, over real sockets; the play is moved by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Container, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec

from tests.builders import M1, candle, settings
from tests.exchange.embedded.conftest import PLAY_MS
from tests.exchange.embedded.traders import KEY, SECRET, market, pass_minutes, trading
from tests.trading.worlds import wish
from trader.core.account import AccountEvent, AlgoUpdate, OrderUpdate
from trader.core.commands import Command
from trader.core.events import Event, Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped, Role
from trader.core.signal import Pattern, Reading
from trader.core.timeframe import MINUTE_MS
from trader.core.trade import Trade
from trader.core.venue import Commission, NewList, NewOrder
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_codec import PlacedList
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_stream_spot import spot_user_stream
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import Armed, Fault
from trader.exchange.embedded.options import ExchangeOptions
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.desk.stop_places import StopPlaces
from trader.execution.governor import WeightGovernor
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.trading.logic import TradingLogic

FILTERS = {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}
SYMBOL = "BTCUSDT"


class CountingDoor(TradeRest):
    """The real door, which does something before a certain request goes out, or refuses lists as the venue might."""

    def __init__(self, client: TradingClient) -> None:
        super().__init__(client)
        self.refuse_lists = False
        self._left = -1
        self._act: Callable[[], None] = lambda: None

    def after(self, requests: int, act: Callable[[], None]) -> None:
        self._left, self._act = requests, act

    async def place(self, order: NewOrder) -> OrderUpdate:
        self._count()
        return await super().place(order)

    async def place_list(self, wanted: NewList) -> PlacedList:
        self._count()
        if self.refuse_lists:
            wanted = msgspec.structs.replace(wanted, quantity="1000000")
        return await super().place_list(wanted)

    def _count(self) -> None:
        if self._left == 0:
            self._act()
        self._left -= 1


class Notebook:
    """A journal in memory: it keeps what it is told, in order, and lets everything leave."""

    def __init__(self) -> None:
        self.kept: list[OrderRecord | FillRecord | DustRecord] = []

    @property
    def orders(self) -> list[OrderRecord]:
        return [each for each in self.kept if isinstance(each, OrderRecord)]

    @property
    def fills(self) -> list[FillRecord]:
        return [each for each in self.kept if isinstance(each, FillRecord)]

    @property
    def dust(self) -> list[DustRecord]:
        return [each for each in self.kept if isinstance(each, DustRecord)]

    def record(self, *records: OrderRecord | FillRecord | DustRecord) -> int:
        self.kept += records
        return len(self.kept)

    async def permit(self, seq: int, role: Role | str) -> bool:
        return True


class Bench:
    """A pool of capital that trades BTCUSDT on spot. `events` are what the core was told by the desk."""

    gate: WeightGovernor

    def __init__(self, exchange: EmbeddedExchange, client: TradingClient, **overrides: Any) -> None:
        self.exchange = exchange
        self.client = client
        limited: Container[str] = overrides.pop("stops_at_limit", ())
        places: StopPlaces = overrides.pop("places", StopPlaces())
        self.settings = settings(COINS=[SYMBOL], **{"MIN_ATR_PCT": 0.0, "SLIPPAGE_PCT": 0.0002, **overrides})
        self.instruments = instruments = {SYMBOL: Instrument.from_filters(SYMBOL, FILTERS)}
        self.logic = TradingLogic(self.settings, {SYMBOL: M1}, instruments, self)
        self.listener: Callable[[AccountEvent], None] = self.hear
        self.events: list[Event] = []
        self.notebook = Notebook()
        self.readings: Sequence[Reading] = ()
        self.door = CountingDoor(client)
        self.prices = prices = {SYMBOL: Prices("BTC", "USDT", Commission(SYMBOL, Decimal("0.001"), Decimal("0.001")))}
        around = Surroundings(
            self.door,
            self.notebook,
            self.deliver,
            lambda symbol: self.logic.book.last_close.get(symbol, float("nan")),
            lambda: self.now,
            time.monotonic,
            places=places,
        )
        self.desk = Desk("spot", "t1", instruments, prices, around, limited)

    @property
    def now(self) -> int:
        """The play's time, ms."""
        return self.exchange.play.clock.now()

    def read(self, instant: Instant) -> Sequence[Reading]:
        return self.readings

    def deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        self.events.append(event)
        self.notebook.record(*records)
        self._send(self.logic.handle(event))

    def hear(self, event: AccountEvent) -> None:
        if isinstance(event, OrderUpdate | AlgoUpdate):
            self.desk.tell(event)

    def _send(self, commands: Sequence[Command]) -> None:
        for command in commands:
            self.desk.send(command)

    async def settled(self) -> None:
        """Wait until the desk has done everything, and has heard everything."""
        for _ in range(3):
            async with asyncio.timeout(20):
                await self.desk.idle()
            await asyncio.sleep(0.03)
        async with asyncio.timeout(20):
            await self.desk.idle()

    async def minute(self, *prices: float, sees: Sequence[Reading] = ()) -> None:
        """Let a minute of the play pass, whose candle is `prices`, and let the core see it."""
        open, high, low, close = prices if len(prices) == 4 else prices * 4
        at = (self.now - PLAY_MS) // MINUTE_MS
        pass_minutes(self.exchange, 1)
        await self.settled()
        self.readings = sees
        made = candle(close, open=open, high=high, low=low, symbol=SYMBOL)
        closed = msgspec.structs.replace(made, open_time=PLAY_MS + at * MINUTE_MS)
        self._send(self.logic.handle(Instant(self.now, (closed,))))
        await self.settled()

    async def enter(self) -> Trade:
        """Open a LONG trade at the next price."""
        await self.minute(100.0, 100.1, 99.9, 100.0, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
        return self.trade

    async def enter_or_not(self) -> Trade | None:
        """Try to open a trade; return it, or None where it was dropped or has been closed again."""
        await self.minute(100.0, 100.1, 99.9, 100.0, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
        return next(iter(self.logic.book.trades.values()), None)

    def arm_after(self, fault: Fault, requests: int) -> None:
        """Let a fault strike an order request that comes after so many."""
        self.door.after(requests, lambda: self.arm(fault))

    @property
    def trade(self) -> Trade:
        (trade,) = self.logic.book.trades.values()
        return trade

    def fills(self) -> list[tuple[str, float, float]]:
        """Return (reason, quantity, price) of each fill that the core was told."""
        return [(each.reason, each.quantity, each.price) for each in self.events if isinstance(each, Fill)]

    def dropped(self) -> list[str]:
        return [each.rule for each in self.events if isinstance(each, OrderDropped)]

    def arm(self, fault: Fault, amount: float = 0.0, count: int = 1) -> None:
        """Let a fault strike for certain."""
        self.exchange.plan.arm(Armed(fault, amount, count))

    async def balances(self) -> dict[str, Decimal]:
        """Return what the exchange says that the account has."""
        return {name: each.total for name, each in (await AccountRest(self.client).account()).balances.items()}

    async def resting(self) -> list[OrderUpdate]:
        """Return what rests at the exchange."""
        return await TradeRest(self.client).open_orders(SYMBOL)


@asynccontextmanager
async def bench(*bars: tuple[float, float, float, float], **overrides: Any) -> AsyncIterator[Bench]:
    """Open a market whose first minutes are a quiet one and `bars`, and trade on it; `money`: other accounts."""
    quiet = (100.0, 100.1, 99.9, 100.0)
    money, symbols = overrides.pop("money", None) or trading("USDT=10000"), overrides.pop("symbols", (SYMBOL,))
    options = ExchangeOptions(start=PLAY_MS, hold=True, trading=money)
    exchange = EmbeddedExchange(options, market(quiet, *bars, symbols=symbols))
    await exchange.start()
    where = endpoints("embedded", "spot", exchange.base_url)
    gate = WeightGovernor(6_000, 0.2)
    client = TradingClient(where, gate, Credentials(KEY, SECRET))
    await client.sync_clock()
    made = Bench(exchange, client, **overrides)
    made.gate = gate
    stream = spot_user_stream(where, client, lambda event: made.listener(event))
    running = asyncio.create_task(stream.run())
    await until(lambda: stream.connected)
    try:
        yield made
    finally:
        await made.desk.close()
        stream.stop()
        await running
        await client.close_connection()
        await exchange.stop()


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what holds is anybody's
            await asyncio.sleep(0.005)
