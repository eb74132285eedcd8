"""A small world for stories about trades: coins, a script of signals, the real core and the real simulated broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.builders import M1, START_MS, candle, settings
from trader.core.candle import Candle
from trader.core.events import Action, FundingRate, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.signal import Pattern, Reading, Signal
from trader.core.timeframe import Timeframe
from trader.engine.engine import Engine
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.trading.book import Book
from trader.trading.logic import TradingLogic
from trader.trading.notes import Note, PartClosed, TradeOpened

FILTERS = {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}


def wish(
    close: float = 100.0,
    *,
    symbol: str = "BTCUSDT",
    timeframe: Timeframe = M1,
    pattern: Pattern = Pattern.ASCENDING_TRIANGLE,
    probability: float = 0.66,
    strength: float = 0.8,
    trend: float = 0.99,
    atr14: float = 1.0,
    **rest: Any,
) -> Reading:
    """Return a reading that passes every check unless told otherwise: EMA50 is `trend` times the close."""
    signal = Signal(pattern, probability, strength)
    return Reading(symbol, timeframe, close, close * trend, atr14, signal, **rest)


class World:
    """Coins on one-minute candles; `tick` closes one instant with these prices and readings."""

    def __init__(self, coins: Sequence[str] = ("BTCUSDT",), **overrides: Any) -> None:
        self.settings = settings(COINS=list(coins), **{"MIN_ATR_PCT": 0.0, **overrides})
        self.exits = dict.fromkeys(coins, M1)
        self.instruments = {symbol: Instrument.from_filters(symbol, FILTERS) for symbol in coins}
        self.notes: list[Note] = []
        self.readings: Sequence[Reading] = ()
        self.at = 0
        self._wire(None, None)

    def _wire(self, book: Book | None, state: BrokerState | None) -> None:
        self.logic = TradingLogic(self.settings, self.exits, self.instruments, self, self, book)
        self.broker = SimulatedBroker(self.settings, self.exits, self.instruments, self.logic, state)
        self.engine = Engine(self.logic, self.broker)

    @property
    def book(self) -> Book:
        return self.logic.book

    def note(self, note: Note) -> None:
        self.notes.append(note)

    def read(self, instant: Instant) -> Sequence[Reading]:
        return self.readings

    def candle(self, *prices: float, symbol: str = "BTCUSDT") -> Candle:
        """Return the candle of this instant: one price is flat, four are open, high, low, close."""
        open, high, low, close = prices if len(prices) == 4 else prices * 4
        return candle(close, open=open, high=high, low=low, at=self.at, symbol=symbol)

    def tick(
        self,
        *prices: float,
        readings: Sequence[Reading] = (),
        others: Sequence[Candle] = (),
        funding: Sequence[FundingRate] = (),
        late: bool = False,
    ) -> None:
        """Close an instant: BTCUSDT with `prices` (none: no candle), other coins' candles, what streams show."""
        own = [self.candle(*prices)] if prices else []
        self.readings = readings
        self.at += 1
        self.engine.step(Instant(START_MS + self.at * M1.ms, (*own, *others), tuple(funding), late))

    def command(self, action: Action) -> None:
        self.engine.process(OperatorCommand(action))

    def save_and_load(self) -> None:
        """Go on in new objects from what was saved, as after a restart."""
        book = msgspec.msgpack.encode(self.book)
        state = msgspec.msgpack.encode(self.broker.state)
        self._wire(msgspec.msgpack.decode(book, type=Book), msgspec.msgpack.decode(state, type=BrokerState))

    def rules(self) -> dict[str, int]:
        """Return the counts of BTCUSDT's one-minute stream by rule."""
        return self.book.funnel.get("BTCUSDT", {}).get("1min", {})

    def fills(self) -> list[tuple[str, float, float]]:
        """Return (reason, quantity, price) of every fill so far."""
        return [
            (note.fill.reason, note.fill.quantity, note.fill.price)
            for note in self.notes
            if isinstance(note, TradeOpened | PartClosed)
        ]
