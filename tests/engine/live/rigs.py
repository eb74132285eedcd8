"""A daemon on an embedded exchange, both in the test's own loop, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.builders import START_MS, settings
from tests.exchange.embedded.sources import TableSource, coin
from trader.core.settings import Settings
from trader.core.timeframe import MINUTE_MS
from trader.engine.backtest import run_backtest
from trader.engine.live.homes import store_of
from trader.engine.live.snapshot import Snapshot
from trader.engine.live.trader import LiveWebSocketTrader
from trader.engine.live.venue import Venue, open_venue
from trader.engine.result import RunResult
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import Armed, fault_kind, fault_rate
from trader.exchange.embedded.options import MAX_SPEED, ExchangeOptions
from trader.exchange.embedded.source import Source
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.trading.notes import Note, PartClosed, Refused, TradeOpened

#: Where plays begin: five hours have happened.
BEGIN = START_MS + 300 * MINUTE_MS
COINS = ("BTCUSDT", "ETHUSDT")
#: Everything that a pattern suggests is traded, so that an hour or two show something.
EAGER: dict[str, Any] = {
    "MIN_PROBABILITY": 0.0,
    "MIN_STRENGTH": 0.0,
    "MIN_ATR_PCT": 0.0,
    "TREND_ALIGNMENT": False,
    "DAILY_LOSS_LIMIT": 0.0,
    "LOSING_STREAK_PROTECTION": {"enable": False},
    "PRELOAD_CANDLES": 100,
    "TIMEFRAMES": ["1min", "5min"],
    "LOG_FILE": "",
    "NUM_WORKERS": 1,
}
#: Longer than any repair: every gap is repaired before a decision.
PATIENT = {"INSTANT_WAIT_MS": {"spot": 600_000, "futures": 600_000}}

Trades = list[tuple[Any, ...]]
Counts = dict[tuple[str, str], dict[str, int]]


def two_coins(minutes: int = 600, **rest: Any) -> TableSource:
    """Return two coins on spot, one-minute candles from `START_MS` on."""
    return TableSource({"spot": [coin(name, minutes, seed=at, **rest) for at, name in enumerate(COINS, 1)]})


class Listener:
    """An audience that remembers."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def note(self, note: Note) -> None:
        self.notes.append(note)

    def of(self, kind: type[Note]) -> list[Any]:
        """Return the notes of one kind."""
        return [note for note in self.notes if isinstance(note, kind)]


class Rig:
    """A daemon that is ready to run, and what it runs on."""

    def __init__(self, exchange: EmbeddedExchange, venue: Venue, store: Store, trader: LiveWebSocketTrader) -> None:
        self.exchange = exchange
        self.venue = venue
        self.store = store
        self.trader = trader

    async def to_the_end(self, seconds: float = 30.0) -> None:
        """Run until the play is over."""
        async with asyncio.timeout(seconds):
            await self.trader.run()
        assert self.trader.finished

    def arm(self, kind: str, stream: str | None = None, count: int = 1, amount: float | None = None) -> None:
        """Let a fault strike the next messages or requests for certain."""
        value = fault_rate(fault_kind(kind), 1.0, amount).amount
        self.exchange.plan.arm(Armed(fault_kind(kind), value, count, stream))

    def rate(self, kind: str, probability: float, amount: float | None = None) -> None:
        """Let a fault strike so often."""
        self.exchange.plan.set(fault_rate(fault_kind(kind), probability, amount))


async def until(seen: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until `seen` answers something."""
    async with asyncio.timeout(seconds):
        while not seen():  # noqa: ASYNC110 - what is waited for rings no bell
            await asyncio.sleep(0.005)


@asynccontextmanager
async def daemon(
    home: Path,
    source: Source | None = None,
    *,
    begin: int = BEGIN,
    end: int | None = None,
    at: int | None = None,
    speed: float = MAX_SPEED,
    hold: bool = True,
    audience: Listener | None = None,
    snapshot: Snapshot | None = None,
    **overrides: Any,
) -> AsyncIterator[Rig]:
    """Start an exchange that plays `source` from `begin` and a daemon on it, which `initialize` has made ready."""
    options = ExchangeOptions(start=begin, end=end, at=at, speed=speed, hold=hold)
    exchange = EmbeddedExchange(options, source or two_coins())
    await exchange.start()
    try:
        given = wanted(exchange.base_url, home, **overrides)
        async with open_venue(given, home) as venue:
            store = store_of(given, venue.name, venue.embedded)
            trader = LiveWebSocketTrader(given, venue, store, home, audience or Listener(), snapshot)
            await trader.initialize()
            yield Rig(exchange, venue, store, trader)
    finally:
        await exchange.stop()


def wanted(url: str, home: Path, **overrides: Any) -> Settings:
    """Return the settings of a test's daemon."""
    own = {"MODE": "embedded", "COINS": list(COINS), "REST_URL": url, "DATA_DIR": str(home)}
    return settings(**{**EAGER, **PATIENT, **own, **overrides})


def backtest(
    folder: Path,
    tables: Iterable[CandleTable],
    end: int,
    begin: int = BEGIN,
    info: dict[str, Any] | None = None,
    **overrides: Any,
) -> tuple[Trades, Counts]:
    """Return what a backtest over the same candles trades and counts."""
    result = backtest_result(folder, tables, end, begin, info, **overrides)
    parts = sorted(((part.sequence, trade, part) for trade in result.trades for part in trade.parts), key=_sequence)
    trades = [_row(trade, part) for _, trade, part in parts]
    return trades, {(name, str(tf)): rules for (name, tf), rules in result.funnel.items()}


def backtest_result(
    folder: Path,
    tables: Iterable[CandleTable],
    end: int,
    begin: int = BEGIN,
    info: dict[str, Any] | None = None,
    **overrides: Any,
) -> RunResult:
    """Run a backtest over the same candles."""
    store = Store(folder)
    given = wanted("", folder, **overrides)
    for table in tables:
        store.merge(given.MARKET, table)
    if info:
        store.save_exchange_info(given.MARKET, info)
    return run_backtest(given, store, begin, end)


def traded(audience: Listener) -> Trades:
    """Return what the daemon traded."""
    return [_row(note.trade, note.part) for note in audience.of(PartClosed)]


def counted(rig: Rig) -> Counts:
    """Return what the daemon counted."""
    funnel = rig.trader.book.funnel
    return {(name, str(tf)): rules for name, timeframes in funnel.items() for tf, rules in timeframes.items()}


def opened(audience: Listener) -> int:
    """Return how many trades were opened."""
    return len(audience.of(TradeOpened))


def refused(audience: Listener, rule: str) -> list[Refused]:
    """Return the refusals by one rule."""
    return [note for note in audience.of(Refused) if note.refusal.rule == rule]


def tables_of(source: TableSource, market: str = "spot") -> Sequence[CandleTable]:
    """Return the finest tables of a source."""
    return [
        source.candles(market, symbol, source.timeframes(market, symbol)[0], 0, 2**62)
        for symbol in source.symbols(market)
    ]


def _sequence(numbered: tuple[int, Any, Any]) -> int:
    return numbered[0]


def _row(trade: Any, part: Any) -> tuple[Any, ...]:
    return (trade.id, trade.symbol, str(trade.timeframe), part.time, part.price, part.quantity, part.reason, part.net)
