"""Carries one request to the exchange, and says what came of it; nothing is decided here.

A request that changes something goes out again, under its own id, only on proof that it did nothing, and not often.
Who asks a question decides himself whether to ask again: news may have answered it meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from trader.core.account import ZERO, AlgoUpdate, Execution, OrderStatus, OrderUpdate
from trader.core.errors import TraderError
from trader.core.settings import Market
from trader.core.venue import AccountTrade, NewList, NewStop, Request
from trader.exchange.binance.departure import Departure, departing
from trader.execution.desk.holding import Sent
from trader.execution.desk.ports import Door
from trader.execution.outcomes import Act, Ask, Outcome, outcome_of

#: How often a request that did nothing goes out again at once.
RETRIES = 3
#: The longest of its waits: a longer one is left to the next look.
LONGEST_WAIT_S = 5.0
#: How long an answer is waited for. The venue may take longer, but what is held may not be left without a stop for
#: that: what became of a request is looked up instead.
ANSWER_S = 2.0
#: A question may be asked again at once.
READ_ANSWER_S = 1.0

#: It found no room in the venue's limits (a ban, a full window) for as long as an answer is waited for.
NOT_SENT = Outcome(Act.RETRY_SAME_ID, text="it could not leave: the venue's limits leave no room yet")

Update = OrderUpdate | AlgoUpdate


class Answer(msgspec.Struct, frozen=True):
    """What the exchange told of the orders asked about, or in `failure` what to do instead."""

    updates: tuple[Update, ...] = ()
    failure: Outcome | None = None


class Courier:
    """Asks through `door`; `sleep` waits that many seconds."""

    def __init__(self, market: Market, door: Door, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._market = market
        self._door = door
        self._sleep = sleep

    async def place(self, request: Request, leaves: Callable[[], None] = lambda: None) -> Answer:
        """Place an order, a stop or a list; `leaves` is called each time that the request goes out."""
        with departing(leaves) as departure:
            return await self._ask(lambda: self._place(request, departure), Ask.PLACE, departure)

    async def cancel(self, sent: Sent) -> Answer:
        """Cancel an order, or the list that it belongs to."""
        return await self._ask(lambda: self._cancel(sent), Ask.CANCEL)

    async def look(self, sent: Sent) -> Answer:
        """Ask what became of an order, its executions included where they have not been told."""
        return await self._ask(lambda: self._look(sent), Ask.READ)

    async def executions(self, sent: Sent) -> Answer:
        """Ask for the executions of an order."""
        return await self._ask(lambda: self._executions(sent), Ask.READ)

    async def _ask(
        self, ask: Callable[[], Awaitable[Sequence[Update]]], what: Ask, departure: Departure | None = None
    ) -> Answer:
        for tries in range(RETRIES + 1):
            try:
                async with asyncio.timeout(READ_ANSWER_S if what is Ask.READ else ANSWER_S):
                    return Answer(tuple(await ask()))
            except (TraderError, OSError, TimeoutError) as error:
                if departure is not None and departure.waits:
                    return Answer(failure=NOT_SENT)
                outcome = outcome_of(self._market, error, what)
            again = outcome.act in (Act.RETRY_SAME_ID, Act.RESYNC_CLOCK) and what is not Ask.READ
            if not again or tries == RETRIES or outcome.wait_s > LONGEST_WAIT_S:
                break
            await self._sleep(outcome.wait_s)
        return Answer(failure=outcome)

    async def _place(self, request: Request, departure: Departure) -> Sequence[Update]:
        departure.leaves()
        if isinstance(request, NewList):
            return (await self._door.place_list(request)).orders
        if isinstance(request, NewStop):
            return (await self._door.place_stop(request),)
        return (await self._door.place(request),)

    async def _cancel(self, sent: Sent) -> Sequence[Update]:
        symbol = sent.order.symbol
        if sent.list_id:
            return (await self._door.cancel_list(symbol, sent.list_id)).orders
        if sent.order.conditional:
            await self._door.cancel_stop(sent.client_id)
            return (await self._door.stop(sent.client_id),)
        return (await self._door.cancel(symbol, sent.client_id),)

    async def _look(self, sent: Sent) -> Sequence[Update]:
        order = sent.order
        if not order.conditional:
            return (await self._door.order(order.symbol, sent.client_id),)
        told = await self._door.stop(sent.client_id)
        if not told.actual_id:
            return (told,)
        became = await self._door.order(order.symbol, exchange_id=told.actual_id)
        return told, msgspec.structs.replace(became, client_id=sent.client_id)

    async def _executions(self, sent: Sent) -> Sequence[Update]:
        order = sent.order
        told = await self._door.trades(order.symbol, exchange_id=order.actual_id or order.exchange_id)
        return (executed(sent, told),) if told else ()


def executed(sent: Sent, trades: Sequence[AccountTrade]) -> OrderUpdate:
    """Return the account's `trades` of an order as an update of it; they say nothing else of its state."""
    executions = tuple(
        Execution(each.trade_id, each.quantity, each.price, each.time, each.fee, each.fee_asset, each.maker)
        for each in trades
    )
    cumulative = sum((each.quantity for each in executions), ZERO)
    newest = max(each.time for each in executions)
    order = sent.order
    status, kind = OrderStatus.PARTLY_FILLED, ""
    return OrderUpdate(
        order.symbol,
        sent.client_id,
        trades[0].exchange_id,
        order.side,
        kind,
        status,
        order.quantity,
        cumulative,
        newest,
        executions=executions,
    )
