"""One trade in the real core at the real simulated broker, with nothing else in the world: what shadows are held to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.builders import settings
from trader.core.events import Instant
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.trade import Factors
from trader.engine.engine import Engine
from trader.market.replay import replay
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.trading.leverage import leverage_of
from trader.trading.limits.base import Proposal
from trader.trading.logic import TradingLogic
from trader.trading.notes import Dropped, Note, PartClosed, TradeOpened
from trader.trading.sizing import Entry, Size
from trader.trading.targets import direction_of

#: Guards of the pool that would end a trade; a shadow trade knows none.
UNGUARDED = {"DRAWDOWN_PROTECTION": {"enable": False}, "DAILY_LOSS_LIMIT": 0, "HEDGING": {"enable": False}}
#: Far above anything that a trade can lose, and the quantity of the trade.
CAPITAL, QUANTITY = 1e15, 1e6

Lived = tuple[list[tuple[int, float, str]], list[float], float]


def instrument(tick: str) -> Instrument:
    """Return an instrument whose filters on quantities never bind."""
    filters = {"tickSize": tick, "stepSize": "0.000001", "minQty": "0", "minNotional": "0"}
    return Instrument.from_filters("BTCUSDT", filters)


def unguarded(**overrides: Any) -> Settings:
    """Return settings under which only a trade's own exits end it."""
    return settings(COINS=["BTCUSDT"], BACKTEST_INITIAL_CAPITAL=CAPITAL, **UNGUARDED, **overrides)


class Alone:
    """Lives one trade; `later` are readings of its stream by T."""

    def __init__(self, settings: Settings, table: CandleTable, tick: str, later: dict[int, Reading]) -> None:
        self._table = table
        self._later = later
        self._settings = settings
        self._notes: list[Note] = []
        exits, grids = {table.symbol: table.timeframe}, {table.symbol: instrument(tick)}
        self._logic = TradingLogic(settings, exits, grids, self, self)
        self._logic.book.guards.paused_by_person = True  # what is read later opens nothing
        self._engine = Engine(self._logic, SimulatedBroker(settings, exits, grids, self._logic))

    def note(self, note: Note) -> None:
        self._notes.append(note)

    def read(self, instant: Instant) -> Sequence[Reading]:
        reading = self._later.get(instant.time)
        return [reading] if reading is not None else []

    def live(self, reading: Reading, decided: int) -> Lived | None:
        """Return fills (time, price, reason), their shares, and the net return; None when the entry never filled."""
        self._engine.broker.send(self._logic.open_trade(self._entry(reading, decided)))
        end = int(self._table.open_time[-1]) + self._table.timeframe.ms
        for instant in replay([self._table], 0, end):
            if instant.time > decided:
                self._engine.step(instant)
        self._engine.finish()
        return self._lived()

    def _entry(self, reading: Reading, decided: int) -> Entry:
        assert reading.signal is not None
        direction = direction_of(reading.signal, reading)
        leverage = leverage_of(self._settings, self._logic.book, reading.symbol, reading.signal.probability)
        args = (direction, reading.close, math.nan, leverage, QUANTITY)
        proposal = Proposal(decided, reading, reading.signal, *args)
        return Entry(proposal, Size(QUANTITY, Factors(0.0, 1.0, {}, {}, QUANTITY, QUANTITY, "risk"), "", leverage))

    def _lived(self) -> Lived | None:
        opened = [note for note in self._notes if isinstance(note, TradeOpened)]
        closed = [note for note in self._notes if isinstance(note, PartClosed)]
        if not opened:
            assert not closed
            dropped = [note.rule for note in self._notes if isinstance(note, Dropped)]
            assert dropped in ([], ["expired"])
            return None
        fills = [(note.fill.time, note.fill.price, note.fill.reason) for note in (*opened, *closed)]
        shares = [note.part.quantity / QUANTITY for note in closed]
        trade = opened[0].trade
        assert np.isclose(sum(shares), 1.0)
        return fills, shares, trade.net / (trade.quantity * trade.entry_price)
