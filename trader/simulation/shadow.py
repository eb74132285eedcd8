"""Shadow trades: what a signal would have become alone, whatever the pool, the limits and the guards say of it.

A shadow trade enters and leaves as a real one does (trading-rules, sections 5, 6 and 9): at the next open with
slippage, levels from the fill, the same targets and stops, liquidation and reversal. It has no capital: its quantity is
1 and can be parted at will, so filters on quantities never bind, and the terms are those of the first leverage bracket.
Funding is left out, and nothing but its own exits ends it: no drawdown, no kill switch, no person.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
import numpy as np

from trader.core.brackets import maintenance_rate
from trader.core.errors import InvariantError
from trader.core.instrument import Grid, Instrument
from trader.core.settings import Settings
from trader.core.signal import Direction, Reading
from trader.core.timeframe import MINUTE_MS
from trader.market.table import CandleTable, Times, unwritable
from trader.simulation.costs import Costs
from trader.simulation.scan import (
    END_OF_DATA,
    FILL_COLUMNS,
    LIQUIDATION,
    PARTIAL_TP,
    REASONS,
    TAKE_PROFIT,
    Exits,
    Matrix,
    scan,
)
from trader.trading.book import Book
from trader.trading.leverage import leverage_of
from trader.trading.margin import bankruptcy_price, liquidation_price
from trader.trading.targets import Distances, direction_of, distances_of, levels_at, plan_targets

#: Shares of a shadow trade are cut to this: fine enough to bind nothing, coarse enough to swallow float noise.
SHARE_STEP = Grid("1e-12")
Turns = Mapping[Direction, Times]
#: No reversal.
NO_TURNS: Turns = MappingProxyType({})
#: A close that is never ordered, ms.
NEVER = int(np.iinfo(np.int64).max)
_NUMBERS = {reason: float(number) for number, reason in enumerate(REASONS)}


class ShadowFill(msgspec.Struct, frozen=True):
    """One closed part: time in ms as that of a `Part`, price in quote currency, share of the original quantity."""

    time: int
    price: float
    share: float
    reason: str


class Shadow(msgspec.Struct, frozen=True):
    """A shadow trade from its entry fill to flat; times in ms, prices in quote currency.

    `net_return` is its result as a share of the position at the entry, after fees and slippage, without funding.
    """

    direction: Direction
    entry_time: int
    entry_price: float
    fills: tuple[ShadowFill, ...]
    net_return: float

    @property
    def open_at_end(self) -> bool:
        """Tell whether the candles ended before the trade did."""
        return self.fills[-1].reason == REASONS[END_OF_DATA]


class Shadows:
    """Follows signals of one coin along the candles of its exit stream."""

    def __init__(self, settings: Settings, table: CandleTable, instrument: Instrument) -> None:
        self._settings = settings
        self._table = table
        self._columns = (
            unwritable(table.open_time),
            unwritable(table.open),
            unwritable(table.high),
            unwritable(table.low),
            unwritable(table.close),
        )
        self._instrument = Instrument(table.symbol, instrument.tick, SHARE_STEP, 0.0, 0.0)
        self._costs = Costs.of(settings)
        self._brackets = instrument.brackets
        rate = maintenance_rate(instrument.brackets, 0.0)
        kept = settings.MAINTENANCE_MARGIN_RATE if rate is None else rate
        self._maintenance = kept if settings.MARKET == "futures" else math.nan
        self._nothing_open = Book.of(settings.BACKTEST_INITIAL_CAPITAL)
        unit = instrument.tick.unit
        self._tick = (float(unit), *map(float, unit.as_integer_ratio()))

    def follow(self, reading: Reading, decided: int, turns: Turns = NO_TURNS) -> Shadow | None:
        """Return what the signal of `reading`, decided at T, would have become; None when its entry never fills.

        `turns` are the T, ascending, at which its stream turns against a trade of a direction (`REVERSAL`).
        """
        table, interval = self._table, self._table.timeframe.ms
        row = int(table.open_time.searchsorted(decided))
        if row == len(table) or table.open_time[row] > decided + max(MINUTE_MS, interval):
            return None
        entered = int(table.open_time[row])
        exits, targets = self._levels(reading, float(table.open[row]))
        direction = Direction(int(exits.direction))
        close_at = _first_from(turns.get(direction), entered + interval)
        parts = self._live(row, close_at, exits, targets)
        return Shadow(direction, entered, exits.entry, parts, self._net(exits, parts))

    def _live(self, row: int, close_at: int, exits: Exits, targets: Matrix) -> tuple[ShadowFill, ...]:
        fills = np.empty((len(targets) + 1, len(FILL_COLUMNS)))
        count = scan(*self._columns, self._table.timeframe.ms, row, close_at, exits, targets, fills)
        return tuple(
            ShadowFill(int(time), price, share, REASONS[int(reason)])
            for time, price, share, reason in fills[:count].tolist()
        )

    def _levels(self, reading: Reading, open_: float) -> tuple[Exits, Matrix]:
        """Return the levels of the trade that the signal opens at `open_`, as the core would set them."""
        signal, settings = reading.signal, self._settings
        if signal is None:
            raise InvariantError(f"{reading.symbol} {reading.timeframe} shows no signal to follow")
        direction = direction_of(signal, reading)
        if direction is None:
            raise InvariantError(f"{reading.symbol} {reading.timeframe} shows no side to follow")
        entry = self._costs.taken(open_, direction > 0)
        distances = distances_of(settings, signal.pattern, reading.atr14)
        leverage = leverage_of(settings, self._nothing_open, reading.symbol, signal.probability, self._brackets)
        planned = plan_targets(settings, entry, 1.0, direction, distances, self._instrument)
        targets = np.array([(target.price, target.quantity, _NUMBERS[target.reason]) for target in planned])
        return self._exits(direction, entry, distances, leverage, reading.atr14), targets

    def _exits(self, direction: Direction, entry: float, distances: Distances, leverage: float, atr14: float) -> Exits:
        """Turn the rules of `trading.exits` into numbers for one trade; inf is what never happens."""
        settings = self._settings
        breakeven, trailing, ladder = settings.BREAKEVEN_STOP, settings.TRAILING_STOP, settings.TARGET_LADDER
        covered = 2 * settings.taker_fee + settings.SLIPPAGE_PCT if breakeven.cover_costs else 0.0
        raised = entry * (1 + direction * (breakeven.buffer_pct + covered))
        return Exits(
            direction=float(direction),
            entry=entry,
            stop=levels_at(entry, direction, distances, self._instrument).stop,
            taken=self._costs.taken(1.0, direction < 0),
            liquidation=liquidation_price(entry, direction, leverage, self._maintenance),
            bankruptcy=bankruptcy_price(entry, direction, leverage),
            breakeven_from=_reached(entry, direction, breakeven.activation_pct, breakeven.enable),
            breakeven_stop=self._instrument.level_towards(raised, entry),
            trail_from=_reached(entry, direction, trailing.activation_pct, trailing.enable),
            trail_share=1 - direction * trailing.trail_pct,
            laddered=float(ladder.enable),
            ladder_gap=direction * ladder.trail_atr * atr14,
            tick=self._tick[0],
            tick_over=self._tick[1],
            tick_under=self._tick[2],
        )

    def _net(self, exits: Exits, parts: Iterable[ShadowFill]) -> float:
        net = -exits.entry * self._costs.taker_fee
        for part in parts:
            gross = (part.price - exits.entry) * part.share * exits.direction
            net += gross - part.share * part.price * self._fee(part.reason)
        return net / exits.entry

    def _fee(self, reason: str) -> float:
        if reason == REASONS[LIQUIDATION]:
            return 0.0
        return self._costs.maker_fee if reason in (REASONS[PARTIAL_TP], REASONS[TAKE_PROFIT]) else self._costs.taker_fee


def _reached(entry: float, direction: Direction, distance: float, enabled: bool) -> float:
    """Return what `direction * peak` must reach; inf where the rule is off."""
    return direction * entry * (1 + direction * distance) if enabled else math.inf


def _first_from(times: Times | None, time: int) -> int:
    if times is None:
        return NEVER
    place = int(times.searchsorted(time))
    return int(times[place]) if place < len(times) else NEVER
