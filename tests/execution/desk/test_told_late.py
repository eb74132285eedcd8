"""What is told late, or of more than one position: nothing executed is forgotten, and nothing is counted twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec

from tests.execution.desk.rigs import Notebook
from tests.execution.orders import execution
from tests.trading.worlds import FILTERS
from trader.core.account import Execution, OrderStatus, OrderUpdate
from trader.core.commands import AmendStop
from trader.core.errors import Rejected
from trader.core.events import Event
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderRequest, Role, Side
from trader.core.signal import Direction
from trader.core.venue import AccountTrade, Commission
from trader.execution.audit.findings import Finding, Kind
from trader.execution.audit.inquiry import Inquiry, Means
from trader.execution.client_ids import ClientId, Purpose
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.desk.holding import Holding, Sent, Stop
from trader.execution.desk.steps import Cancel, Place, Planner
from trader.execution.states import Order, OrderState
from trader.journal.records import DustRecord, FillRecord, OrderRecord

SYMBOL, NAN = "BTCUSDT", float("nan")


class QuietDoor:
    """Knows trades, and answers nothing else, or refuses it."""

    def __init__(self) -> None:
        self.known: list[AccountTrade] = []
        self.refuses: Rejected | None = None
        self.asked: list[tuple[str, object]] = []

    async def trades(self, symbol: str, *, exchange_id: int = 0, start_ms: int = 0) -> list[AccountTrade]:
        return [each for each in self.known if exchange_id in (0, each.exchange_id)]

    def __getattr__(self, name: str) -> Any:
        async def ask(*args: Any, **named: Any) -> Any:
            self.asked.append((name, args[-1] if args else None))
            if self.refuses is not None:
                raise self.refuses
            await asyncio.Event().wait()

        return ask


class Rig:
    """A desk on USD-M that goes on with two long positions of ten, each with a stop and a target of all of it."""

    def __init__(self) -> None:
        self.door = QuietDoor()
        self.fills: list[Fill] = []
        self.told_something = asyncio.Event()
        self.records: list[object] = []
        fee = Decimal("0.0005")
        prices = Prices("BTC", "USDT", Commission(SYMBOL, fee, fee))
        around = Surroundings(self.door, Notebook(), self._deliver, lambda _: 100.0, lambda: 0, time.monotonic)
        self.desk = Desk("futures", "t1", {SYMBOL: Instrument.from_filters(SYMBOL, FILTERS)}, {SYMBOL: prices}, around)

    def _deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        assert isinstance(event, Fill)
        self.fills.append(event)
        self.told_something.set()
        self.records += records

    def told(self) -> list[tuple[int, str, float]]:
        return [(each.position_id, each.reason, each.quantity) for each in self.fills]

    def tell(self, position_id: int, purpose: Purpose, status: OrderStatus, *executions: Execution) -> None:
        """Let the venue tell of an order of a position."""
        total = sum((each.quantity for each in executions), Decimal(0))
        name, number = client_id(position_id, purpose), exchange_id(position_id, purpose)
        self.desk.tell(
            OrderUpdate(SYMBOL, name, number, Side.SELL, "LIMIT", status, Decimal(10), total, 5, executions=executions)
        )


def client_id(position_id: int, purpose: Purpose) -> str:
    return ClientId("t1", position_id, purpose).text


def exchange_id(position_id: int, purpose: Purpose) -> int:
    return 10 * position_id + list(Purpose).index(purpose)


def position(position_id: int) -> Holding:
    request = OrderRequest(position_id, position_id, SYMBOL, Role.ENTRY, Direction.LONG, 10.0, NAN, 5.0, "entry", 0)
    bought = execution(position_id, "10")
    entry = sent(position_id, Purpose.ENTRY, Side.BUY, OrderState.FILLED, (bought,))
    held = Holding(position_id, SYMBOL, Direction.LONG, "", request, stop=Stop(position_id + 1, 95.0, "stop_loss"))
    resting = [sent(position_id, each, Side.SELL, OrderState.OPEN) for each in (Purpose.STOP, Purpose.TARGET)]
    held.sent = {each.client_id: each for each in (entry, *resting)}
    held.entered = held.left = Decimal(10)
    return held


def sent(
    position_id: int, purpose: Purpose, side: Side, state: OrderState, executions: tuple[Execution, ...] = ()
) -> Sent:
    total = sum((each.quantity for each in executions), Decimal(0))
    order = Order(
        client_id(position_id, purpose),
        SYMBOL,
        side,
        Decimal(10),
        state=state,
        exchange_id=exchange_id(position_id, purpose),
        cumulative=total,
        executions=executions,
    )
    price = {Purpose.STOP: 95.0, Purpose.TARGET: 110.0}.get(purpose, NAN)
    told = {each.trade_id for each in executions}
    return Sent(order, purpose, position_id + list(Purpose).index(purpose), str(purpose), price, told=told)


def sold(trade_id: int, quantity: str, exchange_id: int) -> AccountTrade:
    return AccountTrade(
        SYMBOL, exchange_id, trade_id, Side.SELL, Decimal(quantity), Decimal(110), Decimal(0), "USDT", False, 5
    )


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """Open the desk with its two positions, which nobody has begun to verify."""
    found = Rig()
    for each in (position(10), position(20)):
        found.desk._begin(each)
    try:
        yield found
    finally:
        await found.desk.close()


async def test_a_target_met_with_the_stop_closes_of_the_side_what_is_left_of_it() -> None:
    """Hedge mode: to the venue the positions of a side are one, so the second order closes another trade's quantity."""
    async with rig() as desk:
        desk.tell(10, Purpose.STOP, OrderStatus.FILLED, execution(31, "10", "95"))
        desk.tell(10, Purpose.TARGET, OrderStatus.FILLED, execution(32, "10", "110"))
        desk.tell(10, Purpose.TARGET, OrderStatus.FILLED, execution(32, "10", "110"))
        assert desk.told() == [(10, str(Purpose.STOP), 10.0), (20, "netted", 10.0)]
        assert desk.fills[-1].price == 110.0
        fills = [each for each in desk.records if isinstance(each, FillRecord)]
        assert [(each.trade_id, each.position_id, each.quantity) for each in fills] == [(31, 10, 10), (32, 20, 10)]


async def test_one_execution_may_be_of_two_positions() -> None:
    async with rig() as desk:
        desk.tell(10, Purpose.STOP, OrderStatus.PARTLY_FILLED, execution(31, "6", "95"))
        desk.tell(10, Purpose.TARGET, OrderStatus.FILLED, execution(32, "10", "110"))
        assert desk.told() == [(10, str(Purpose.STOP), 6.0), (10, str(Purpose.TARGET), 4.0), (20, "netted", 6.0)]
        assert desk.desk.holdings[20].left == 4


async def test_executions_of_an_order_that_rests_on_are_asked_for() -> None:
    """An outage has swallowed them: the order's own state says how much, and never which."""
    async with rig() as desk:
        desk.door.known = [sold(33, "4", exchange_id(10, Purpose.TARGET))]
        name, number = client_id(10, Purpose.TARGET), exchange_id(10, Purpose.TARGET)
        held = desk.desk.holdings[10]
        stop, target = held.sent[client_id(10, Purpose.STOP)], held.sent[name]
        stop.order = msgspec.structs.replace(stop.order, quantity=Decimal(6))  # what it will be moved to
        wanted = msgspec.structs.replace(held.entry, order_id=target.order_id, role=Role.TARGET, price=110.0)
        held.targets = {target.order_id: wanted}
        desk.desk.tell(
            OrderUpdate(SYMBOL, name, number, Side.SELL, "LIMIT", OrderStatus.PARTLY_FILLED, Decimal(10), Decimal(4), 5)
        )
        async with asyncio.timeout(5):
            await desk.told_something.wait()
        assert desk.told() == [(10, str(Purpose.TARGET), 4.0)]


async def test_what_is_missing_is_looked_for_in_our_own_orders_first() -> None:
    """An audit that comes before the events: what a stop of ours has sold is no stranger's, and no guess."""
    async with rig() as desk:
        desk.door.known = [sold(34, "10", exchange_id(20, Purpose.STOP))]
        instruments = {SYMBOL: Instrument.from_filters(SYMBOL, FILTERS)}
        means = Means(
            "futures",
            "t1",
            desk.door,
            desk.door,
            instruments,
            {},
            lambda: 99,
            lambda _: 100.0,
            lambda: 0,
            asyncio.sleep,
        )
        missing = Finding(Kind.SHORTFALL, SYMBOL, "LONG", Decimal(10))
        await Inquiry(desk.desk, means).explain(missing, 0)
        assert desk.told() == [(20, str(Purpose.STOP), 10.0)]


async def test_a_trade_is_not_told_to_have_ended_while_its_entry_may_bring_more() -> None:
    """The answer and the last event of an entry are lost, and the stop sells what was known of it."""
    async with rig() as desk:
        held = desk.desk.holdings[10]
        entry = held.sent[client_id(10, Purpose.ENTRY)]
        entry.order = msgspec.structs.replace(entry.order, quantity=Decimal(15), state=OrderState.PARTLY_FILLED)
        desk.tell(10, Purpose.STOP, OrderStatus.FILLED, execution(31, "10", "95"))
        assert desk.told() == []
        number = exchange_id(10, Purpose.ENTRY)
        both = (execution(10, "10"), execution(40, "5"))
        desk.desk.tell(
            OrderUpdate(
                SYMBOL, entry.client_id, number, Side.BUY, "MARKET", OrderStatus.FILLED, Decimal(15), Decimal(15), 5
            )
        )
        assert desk.told() == []
        desk.desk.tell(
            OrderUpdate(
                SYMBOL,
                entry.client_id,
                number,
                Side.BUY,
                "MARKET",
                OrderStatus.FILLED,
                Decimal(15),
                Decimal(15),
                5,
                executions=both,
            )
        )
        assert desk.told() == [(10, str(Purpose.ENTRY), 5.0), (10, str(Purpose.STOP), 10.0)]
        assert held.left == 5


async def test_executions_are_asked_for_also_while_no_stop_can_be_placed() -> None:
    """A stop rests for more than is left, and there is no room for another: the core must be told all the same."""
    async with rig() as desk:
        desk.door.refuses = Rejected("POST algoOrder: Reach max stop order limit.", -4045)
        desk.door.refuses.status = 400
        desk.door.known = [sold(35, "4", exchange_id(10, Purpose.TARGET))]
        name, number = client_id(10, Purpose.TARGET), exchange_id(10, Purpose.TARGET)
        desk.desk.tell(
            OrderUpdate(SYMBOL, name, number, Side.SELL, "LIMIT", OrderStatus.PARTLY_FILLED, Decimal(10), Decimal(4), 5)
        )
        async with asyncio.timeout(10):
            await desk.told_something.wait()
        assert desk.told() == [(10, str(Purpose.TARGET), 4.0)]


async def test_of_stops_that_are_to_go_only_one_guards_while_another_is_to_be_placed() -> None:
    planner = Planner("futures", "t1", Instrument.from_filters(SYMBOL, FILTERS))
    held = position(10)
    older = held.sent[client_id(10, Purpose.STOP)]
    newer_id = ClientId("t1", 10, Purpose.STOP, attempt=1).text
    newer = msgspec.structs.replace(older, order=msgspec.structs.replace(older.order, client_id=newer_id), attempt=1)
    held.sent[newer_id] = newer
    held.stop = Stop(11, 96.0, "trailing_stop")
    assert planner.next(held) == Cancel(older.client_id)
    older.order = msgspec.structs.replace(older.order, state=OrderState.CANCELLED)
    assert isinstance(planner.next(held), Place)


async def test_a_stop_that_finds_no_room_beside_the_old_one_takes_its_place() -> None:
    async with rig() as desk:
        desk.door.refuses = Rejected("POST algoOrder: Reach max stop order limit.", -4045)
        desk.door.refuses.status = 400
        desk.desk.send(AmendStop(10, 11, 96.0, "trailing_stop"))
        await asyncio.sleep(0.1)
        (at,) = [at for at, (name, _) in enumerate(desk.door.asked) if name == "place_stop"]
        assert desk.door.asked[at + 1] == ("cancel", client_id(10, Purpose.STOP))
