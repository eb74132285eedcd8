"""The engine as a daemon runs it: books that contradict themselves end entries, never exits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from trader.core.commands import AmendStop, SubmitOrder
from trader.core.errors import InvariantError
from trader.core.events import Event, Instant
from trader.core.order import OrderRequest, Role
from trader.core.trade import Trade
from trader.engine.engine import Engine
from trader.engine.live.late import as_it_stood
from trader.simulation.position import Position

log = logging.getLogger(__name__)

#: So many different contradictions are logged; more would only repeat that something is wrong.
MOST_WORDS = 20


class CarefulEngine:
    """Steps `engine` through instants. `distrusted` once the books have contradicted themselves.

    `contradicted` is called then: the event is in no journal.

    From then on entries are paused, also after a restart; stops, targets and closings go on, and a person is told.
    """

    def __init__(self, engine: Engine, contradicted: Callable[[], object] = lambda: None) -> None:
        self.engine = engine
        self._contradicted = contradicted
        self._said: set[str] = set()

    @property
    def distrusted(self) -> bool:
        """Whether the books have contradicted themselves in this run."""
        return bool(self._said)

    def step(self, instant: Instant) -> None:
        """Take one instant as `Engine.step` does; a late one leaves alone what is newer."""
        if instant.late:
            with as_it_stood(instant, self.engine.logic.book, self.engine.broker.state) as moved:
                self._step(instant)
            for trade in moved:
                self.engine.broker.send(
                    AmendStop(trade.position_id, trade.stop_order_id, trade.stop, trade.stop_reason)
                )
        else:
            self._step(instant)

    def process(self, event: Event) -> None:
        """Let the core handle one event."""
        try:
            self.engine.process(event)
        except InvariantError as error:
            self._distrust(str(error))

    def _step(self, instant: Instant) -> None:
        for event in self.engine.broker.match(instant):
            self.process(event)
        self.process(instant)

    def _distrust(self, words: str) -> None:
        """Pause entries, place again what the interrupted event should have led to, and go on."""
        book = self.engine.logic.book
        book.guards.paused_by_person = True
        book.pool.booked = book.pool.free + book.reserved
        for request in self._unprotected():
            self.engine.broker.send(SubmitOrder(request))
        self._contradicted()
        if words not in self._said and len(self._said) < MOST_WORDS:
            self._said.add(words)
            log.error(
                "the books contradict themselves, a fault of this program: %s. Entries are paused until a person has "
                "looked; stops and targets stay",
                words,
            )

    def _unprotected(self) -> Iterator[OrderRequest]:
        """Yield the stops and targets that the books know and the broker does not."""
        for trade in self.engine.logic.book.trades.values():
            position = self.engine.broker.state.positions.get(trade.position_id)
            if position is not None:
                yield from _lacking(trade, position)


def _lacking(trade: Trade, position: Position) -> Iterator[OrderRequest]:
    if not trade.hedge and (position.stop is None or position.stop.price != trade.stop):
        yield _request(trade, trade.stop_order_id, Role.STOP, trade.quantity_left, trade.stop, trade.stop_reason)
    resting = {target.order_id for target in position.targets}
    for target in trade.targets:
        if target.order_id not in resting:
            yield _request(trade, target.order_id, Role.TARGET, target.quantity, target.price, target.reason)


def _request(trade: Trade, order_id: int, role: Role, quantity: float, price: float, reason: str) -> OrderRequest:
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
