"""Many coins move their stops at once, at an exchange that takes few orders: what is held stays guarded meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

from tests.exchange.embedded.conftest import PLAY_MS
from tests.exchange.embedded.traders import KEY, SECRET, market, trading
from tests.execution.desk.rigs import FILTERS, Notebook, until
from trader.core.account import AccountEvent, AlgoUpdate, OrderUpdate
from trader.core.commands import AmendStop, SubmitOrder
from trader.core.events import Event
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderRequest, Role
from trader.core.signal import Direction
from trader.core.venue import Commission
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_stream_spot import spot_user_stream
from trader.exchange.embedded.accounts.order_count import Window
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ORDER_WINDOWS, ExchangeOptions
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.governor import WeightGovernor
from trader.execution.order_room import OrderRoom, order_room
from trader.journal.records import DustRecord, FillRecord, OrderRecord

COINS = 10
#: Where ten seconds have a hundred.
TIGHT = (Window("SECOND", 2, 40), Window("DAY", 1, 200_000))
NAN = float("nan")
#: A coin is without stops while its list is replaced: for a round trip, and no longer.
ROUND_TRIP_S = 0.5


class Pool:
    """Holds a coin of each symbol with a stop and a target, as the core would have it."""

    def __init__(self, exchange: EmbeddedExchange, client: TradingClient, room: OrderRoom, symbols: list[str]) -> None:
        self.exchange = exchange
        self.symbols = symbols
        instruments = {symbol: Instrument.from_filters(symbol, FILTERS) for symbol in symbols}
        fee = Decimal("0.001")
        prices = {each: Prices(each.removesuffix("USDT"), "USDT", Commission(each, fee, fee)) for each in symbols}
        door, now = TradeRest(client), exchange.play.clock.now
        around = Surroundings(door, Notebook(), self.deliver, lambda _: 100.0, now, time.monotonic, room=room)
        self.desk = Desk("spot", "t1", instruments, prices, around)

    def deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        """Answer an entry's fill with a stop and a target."""
        if isinstance(event, Fill) and event.role is Role.ENTRY:
            number = event.position_id
            self.desk.send(SubmitOrder(self._request(number, Role.STOP, event.quantity, 95.0)))
            self.desk.send(SubmitOrder(self._request(number, Role.TARGET, event.quantity, 110.0)))

    def hear(self, event: AccountEvent) -> None:
        if isinstance(event, OrderUpdate | AlgoUpdate):
            self.desk.tell(event)

    def enter(self) -> None:
        """Buy one of each."""
        for place in range(len(self.symbols)):
            self.desk.send(SubmitOrder(self._request(place * 10 + 10, Role.ENTRY, 1.0, NAN)))

    def move(self, price: float) -> None:
        """Move all stops at once."""
        for place in range(len(self.symbols)):
            number = place * 10 + 10
            self.desk.send(AmendStop(number, number + 1, price, "trailing_stop"))

    def close(self) -> None:
        """Close everything at once."""
        for place in range(len(self.symbols)):
            self.desk.send(SubmitOrder(self._request(place * 10 + 10, Role.CLOSE, 1.0, NAN)))

    def stops(self) -> set[Decimal]:
        """Return at which prices the exchange has stops."""
        shelf = self.exchange.trading.venues["spot"].ledger(self.exchange.trading.accounts[0])
        stops = [each for each in shelf["orders"] if each["type"] == "STOP_LOSS" and each["status"] == "NEW"]
        return {Decimal(each["stopPrice"]) for each in stops}

    async def settled(self, seconds: float = 30.0) -> None:
        """Wait until all is as it should be."""
        async with asyncio.timeout(seconds):
            await self.desk.idle()

    def _request(self, number: int, role: Role, quantity: float, price: float) -> OrderRequest:
        order_id = number + list(Role).index(role)
        symbol = self.symbols[number // 10 - 1]
        return OrderRequest(order_id, number, symbol, role, Direction.LONG, quantity, price, 1.0, role.value, PLAY_MS)

    def longest_unguarded_s(self) -> float:
        """Return how long a coin was held without a stop, at worst, as the exchange saw it; the entry's fill apart."""
        records = self.exchange.trading.events.records[self.exchange.trading.accounts[0].uid]
        reports = [(each.wall_ms, each.event) for each in records if each.event["e"] == "executionReport"]
        return max(_longest_gap_s([each for each in reports if each[1]["s"] == symbol]) for symbol in self.symbols)


def _longest_gap_s(reports: list[tuple[int, dict[str, Any]]]) -> float:
    held, stops = Decimal(0), set[int]()
    longest, since = 0, None
    for wall_ms, event in reports:
        if event["x"] == "TRADE":
            held += Decimal(event["l"]) * (1 if event["S"] == "BUY" else -1)
        if event["o"] == "STOP_LOSS":
            (stops.add if event["X"] == "NEW" else stops.discard)(event["i"])
        unguarded = held > Decimal("0.5") and not stops
        if not unguarded and since is not None:
            longest, since = max(longest, wall_ms - since), None
        elif unguarded and since is None:
            since = wall_ms
    return longest / 1000


@asynccontextmanager
async def pool(coins: int, windows: tuple[Window, ...], knowing: bool = True) -> AsyncIterator[Pool]:
    """Open an exchange with these limits, and a pool on it that knows of them, or not."""
    symbols = [f"C{number:02}USDT" for number in range(coins)]
    options = ExchangeOptions(
        start=PLAY_MS, hold=True, trading=trading("USDT=100000", orders={**ORDER_WINDOWS, "spot": windows})
    )
    exchange = EmbeddedExchange(options, market(symbols=symbols))
    await exchange.start()
    client = TradingClient(
        endpoints("embedded", "spot", exchange.base_url), WeightGovernor(6_000), Credentials(KEY, SECRET)
    )
    await client.sync_clock()
    room = order_room("spot", await client.get_exchange_info()) if knowing else OrderRoom()
    client.limit_orders(room.gates)
    made = Pool(exchange, client, room, symbols)
    stream = spot_user_stream(client.endpoints, client, made.hear)
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


async def traded(world: Pool) -> None:
    """Buy, move every stop twice, close: all at once."""
    world.enter()
    await world.settled()
    world.move(96.0)
    await asyncio.sleep(0.1)
    world.move(97.0)
    await world.settled()
    assert world.stops() == {Decimal(97)}
    world.close()
    await world.settled()
    assert world.stops() == set()
    assert world.desk.alarms == []


async def test_stops_that_move_together_are_never_taken_away_without_room_for_the_next() -> None:
    async with pool(COINS, TIGHT) as world:
        await traded(world)
        assert world.longest_unguarded_s() < ROUND_TRIP_S


async def test_who_does_not_know_of_the_limit_is_found_unguarded() -> None:
    async with pool(COINS, TIGHT, knowing=False) as world:
        with suppress(AssertionError):
            await traded(world)
        assert world.longest_unguarded_s() > ROUND_TRIP_S


async def main() -> None:
    """Print how it goes at the limits that Binance has, with thirty coins."""
    async with pool(30, ORDER_WINDOWS["spot"]) as world:
        began = time.monotonic()
        await traded(world)
        print(
            f"30 coins, 100 orders in 10 s: unguarded {world.longest_unguarded_s():.3f} s at worst, "
            f"{time.monotonic() - began:.1f} s in all"
        )


if __name__ == "__main__":
    asyncio.run(main())
