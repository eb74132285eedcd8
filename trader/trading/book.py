"""The books: one pool of capital, the open trades, the pending entries. The whole state of the core."""

from __future__ import annotations

import msgspec

from trader.core.errors import InvariantError
from trader.core.events import OperatorCommand
from trader.core.order import OrderRequest
from trader.core.signal import Direction, Reading
from trader.core.trade import Factors, Trade
from trader.trading.hourly import Hourly

#: How far the books may drift from the sum of all bookings before they contradict themselves,
#: as a share of the amounts: far above float noise, far below a cent.
MONEY_TOLERANCE = 1e-9


class Pool(msgspec.Struct):
    """The capital that all streams share, in quote currency.

    `free` may be spent. `booked` is the initial capital plus every result, less every fee and funding: what
    `free + reserved` must be. `equity` is as of the last accounts.
    """

    initial: float
    free: float
    booked: float
    equity: float

    @classmethod
    def of(cls, capital: float) -> Pool:
        """Return an untouched pool of `capital`."""
        return cls(capital, capital, capital, capital)

    def gain(self, amount: float) -> None:
        """Book a result into free capital; a loss, a fee or a funding payment is negative."""
        self.free += amount
        self.booked += amount


class Pending(msgspec.Struct, frozen=True):
    """An entry that waits for its fill, with the estimates under which it was approved.

    `reserve` in quote currency; `price` and `stop` are the estimated entry and stop. `hedge`: no entry but an order
    that opens a hedge. `linked_to` is the id of the trade that an add-on adds to.
    """

    request: OrderRequest
    reading: Reading
    price: float
    stop: float
    reserve: float
    hedge: bool = False
    linked_to: int | None = None
    factors: Factors | None = None


class Withdrawn(msgspec.Struct, frozen=True):
    """An entry that was dropped for `rule`; its reserve has been given back."""

    pending: Pending
    rule: str


class Guards(msgspec.Struct):
    """What forbids or shrinks entries. Times in ms UTC; `day` counts UTC days; "" is no drawdown pause.

    `killed_by` are those who have thrown the kill switch; it is off when the last of them has lifted it.
    """

    peak: float
    day_first_equity: float
    day: int = -1
    day_lost: bool = False
    streak: int = 0
    cooldown_until: int = 0
    drawdown_factor: float = 1.0
    drawdown_pause: str = ""
    paused_at: int = 0
    paused_by_person: bool = False
    killed: bool = False
    killed_by: list[str] = []

    @property
    def paused(self) -> bool:
        """Tell whether a person or the drawdown has paused entries."""
        return self.paused_by_person or bool(self.drawdown_pause)


class Book(msgspec.Struct):
    """All that the core remembers: saved and loaded as one value.

    `trades` are open, by position id, oldest first. `last_close` is the newest close of each exit stream and
    `last_close_time` its T. `funnel` counts per stream and rule; `dropped` the pending entries that never filled.
    `adds` counts the add-ons of each open first trade; `stopped` is T of the last stop by stream and direction, None
    until its instant ends; `returns` are the last results on reserved capital. Hedges are in none of these three.
    `commands` wait for the next instant; `changed` are the settings that a person changed, as JSON.
    `hours` are the last 30 days by the hour, of each coin, where a rule needs them. `undefined_correlations` counts, by
    pair ("AAA/BBB"), the decisions for which a correlation was asked and could not be told. `withdrawn` are dropped
    entries that may have been sent already: should one fill all the same, it is closed at once. `funded` is what the
    exchange took lately, by symbol, funding time and side (0: told of the whole coin). `model` is the one that is
    asked, NAME@VERSION, empty where none is.
    """

    pool: Pool
    guards: Guards
    trades: dict[int, Trade] = {}
    pending: dict[int, Pending] = {}
    last_close: dict[str, float] = {}
    last_close_time: dict[str, int] = {}
    funnel: dict[str, dict[str, dict[str, int]]] = {}
    dropped: dict[str, dict[str, dict[str, int]]] = {}
    commands: list[OperatorCommand] = []
    changed: dict[str, str] = {}
    time: int = 0
    orders: int = 0
    trade_count: int = 0
    part_count: int = 0
    won: int = 0
    lost: int = 0
    adds: dict[int, int] = {}
    stopped: dict[str, int | None] = {}
    returns: list[float] = []
    hours: dict[str, Hourly] = {}
    undefined_correlations: dict[str, int] = {}
    withdrawn: dict[int, Withdrawn] = {}
    funded: dict[str, dict[int, dict[int, float]]] = {}
    model: str = ""

    @classmethod
    def of(cls, capital: float) -> Book:
        """Return the books of a new pool."""
        return cls(Pool.of(capital), Guards(peak=capital, day_first_equity=capital))

    @property
    def reserved(self) -> float:
        """Capital behind open trades and pending entries."""
        reserved = 0.0
        for trade in self.trades.values():
            reserved += trade.reserved
        for pending in self.pending.values():
            reserved += pending.reserve
        return reserved

    @property
    def unrealised(self) -> float:
        """Profit of the open trades at the last closes, before the costs of closing."""
        unrealised = 0.0
        for trade in self.trades.values():
            price = self.last_close.get(trade.symbol, trade.entry_price)
            unrealised += (price - trade.entry_price) * trade.quantity_left * trade.direction
        return unrealised

    def worth(self) -> float:
        """Return the equity at the last closes: free + reserved + unrealised."""
        return self.pool.free + self.reserved + self.unrealised

    def reserved_where(self, symbol: str | None = None, direction: Direction | None = None) -> float:
        """Return the capital reserved in `symbol` and `direction`; None is any."""
        held = waiting = 0.0
        for trade in self.trades.values():
            if (symbol is None or trade.symbol == symbol) and (direction is None or trade.direction is direction):
                held += trade.reserved
        for pending in self.pending.values():
            own = pending.request
            if (symbol is None or own.symbol == symbol) and (direction is None or own.direction is direction):
                waiting += pending.reserve
        return held + waiting

    def notional_of(self, symbol: str, direction: Direction) -> float:
        """Return what a coin's positions on one side were worth when opened, pending entries and hedges included."""
        side = (symbol, direction)
        trades = (t.quantity_left * t.entry_price for t in self.trades.values() if (t.symbol, t.direction) == side)
        pending = (
            p.request.quantity * p.price
            for p in self.pending.values()
            if (p.request.symbol, p.request.direction) == side
        )
        return sum(trades) + sum(pending)

    def next_order_id(self) -> int:
        """Count one order and return its id."""
        self.orders += 1
        return self.orders

    @property
    def entries_pending(self) -> list[Pending]:
        """Pending entries without the hedges that wait."""
        return [pending for pending in self.pending.values() if not pending.hedge]

    def count(self, reading: Reading, rule: str) -> None:
        """Count one decision of the reading's stream under `rule`."""
        _count(self.funnel, reading, rule)

    def count_dropped(self, reading: Reading, rule: str) -> None:
        """Count one pending entry of the reading's stream that never filled."""
        _count(self.dropped, reading, rule)

    def check(self) -> float:
        """Return what `worth` does; raise `InvariantError` when the books contradict themselves.

        All in one pass, for it is made at every instant with an open trade.
        """
        pool, reserved, unrealised = self.pool, 0.0, 0.0
        for trade in self.trades.values():
            if trade.quantity_left <= 0 or trade.reserved < 0:
                raise InvariantError(f"trade {trade.id} is open with {trade.quantity_left!r} left")
            price = self.last_close.get(trade.symbol, trade.entry_price)
            unrealised += (price - trade.entry_price) * trade.quantity_left * trade.direction
            reserved += trade.reserved
        for pending in self.pending.values():
            reserved += pending.reserve
        drift = abs(pool.free + reserved - pool.booked)
        if not drift <= MONEY_TOLERANCE * (1.0 + abs(pool.booked) + reserved):
            raise InvariantError(
                f"the pool contradicts its bookings at {self.time}: free {pool.free!r} + reserved {reserved!r} "
                f"!= booked {pool.booked!r}"
            )
        return pool.free + reserved + unrealised


def _count(counts: dict[str, dict[str, dict[str, int]]], reading: Reading, rule: str) -> None:
    rules = counts.setdefault(reading.symbol, {}).setdefault(reading.timeframe, {})
    rules[rule] = rules.get(rule, 0) + 1
