"""What the journal keeps beside events and commands, as typed values; money and quantities at the exchange as decimals.

Orders and fills here are the exchange's: `trader.core.order` has the core's. States of orders are strings of whoever
manages them; `final` says that nothing will change any more. Times are ms UTC; `wall` is this machine's clock.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from trader.core.brackets import Brackets
from trader.core.commands import Command
from trader.core.events import Event
from trader.core.order import OrderRequest
from trader.core.signal import Reading
from trader.core.trade import Trade
from trader.trading.notes import GuardChanged


class Run(msgspec.Struct, frozen=True):
    """One start of a daemon. `pool` is the run in which its pool of capital began: trades are numbered within it.

    `id` and `pool` are given by the journal. `settings` are without secrets, `anchor` is the market's time from which
    indicators go on, `streams` are those that decide ("BTCUSDT,1min"), `ended` 0 while it runs or when it was killed.
    `filters` and `brackets` are those of each symbol, as the core had them: with them its entries can be replayed.
    """

    venue: str
    mode: str
    market: str
    version: str
    started: int
    anchor: int
    streams: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    id: int = 0
    pool: int = 0
    ended: int = 0
    filters: dict[str, dict[str, str]] = {}
    brackets: dict[str, Brackets] = {}


class Entry(msgspec.Struct, frozen=True):
    """An event as it was taken, with the commands it led to; `time` is the market's, `seq` its place in the journal.

    `readings` are what the strategy said of an instant.
    """

    seq: int
    run: int
    time: int
    wall: int
    event: Event
    commands: tuple[Command, ...]
    readings: tuple[Reading, ...] = ()


class Readings(msgspec.Struct, frozen=True):
    """What the strategy said of the instant with which this is kept."""

    time: int
    readings: tuple[Reading, ...]


class OrderRecord(msgspec.Struct, frozen=True):
    """An order at the exchange, whole, as it is from `updated` on; the last one of a client id counts.

    `position_id` and `order_id` are the core's. `wire` is what was sent, without signature. `filled` is in base
    currency. `note` has the exchange's words, e.g. of a rejection. `state_data` is the manager's own value of it,
    encoded by it, to go on from after a restart.
    """

    client_id: str
    symbol: str
    position_id: int
    order_id: int
    role: str
    attempt: int
    state: str
    updated: int
    final: bool = False
    exchange_id: str = ""
    request: OrderRequest | None = None
    wire: dict[str, str] = {}
    filled: Decimal = Decimal(0)
    note: str = ""
    state_data: bytes = b""


class Transition(msgspec.Struct, frozen=True):
    """One change of an order, as it was after it."""

    seq: int
    run: int
    wall: int
    order: OrderRecord


class FillRecord(msgspec.Struct, frozen=True):
    """One execution of an order at the exchange; `trade_id` is unique per symbol; one that comes twice is kept once.

    One that several positions share (somebody closed a coin by hand) is kept for each, by the id of its own order.
    """

    symbol: str
    trade_id: int
    client_id: str
    position_id: int
    role: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time: int
    maker: bool = False
    exchange_id: str = ""


class EquityPoint(msgspec.Struct, frozen=True):
    """The pool after an instant, in quote currency."""

    time: int
    equity: float
    free: float
    reserved: float


class RefusalDetail(msgspec.Struct, frozen=True):
    """One refusal with the values it looked at; `stream` counts within the run's streams."""

    stream: int
    stage: str
    rule: str
    values: dict[str, Any] = {}


class DecisionRecord(msgspec.Struct, frozen=True):
    """What one instant did not do: the streams refused by each rule, as numbers within the run's streams.

    `guards` went on or off in it. `details` are kept only where they were asked for.
    """

    time: int
    refused: dict[str, list[int]]
    guards: tuple[GuardChanged, ...] = ()
    details: tuple[RefusalDetail, ...] = ()


class DustRecord(msgspec.Struct, frozen=True):
    """A change of what is owned beside the trades: too little to sell, or taken as a fee. Signed, in `asset`."""

    time: int
    asset: str
    quantity: Decimal
    symbol: str
    position_id: int
    reason: str
    client_id: str = ""


class OperatorRecord(msgspec.Struct, frozen=True):
    """What a person asked for, from where (`cli`, `web`, `file`), and what became of it."""

    time: int
    action: str
    source: str
    name: str = ""
    value: str = ""
    outcome: str = ""


class Checkpoint(msgspec.Struct, frozen=True):
    """The state of the core and its surroundings after all entries before `seq`; `version` is that of its format."""

    time: int
    version: int
    state: bytes
    seq: int = 0
    run: int = 0


class Gap(msgspec.Struct, frozen=True):
    """Entries `first` to `last` are not there: memory was full while nothing could be written, or they were refused."""

    first: int
    last: int
    since: int
    until: int
    reason: str


Record = (
    OrderRecord
    | FillRecord
    | Trade
    | EquityPoint
    | DecisionRecord
    | Readings
    | DustRecord
    | OperatorRecord
    | Checkpoint
    | Gap
)
