"""The desk: takes the core's commands, and has each position attended to in a task of its own.

Nothing here blocks, and nothing raises into the core: answers come back to it as events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, Execution
from trader.core.commands import Command, SubmitOrder
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest, Role
from trader.core.settings import Market
from trader.execution.audit.losses import shared
from trader.execution.breaker import Breaker
from trader.execution.client_ids import Purpose
from trader.execution.desk.attendant import UNPROTECTED, Attendant
from trader.execution.desk.booking import NETTED, Prices
from trader.execution.desk.courier import Courier, Update
from trader.execution.desk.holding import Holding, Sent, new_holding
from trader.execution.desk.means import Means
from trader.execution.desk.ports import Deliver, Door, Intentions
from trader.execution.desk.steps import Planner
from trader.execution.desk.stop_places import StopPlaces
from trader.execution.desk.words import is_ending, under_way
from trader.execution.dust import DustLedger
from trader.execution.order_room import OrderRoom
from trader.journal.records import DustRecord

log = logging.getLogger(__name__)

#: Positions that have ended are remembered for what is told of them late.
PAST = 1_000
#: After a fault of ours, a position is attended to again after so long.
AGAIN_S = 1.0


async def no_terms(request: OrderRequest) -> str:
    """Let every entry leave as it is: spot has no terms to be set."""
    return ""


class Surroundings(msgspec.Struct, frozen=True):
    """What a desk works with. `mark` gives the last price of a symbol (NaN: unknown), `now` the market's time (ms),
    `clock` seconds that never go back. `prepared` sees to the terms of an entry and says why it cannot leave (see
    `execution.terms`); `dust` is the account's ledger of dust, as the journal has it, `room` its limits of orders.
    """

    door: Door
    journal: Intentions
    deliver: Deliver
    mark: Callable[[str], float]
    now: Callable[[], int]
    clock: Callable[[], float]
    prepared: Callable[[OrderRequest], Awaitable[str]] = no_terms
    dust: DustLedger = msgspec.field(default_factory=DustLedger)
    room: OrderRoom = msgspec.field(default_factory=OrderRoom)
    places: StopPlaces = StopPlaces()


class Desk:
    """Sees to the positions of one account on one market. `run` names the pool of capital in client ids.

    `stops_at_limit` are symbols for which the venue takes no stops at market. `halted` says why no entry leaves any
    more, "" while they do; `alarms` are what a person should know. `doubted` is called when the account may hold less
    than it should: somebody should look (`execution.audit`).
    """

    def __init__(
        self,
        market: Market,
        run: str,
        instruments: Mapping[str, Instrument],
        prices: Mapping[str, Prices],
        around: Surroundings,
        stops_at_limit: Container[str] = (),
    ) -> None:
        self._market = market
        self._prices = prices
        self._journal = around.journal
        self._now = around.now
        self._places = around.places
        self._breaker = Breaker(around.clock)
        self._courier = Courier(market, around.door)
        self._means = {
            symbol: self._made(Planner(market, run, each, symbol in stops_at_limit), each, prices[symbol], around)
            for symbol, each in instruments.items()
        }
        self._by_client_id: dict[str, int] = {}
        self._by_exchange_id: dict[tuple[str, int], str] = {}
        self._attendants: dict[int, Attendant] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._past: dict[int, Holding] = {}
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.halted = ""
        self.alarms: list[str] = []
        self.dust = around.dust
        self.doubted: Callable[[], None] = lambda: None

    def _made(self, planner: Planner, instrument: Instrument, prices: Prices, around: Surroundings) -> Means:
        return Means(
            planner,
            self._courier,
            self._breaker,
            instrument,
            prices,
            around.journal,
            around.deliver,
            around.mark,
            around.now,
            around.clock,
            self._forbidden,
            self._index,
            self.alarm,
            self.halt,
            self._tell_quiet,
            around.prepared,
            lambda: self.doubted(),
            self._beyond,
            around.dust,
            around.room,
        )

    def _forbidden(self, holding: Holding) -> str:
        """Return why an entry must not leave; "" when it may."""
        if self.halted:
            return f"halted: {self.halted}"
        return self._places.lacking(holding, self.holdings.values())

    @property
    def holdings(self) -> dict[int, Holding]:
        """The positions that are attended to, by position id."""
        return {key: each.holding for key, each in self._attendants.items()}

    def ending(self, symbol: str = "") -> list[str]:
        """Return in words what still has to happen, on a coin or on all, before what ends is over at the exchange."""
        every = (each for each in self.holdings.values() if symbol in ("", each.symbol))
        return [under_way(each) for each in every if is_ending(each)]

    @property
    def unguarded(self) -> dict[str, Decimal]:
        """What is held without a stop for it, by symbol; hedges have none and need none."""
        found: dict[str, Decimal] = {}
        for holding in self.holdings.values():
            planner = self._means[holding.symbol].planner
            lacking = planner.sellable(holding) - sum((each.order.left for each in holding.resting(Purpose.STOP)), ZERO)
            if lacking > 0 and not planner.guarded(holding):
                found[holding.symbol] = found.get(holding.symbol, ZERO) + lacking
        return found

    # --- from the core ----------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Take a command of the core; it is carried out in its position's turn."""
        if isinstance(command, SubmitOrder) and command.request.role is Role.ENTRY:
            symbol = command.request.symbol
            self._begin(new_holding(command.request, self._prices[symbol].base if self._market == "spot" else ""))
            return
        position_id = command.request.position_id if isinstance(command, SubmitOrder) else command.position_id
        attendant = self._attendants.get(position_id)
        if attendant is not None:
            attendant.holding.want(command)
            attendant.wake()

    def restore(self, holdings: Iterable[Holding]) -> None:
        """Take up positions from before; what is in doubt is looked up first, as always, and then all that rests."""
        for holding in holdings:
            self._begin(holding)
            self._attendants[holding.position_id].look_again()

    def look_again(self, symbol: str = "") -> None:
        """Look up everything that rests, of `symbol` or of all: events may have been missed."""
        for attendant in self._attendants.values():
            if symbol in ("", attendant.holding.symbol):
                attendant.look_again()

    def knows(self, client_id: str) -> bool:
        """Tell whether an order is of a position that is attended to, or was lately."""
        return client_id in self._by_client_id

    def knows_exchange_id(self, symbol: str, exchange_id: int) -> bool:
        """Tell the same by the venue's id of an order."""
        return (symbol, exchange_id) in self._by_exchange_id

    def lose(self, position_id: int, executions: tuple[Execution, ...], reason: str, exchange_id: int = 0) -> None:
        """Book what went from a position without an order of ours: a liquidation, or somebody's hand."""
        self._attendants[position_id].lose(executions, reason, exchange_id)

    def _beyond(self, holding: Holding, sent: Sent, executions: list[Execution]) -> None:
        """Book what an order closed beyond its position on the others of its side, to the venue they are one."""
        others = [
            each
            for each in self.holdings.values()
            if each is not holding and (each.symbol, each.direction) == (holding.symbol, holding.direction)
        ]
        taken = (one for each in others for one in each.of(Purpose.TAKEN))
        booked = {execution.trade_id for one in taken for execution in one.order.executions}
        fresh = [each for each in executions if each.trade_id not in booked]
        exchange_id = sent.order.actual_id or sent.order.exchange_id
        for loss in shared(fresh, others, NETTED, exchange_id):
            self.alarm(f"{holding.symbol}: {sent.client_id} closed {loss.quantity} of position {loss.position_id} too")
            self.lose(loss.position_id, loss.executions, loss.reason, loss.exchange_id)

    def lose_dust(self, symbol: str, coin: str, quantity: Decimal) -> None:
        """Take from the ledger what has gone elsewhere (a person has swept dust into another coin)."""
        entry = self.dust.add(coin, -min(quantity, self.dust.of(coin)), "gone elsewhere")
        self._journal.record(DustRecord(self._now(), coin, entry.change, symbol, 0, entry.reason))

    def adopt(self, position_id: int, sent: Sent) -> None:
        """Take an order of a position's that the desk did not know: the journal had lost it."""
        self._attendants[position_id].adopt(sent)

    @property
    def is_idle(self) -> bool:
        """Whether every position is as it should be, and nothing is under way."""
        return self._quiet.is_set()

    @property
    def busy(self) -> int:
        """How many positions something is under way for, or waited for."""
        return sum(not each.quiet for each in self._attendants.values())

    async def idle(self) -> None:
        """Wait until every position is as it should be, and nothing is under way."""
        await self._quiet.wait()

    async def close(self) -> None:
        """End all tasks; what rests at the exchange stays there."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- from the exchange ------------------------------------------------------------------------------------------

    def tell(self, update: Update) -> bool:
        """Take what the exchange tells of an order, by event or by answer; tell whether it is one of ours."""
        client_id = update.client_id
        if client_id not in self._by_client_id:
            client_id = self._by_exchange_id.get((update.symbol, update.exchange_id), "")
        key = self._by_client_id.get(client_id)
        if key is None:
            return False
        attendant = self._attendants.get(key) or self._remembered(key)
        attendant.take(client_id, update)
        if key in self._attendants:
            attendant.wake()
        elif self._means[attendant.holding.symbol].planner.sellable(attendant.holding) > 0:
            self._revive(attendant.holding)
        return True

    def _remembered(self, key: int) -> Attendant:
        holding = self._past[key]
        return Attendant(holding, self._means[holding.symbol])

    def _revive(self, holding: Holding) -> None:
        """Attend again to a position that had ended, and of which something was filled after all: it is closed."""
        self.alarm(f"{holding.symbol}: an order of position {holding.position_id}, which had ended, was filled")
        holding.rescue = holding.rescue or UNPROTECTED
        self._begin(holding)

    # --- attendants -------------------------------------------------------------------------------------------------

    def _begin(self, holding: Holding) -> None:
        key = holding.position_id
        self._past.pop(key, None)
        attendant = self._attendants[key] = Attendant(holding, self._means[holding.symbol])
        self._tell_quiet()
        self._tasks[key] = asyncio.create_task(self._attend(key, attendant), name=f"position {key}")

    async def _attend(self, key: int, attendant: Attendant) -> None:
        while not await self._attended(attendant):  # noqa: ASYNC110 - a pause, not a wait
            await asyncio.sleep(AGAIN_S)
        del self._attendants[key], self._tasks[key]
        self._past[key] = attendant.holding
        while len(self._past) > PAST:
            self._forget(self._past.pop(next(iter(self._past))))
        self._tell_quiet()

    async def _attended(self, attendant: Attendant) -> bool:
        """Attend to a position until it has ended; False when a fault of ours came between: it is not left alone."""
        try:
            await attendant.run()
        except Exception as error:
            log.exception("position %d", attendant.holding.position_id)
            self.halt(f"a fault of this program with {attendant.holding.symbol}: {type(error).__name__}: {error}")
            return False
        return True

    def _forget(self, holding: Holding) -> None:
        for sent in holding.sent.values():
            self._by_client_id.pop(sent.client_id, None)
            self._by_exchange_id.pop((holding.symbol, sent.order.actual_id), None)
            self._by_exchange_id.pop((holding.symbol, sent.order.exchange_id), None)

    def _index(self, position_id: int, sent: Sent) -> None:
        self._by_client_id[sent.client_id] = position_id
        if sent.purpose is Purpose.TAKEN:
            return  # the order was not ours, and may be of several positions
        for each in (sent.order.actual_id, 0 if sent.order.conditional else sent.order.exchange_id):
            if each:
                self._by_exchange_id[sent.order.symbol, each] = sent.client_id

    def _tell_quiet(self) -> None:
        if all(each.quiet for each in self._attendants.values()):
            self._quiet.set()
        else:
            self._quiet.clear()

    # --- words ------------------------------------------------------------------------------------------------------

    def halt(self, words: str) -> None:
        """Let no entry leave any more; what is held stays guarded."""
        if not self.halted:
            self.alarm(f"no more entries: {words}")
        self.halted = self.halted or words

    def alarm(self, words: str) -> None:
        """Tell a person."""
        log.error("%s", words)
        self.alarms.append(words)
