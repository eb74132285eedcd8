"""Goes on from any books of the day as a backtest would: on final candles, with simulated fills."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from trader.core.brackets import maintenance_rate
from trader.core.events import Event, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped, OrderRequest, Role
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.reports.divergence.books import DayBooks
from trader.reports.divergence.final import FinalDay
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.simulation.position import Position, RestingStop
from trader.trading.logic import TradingLogic
from trader.trading.margin import liquidation_price

#: The answer of a broker: what became of an order.
Answer = Fill | OrderDropped


class Rules(msgspec.Struct, frozen=True, eq=False):
    """Under what a day was traded: the run's settings, each coin's exit stream, its filters.

    `commands` are those of people, by the T of the instant in which they counted.
    """

    settings: Settings
    exits: Mapping[str, Timeframe]
    grids: Mapping[str, Instrument]
    commands: Mapping[int, Sequence[OperatorCommand]] = {}


class Play:
    """A core on books of its own. `step` takes the day's next instant as a backtest does; `tell` takes any event."""

    def __init__(self, rules: Rules, final: FinalDay, books: DayBooks) -> None:
        self.books = books
        self._rules = rules
        self._final = final
        grids, exits = rules.grids, rules.exits
        self._logic = TradingLogic(rules.settings, exits, grids, _Seen(final.readings), books, books.book)
        state = broker_state(books, rules)
        self._broker = SimulatedBroker(rules.settings, exits, grids, self._logic, state)

    def step(self, instant: Instant) -> list[Answer]:
        """Take one instant: people's commands, what its candles do to the orders, its decisions; return the fills."""
        for command in self._rules.commands.get(instant.time, ()):
            self.tell(command)
        answers = []
        for answer in self._broker.match(instant):
            answers.append(answer)
            self.tell(answer)
        self.tell(instant)
        return answers

    def follow(self, events: Iterable[Event], instant: Instant) -> None:
        """Take the `events` that came in life, then the instant's decisions."""
        for event in events:
            self.tell(event)
        self.tell(instant)

    def to_end(self, after_ms: int) -> DayBooks:
        """Take all instants of the day behind T; return the books."""
        for time, instant in self._final.instants.items():
            if time > after_ms:
                self.step(instant)
        return self.books

    def tell(self, event: Event) -> None:
        """Let the core handle an event, and the simulated exchange what it wants."""
        for command in self._logic.handle(event):
            self._broker.send(command)


class _Seen:
    """Opinions on final candles."""

    def __init__(self, readings: Mapping[int, tuple[Reading, ...]]) -> None:
        self._readings = readings

    def read(self, instant: Instant) -> Sequence[Reading]:
        return self._readings.get(instant.time, ())


def broker_state(books: DayBooks, rules: Rules) -> BrokerState:
    """Return what a simulated exchange would remember of the books: positions with their orders, orders that wait."""
    book = books.book
    closing = [_close_order(trade) for trade in book.trades.values() if trade.closing]
    waiting = [*closing, *(pending.request for pending in book.pending.values())]
    return BrokerState(waiting, {trade.position_id: _position(trade, rules) for trade in book.trades.values()})


def _close_order(trade: Trade) -> OrderRequest:
    return _order(trade, -trade.position_id, Role.CLOSE, trade.quantity_left, math.nan, trade.closing)


def _position(trade: Trade, rules: Rules) -> Position:
    position = Position(
        trade.position_id,
        trade.symbol,
        trade.direction,
        trade.quantity_left,
        trade.entry_price,
        trade.leverage,
        _liquidation(trade, rules),
    )
    if not trade.hedge:
        position.stop = RestingStop(trade.stop_order_id, trade.stop, trade.stop_reason)
        position.targets = [
            _order(trade, target.order_id, Role.TARGET, target.quantity, target.price, target.reason)
            for target in trade.targets
        ]
        position.targets.sort(key=lambda target: trade.direction * target.price)
    position.arm()
    return position


def _liquidation(trade: Trade, rules: Rules) -> float:
    """Return the liquidation price of a trade by its bracket, as at its fill; NaN on spot."""
    if rules.settings.MARKET != "futures":
        return math.nan
    rate = maintenance_rate(rules.grids[trade.symbol].brackets, trade.quantity * trade.entry_price)
    kept = rules.settings.MAINTENANCE_MARGIN_RATE if rate is None else rate
    return liquidation_price(trade.entry_price, trade.direction, trade.leverage, kept)


def _order(trade: Trade, order_id: int, role: Role, quantity: float, price: float, reason: str) -> OrderRequest:
    return OrderRequest(
        order_id,
        trade.position_id,
        trade.symbol,
        role,
        trade.direction,
        quantity,
        price,
        trade.leverage,
        reason,
        trade.signal_time,
    )
