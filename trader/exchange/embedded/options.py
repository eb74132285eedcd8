"""What an embedded exchange is told when it starts."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe
from trader.exchange.embedded.accounts.order_count import Window
from trader.exchange.embedded.accounts.specs import AccountSpec
from trader.exchange.embedded.faults import FaultRate

#: The speed called "max": as fast as the consumers take it.
MAX_SPEED = math.inf
#: Filters of a symbol of which nothing is known: the eight decimals of the wire.
NO_FILTERS = {"tickSize": "0.00000001", "stepSize": "0.00000001", "minQty": "0", "minNotional": "5"}
#: Orders that an account may send: spot counts unfilled ones only (binance.md, section 7).
ORDER_WINDOWS: dict[str, tuple[Window, ...]] = {
    "spot": (Window("SECOND", 10, 100), Window("DAY", 1, 200_000)),
    "futures": (Window("SECOND", 10, 300), Window("MINUTE", 1, 1_200)),
}
T = TypeVar("T", int, float)


class PerMarket(msgspec.Struct, Generic[T], frozen=True):
    """One number for each market."""

    spot: T
    futures: T

    def of(self, market: str) -> T:
        """Return the number of `market`."""
        return self.spot if market == "spot" else self.futures


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What Binance limits (binance.md, 2 and 7), per market where the markets differ; tests shorten it.

    Weights are per `window_s` of wall time. After `ban_after` requests that ignore a 429 the address is banned for
    `ban_s`, doubled with each ban. `notice_s` before the end of a connection's life it is told so, on spot.
    """

    weight: PerMarket[int] = PerMarket(6_000, 2_400)
    funding_requests: int = 500
    funding_window_s: float = 300.0
    window_s: float = 60.0
    ban_after: int = 10
    ban_s: float = 120.0
    messages_per_s: PerMarket[int] = PerMarket(5, 10)
    streams: PerMarket[int] = PerMarket(1_024, 200)
    ping_s: PerMarket[float] = PerMarket(20.0, 180.0)
    pong_s: PerMarket[float] = PerMarket(60.0, 600.0)
    life_s: float = 86_400.0
    notice_s: float = 60.0
    queued_messages: int = 20_000


#: Limits are of wall time: in lockstep a day of the market may pass in a second of it, and a daemon is no nuisance.
ENDLESS = (Window("DAY", 1, 100_000_000),)
ORDERS_IN_LOCKSTEP: dict[str, tuple[Window, ...]] = {"spot": ENDLESS, "futures": ENDLESS}
LIMITS_IN_LOCKSTEP = Limits(weight=PerMarket(100_000_000, 100_000_000), messages_per_s=PerMarket(10_000, 10_000))


class Touch(StrEnum):
    """Which of two resting orders comes first that one candle reaches both: the stop, as the simulation has it, or
    the one that the path of trades inside the candle meets first."""

    STOP_FIRST = "stop-first"
    PATH = "path"


class Trading(msgspec.Struct, frozen=True, kw_only=True):
    """The trading side. `half_spread` is what a taker pays or gets less, as a fraction of the price; fees by market.

    `judge`: the candles on which `Touch.STOP_FIRST` judges resting orders; None is the finest of each symbol.
    `orders`: how many orders an account may send, by market. `listen_key_s`: how long listen keys of USD-M live.
    """

    accounts: tuple[AccountSpec, ...] = ()
    half_spread: float = 0.0002
    maker_fee: PerMarket[float] = PerMarket(0.001, 0.0002)
    taker_fee: PerMarket[float] = PerMarket(0.001, 0.0005)
    touch: Touch = Touch.STOP_FIRST
    judge: Timeframe | None = None
    orders: dict[str, tuple[Window, ...]] = msgspec.field(default_factory=lambda: dict(ORDER_WINDOWS))
    listen_key_s: float = 3_600.0


class ExchangeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to play. Times in ms UTC; `speed` in seconds of the market per second, or `MAX_SPEED`.

    `data` is the folder of a store; without it a market is generated from `seed`. `symbols` empty plays all that the
    store holds. The play spans `[start, end)` and goes on at `at`; what lies before has happened. `hold` waits for
    `POST /control/start`. In `lockstep` it waits at each close for `POST /control/go`. `default_filters` describe
    symbols of which no exchangeInfo is stored. `keep` is a file in which accounts outlive the process: without `at`
    the play goes on at its time.
    """

    port: int = 0
    data: Path | None = None
    symbols: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    at: int | None = None
    speed: float = 1.0
    seed: int = 7
    hold: bool = False
    lockstep: bool = False
    trading: Trading = Trading()
    keep: Path | None = None
    faults: tuple[FaultRate, ...] = ()
    fault_seed: int = 0
    limits: Limits = Limits()
    default_filters: dict[str, str] = msgspec.field(default_factory=lambda: dict(NO_FILTERS))


def parse_speed(text: str) -> float:
    """Return the speed that `text` says: "max", or a number above 0.

    >>> parse_speed("60"), parse_speed("max")
    (60.0, inf)
    """
    try:
        speed = MAX_SPEED if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise ConfigError(f"a speed of {text!r} is impossible; allowed: a number above 0 (seconds per second), or max")
    return speed


def speed_text(speed: float) -> float | str:
    """Return a speed as settings and answers write it: a number, or "max"."""
    return "max" if speed == MAX_SPEED else speed


def parse_time(text: str) -> int:
    """Return a UTC date, time or number of milliseconds as ms.

    >>> parse_time("2025-01-01"), parse_time("2025-01-01T00:01"), parse_time("1735689600000")
    (1735689600000, 1735689660000, 1735689600000)
    """
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"the time {text!r} is unknown; allowed: YYYY-MM-DD, YYYY-MM-DDTHH:MM, or ms UTC") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def time_text(time_ms: int | None) -> str:
    """Return a time as people read it.

    >>> time_text(1735689600000)
    '2025-01-01 00:00:00 UTC'
    """
    if time_ms is None:
        return "no end"
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
