"""On what an audit stands: settings, stored candles, the streams of a run and its span."""

from __future__ import annotations

import msgspec

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.backtest import chosen_span, stored_span
from trader.engine.prepare import Span
from trader.engine.streams import StreamPlan, plan_streams
from trader.market.history import finest_stored, stream_table
from trader.market.store import Store
from trader.market.table import CandleTable

Stream = tuple[str, Timeframe]


class Ground(msgspec.Struct, frozen=True, eq=False):
    """What a backtest of these settings over this span would stand on."""

    settings: Settings
    store: Store
    plan: StreamPlan
    span: Span

    def table(self, stream: Stream, end_ms: int, before: int) -> CandleTable:
        """Return a stream's candles that have closed by `end_ms`, from `before` candles ahead of the span on.

        The table is the backtest's own: built from the coin's base as far as that reaches back.
        """
        symbol, timeframe = stream
        start = self.span.start - before * timeframe.ms
        market, base = self.settings.MARKET, self.plan.exits[symbol]
        return stream_table(self.store, market, symbol, base, timeframe, start, end_ms)

    @property
    def grid_ms(self) -> int:
        """The longest interval of the coins' bases: at its multiples every coin's candle has closed."""
        return max(base.ms for base in self.plan.exits.values())


def ground_of(settings: Settings, store: Store, start_ms: int | None, end_ms: int | None) -> Ground:
    """Return what an audit stands on; None is as far as anything is stored.

    Raise `ConfigError` where there is nothing to run on, or no time between.
    """
    plan = plan_streams(settings, {symbol: finest_stored(store, settings.MARKET, symbol) for symbol in settings.COINS})
    span = chosen_span(stored_span(store, settings.MARKET, plan), start_ms, end_ms)
    ground = Ground(settings, store, plan, span)
    if span.end - span.start < 2 * ground.grid_ms:
        raise ConfigError("an audit needs a span of at least two candles of every coin")
    return ground


def words(stream: Stream) -> str:
    """Say a stream.

    >>> words(("BTCUSDT", Timeframe.MIN_5))
    'BTCUSDT 5min'
    """
    return f"{stream[0]} {stream[1]}"
