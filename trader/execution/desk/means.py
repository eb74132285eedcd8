"""What attendants of one symbol work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from trader.core.account import Execution
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest
from trader.execution.breaker import Breaker
from trader.execution.desk.booking import Prices
from trader.execution.desk.courier import Courier
from trader.execution.desk.holding import Holding, Sent
from trader.execution.desk.ports import Deliver, Intentions
from trader.execution.desk.steps import Planner
from trader.execution.dust import DustLedger
from trader.execution.order_room import OrderRoom


class Means(msgspec.Struct, frozen=True):
    """What attendants of one symbol work with.

    `mark` gives the last price of the symbol (NaN: unknown), `now` the market's time (ms), `clock` seconds that never
    go back. `forbidden` says why no entry may leave ("" when it may), `prepared` sees to the terms of one (leverage)
    and says why not, `indexed` is told each id of an order, `alarm` and `halt` take words, `changed` is called when an
    attendant has become quiet or busy, or has ended, `doubted` when the account may hold less than it should. `dust` is
    the account's ledger of dust, `room` its limits of orders.
    """

    planner: Planner
    courier: Courier
    breaker: Breaker
    instrument: Instrument
    prices: Prices
    journal: Intentions
    deliver: Deliver
    mark: Callable[[str], float]
    now: Callable[[], int]
    clock: Callable[[], float]
    forbidden: Callable[[Holding], str]
    indexed: Callable[[int, Sent], None]
    alarm: Callable[[str], None]
    halt: Callable[[str], None]
    changed: Callable[[], None]
    prepared: Callable[[OrderRequest], Awaitable[str]]
    doubted: Callable[[], None]
    beyond: Callable[[Holding, Sent, list[Execution]], None]
    dust: DustLedger
    room: OrderRoom
