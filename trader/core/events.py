"""What the core is told: candles of one instant, fills, dropped orders, commands of a person, the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from trader.core.candle import Candle
from trader.core.order import Fill, OrderDropped
from trader.core.signal import Direction
from trader.core.timeframe import Timeframe


class FundingRate(msgspec.Struct, frozen=True):
    """A funding payment that fell due: rate as a fraction of the notional, `time` in ms."""

    symbol: str
    time: int
    rate: float


class FundingFee(msgspec.Struct, frozen=True):
    """What an exchange has taken for a coin's positions at a funding time, ms: paid is positive, in quote currency.

    `direction` is the side whose position paid; None: `amount` is what all of the coin paid, as far as it is known.
    """

    symbol: str
    time: int
    amount: float
    direction: Direction | None = None


class Instant(msgspec.Struct, frozen=True, gc=False):
    """All candles that closed at `time` (ms), shorter timeframes first, then the order of `COINS`.

    Where readings come precomputed, only the exit streams' candles are present.
    `late`: the instant was over before these candles came; they move frames and exits, and decide nothing.
    """

    time: int
    candles: tuple[Candle, ...]
    funding: tuple[FundingRate, ...] = ()
    late: bool = False


class Action(StrEnum):
    """What a person can tell the core to do."""

    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    CLOSE_ALL = "close_all"
    KILL = "kill"
    LIFT = "lift"
    SET = "set"
    UNSET = "unset"


class OperatorCommand(msgspec.Struct, frozen=True):
    """A person's command; it is taken among the guards of the next instant.

    `name` is the symbol to close or the setting to change (keys by dots), `value` the setting's new value as JSON.
    Of a kill and its lifting, `name` is who does it where that is not a person: each lifts only what it threw.
    """

    action: Action
    name: str = ""
    value: str = ""


class ModelChange(msgspec.Struct, frozen=True):
    """From the instant `time` (ms) on the strategy asks `model`, NAME@VERSION; empty: it asks none and sees nothing."""

    time: int
    model: str


class EndOfData(msgspec.Struct, frozen=True):
    """No candle will follow: what is open closes at its coin's last close, pending entries are dropped."""


Event = Instant | Fill | OrderDropped | FundingFee | OperatorCommand | ModelChange | EndOfData


def exit_candles(
    candles: Sequence[Candle], exit_streams: Mapping[str, Timeframe], rank: Mapping[str, int]
) -> Sequence[Candle]:
    """Return the candles of the exit streams among those of an instant, in the order of `COINS`."""
    if len(candles) == 1:
        return candles if exit_streams.get(candles[0].symbol) is candles[0].timeframe else ()
    chosen = [candle for candle in candles if exit_streams.get(candle.symbol) is candle.timeframe]
    if len(chosen) > 1:
        chosen.sort(key=lambda candle: rank[candle.symbol])
    return chosen
