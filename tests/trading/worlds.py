"""A small world for stories about trades: coins, a script of signals, the real core and the real simulated broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.builders import M1, START_MS, candle, settings
from trader.core.candle import Candle
from trader.core.events import Action, FundingRate, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.signal import Pattern, Reading, Refusal, Signal
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.engine.engine import Engine
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.trading.book import Book, Pending
from trader.trading.logic import TradingLogic
from trader.trading.notes import GuardChanged, Note, PartClosed, Refused, TradeOpened

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
    made: int = 0,
    expected: float | None = None,
    **rest: Any,
) -> Reading:
    """Return a reading that passes every check unless told otherwise: EMA50 is `trend` times the close."""
    signal = Signal(pattern, probability, strength, made, expected=expected)
    return Reading(symbol, timeframe, close, close * trend, atr14, signal, **rest)


class World:
    """Coins on candles of one length, a minute unless told; `tick` closes one instant with prices and readings."""

    def __init__(
        self,
        coins: Sequence[str] = ("BTCUSDT",),
        timeframe: Timeframe = M1,
        filters: dict[str, str] = FILTERS,
        **overrides: Any,
    ) -> None:
        self.settings = settings(COINS=list(coins), **{"MIN_ATR_PCT": 0.0, **overrides})
        self.timeframe = timeframe
        self.exits = dict.fromkeys(coins, timeframe)
        self.instruments = {symbol: Instrument.from_filters(symbol, filters) for symbol in coins}
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
        return candle(close, open=open, high=high, low=low, at=self.at, symbol=symbol, timeframe=self.timeframe)

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
        self.engine.step(Instant(self.time, (*own, *others), tuple(funding), late))

    @property
    def time(self) -> int:
        """T of the last instant, ms."""
        return START_MS + self.at * self.timeframe.ms

    @property
    def trade(self) -> Trade:
        """The only open trade."""
        (trade,) = self.book.trades.values()
        return trade

    @property
    def pending(self) -> Pending:
        """The only pending entry or hedge."""
        (pending,) = self.book.pending.values()
        return pending

    def command(self, action: Action, name: str = "", value: str = "") -> None:
        self.engine.process(OperatorCommand(action, name, value))

    def save_and_load(self) -> None:
        """Go on in new objects from what was saved, as after a restart."""
        book = msgspec.msgpack.encode(self.book)
        state = msgspec.msgpack.encode(self.broker.state)
        self._wire(msgspec.msgpack.decode(book, type=Book), msgspec.msgpack.decode(state, type=BrokerState))

    def rules(self, symbol: str = "BTCUSDT") -> dict[str, int]:
        """Return the counts of a coin's stream by rule."""
        return self.book.funnel.get(symbol, {}).get(self.timeframe, {})

    def refusal(self) -> Refusal:
        """Return the last refusal."""
        return [note.refusal for note in self.notes if isinstance(note, Refused)][-1]

    def guards(self) -> list[tuple[str, bool]]:
        """Return what went on and off so far, as (guard, on)."""
        return [(note.guard, note.on) for note in self.notes if isinstance(note, GuardChanged)]

    def reasons(self) -> list[str]:
        """Return the reasons of every fill so far."""
        return [reason for reason, _, _ in self.fills()]

    def fills(self) -> list[tuple[str, float, float]]:
        """Return (reason, quantity, price) of every fill so far."""
        return [
            (note.fill.reason, note.fill.quantity, note.fill.price)
            for note in self.notes
            if isinstance(note, TradeOpened | PartClosed)
        ]
