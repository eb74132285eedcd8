"""Puts the coins' base candles together into instants, in order, whatever order packets arrive in.

An instant at T waits for all coins due at T. A coin is *settled* through a time when each of its candles up to there
has come, or is known not to exist. A candle that comes when its instant is over makes an instant of its own, `late`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from trader.core.candle import VALUE_COLUMNS, Candle
from trader.core.events import Instant
from trader.core.timeframe import Timeframe
from trader.engine.live.due import DueTimes
from trader.market.resample import Resampler
from trader.market.table import CandleTable

#: So many candles of a coin that do not exist are remembered, should one of them come after all.
KEPT_ABSENT = 5_000


class Hole(msgspec.Struct, frozen=True):
    """Base candles of a coin that have not come: `start <= open_time < end`, ms."""

    symbol: str
    start: int
    end: int


class Counters(msgspec.Struct):
    """What the assembler has seen: candles taken, doubles, contradictions, late ones, candles that do not exist."""

    candles: int = 0
    duplicates: int = 0
    contradictions: int = 0
    late: int = 0
    absent: int = 0


class _Coin:
    """One coin's base stream: what has come and is not in an instant yet; None is a candle that does not exist.

    `missing` are open times of candles that instants went on without; `absent` likewise, but they do not exist.
    """

    def __init__(self, symbol: str, base: Timeframe, longer: Iterable[Timeframe], start_ms: int) -> None:
        self.symbol = symbol
        self.base = base
        self.settled = start_ms - start_ms % base.ms
        self.waiting: dict[int, Candle | None] = {}
        self.missing: set[int] = set()
        self.absent: dict[int, None] = {}
        self.last: Candle | None = None
        self.resamplers = [Resampler(symbol, base, timeframe) for timeframe in longer]

    def advance(self) -> None:
        """Move `settled` over what has come."""
        while self.settled in self.waiting:
            self.settled += self.base.ms

    def take(self, time: int) -> list[Candle]:
        """Return the candles that close at `time`: the base candle and the longer ones it completes."""
        opened = time - self.base.ms
        base = self.waiting.pop(opened, None)
        if base is None:
            self.deny(opened)
            return []
        self.last = base
        longer = (resampler.push(base) for resampler in self.resamplers)
        return [base, *(candle for candle in longer if candle is not None)]

    def deny(self, opened: int) -> None:
        """Remember that the candle of a past instant does not exist, unless it is only missing."""
        if opened in self.missing:
            return
        self.absent[opened] = None
        while len(self.absent) > KEPT_ABSENT:
            del self.absent[next(iter(self.absent))]


class InstantAssembler:
    """Takes base candles and answers with instants.

    `exits` maps each coin, in the order of `COINS`, to its base; `streams` are those that decide. Instants begin
    after `start_ms`. Wall times are seconds of any steady clock, given by the caller.
    """

    def __init__(
        self,
        exits: Mapping[str, Timeframe],
        streams: Sequence[tuple[str, Timeframe]],
        start_ms: int,
        wait_s: float,
    ) -> None:
        self._rank = {symbol: index for index, symbol in enumerate(exits)}
        self._coins = {
            symbol: _Coin(symbol, base, [tf for name, tf in streams if name == symbol and tf is not base], start_ms)
            for symbol, base in exits.items()
        }
        self._grid = min(base.ms for base in exits.values())
        self._wait_s = wait_s
        self._late: list[Candle] = []
        self._shown = start_ms
        self.times = DueTimes(start_ms)
        #: Coins of which instants went on without a candle that may exist.
        self.gaps: set[str] = set()
        #: T of the last instant, ms.
        self.done = start_ms - start_ms % self._grid
        self.counters = Counters()

    @property
    def has_late(self) -> bool:
        """Whether the next instant is one of candles that came late."""
        return bool(self._late)

    @property
    def waiting(self) -> int:
        """How many candles wait for their instant."""
        return sum(len(coin.waiting) for coin in self._coins.values())

    def settled(self, symbol: str) -> int:
        """Return the time through which a coin's candles have come or are known not to exist, ms."""
        return self._coins[symbol].settled

    def missing(self, symbol: str) -> set[int]:
        """Return the open times of candles that instants went on without."""
        return self._coins[symbol].missing

    def seed(self, table: CandleTable) -> None:
        """Take up the longer candles in the making from the base candles before the start, or after a repair."""
        for resampler in self._coins[table.symbol].resamplers:
            resampler.seed(table)

    def push(self, candle: Candle) -> Hole | None:
        """Take a base candle; return the hole that lies before it, if there is one."""
        coin, time = self._coins[candle.symbol], candle.open_time
        if time in coin.waiting:
            if coin.waiting[time] is None:
                coin.waiting[time] = candle  # the venue said that it did not exist, too early
            else:
                self._count_double(coin.waiting[time], candle)
            return None
        if time < coin.settled:
            self._look_back(coin, candle)
            return None
        self.counters.candles += 1
        coin.waiting[time] = candle
        coin.advance()
        self._shown = max(self._shown, candle.close_time)
        return None if coin.settled > time else Hole(coin.symbol, coin.settled, time)

    def settle(self, symbol: str, start: int, end: int, candles: Iterable[Candle]) -> None:
        """Take what the venue says of `[start, end)`: these candles, and no others, exist."""
        coin = self._coins[symbol]
        for candle in candles:
            self.push(candle)
        for time in range(max(start, coin.settled), end, coin.base.ms):
            if time not in coin.waiting:
                coin.waiting[time] = None
                self.counters.absent += 1
        coin.advance()
        self._shown = max(self._shown, coin.settled)
        for time in [time for time in coin.missing if start <= time < end]:
            coin.missing.discard(time)
            coin.deny(time)
        self._note_gap(coin)

    def next(self, now_s: float) -> Instant | None:
        """Return the next instant that is complete, or has waited long enough; candles that came late go first."""
        if self._late:
            return self._late_instant()
        self.times.show(self._shown, now_s)
        while (time := self.done + self._grid) <= self.times.until_ms:
            if not self._complete(time) and now_s < self.times.due_s(time) + self._wait_s:
                return None
            self.done = time
            candles = self._take(time)
            if candles:
                return Instant(time, candles)
        return None

    def deadline_s(self) -> float | None:
        """Return when, on the caller's clock, the next instant will go on without what is missing; None is never."""
        time = self.done + self._grid
        return self.times.due_s(time) + self._wait_s if time <= self.times.until_ms else None

    def lacking(self, now_s: float, patience_s: float) -> list[Hole]:
        """Return what keeps the next instant waiting for `patience_s` or more, or while later ones have been shown."""
        time = self.done + self._grid
        if time > self.times.until_ms:
            return []
        patient = now_s < self.times.due_s(time) + patience_s and self.times.until_ms < time + 2 * self._grid
        late = [] if patient else [coin for coin in self._due(time) if coin.settled < time]
        return [Hole(coin.symbol, coin.settled, time) for coin in late]

    def holes(self, until_ms: int) -> list[Hole]:
        """Return what is unsettled before `until_ms` on the market's clock."""
        holes = []
        for coin in self._coins.values():
            end = until_ms - until_ms % coin.base.ms
            if coin.settled < end:
                holes.append(Hole(coin.symbol, coin.settled, end))
        return holes

    def _due(self, time: int) -> list[_Coin]:
        return [coin for coin in self._coins.values() if time % coin.base.ms == 0]

    def _complete(self, time: int) -> bool:
        return all(coin.settled >= time for coin in self._coins.values() if time % coin.base.ms == 0)

    def _take(self, time: int) -> tuple[Candle, ...]:
        candles: list[Candle] = []
        for coin in self._due(time):
            if coin.settled < time:
                coin.missing.add(time - coin.base.ms)
                coin.settled = time
                coin.advance()
                self._note_gap(coin)
            candles += coin.take(time)
        candles.sort(key=self._place)
        return tuple(candles)

    def _place(self, candle: Candle) -> tuple[int, int]:
        return candle.timeframe.ms, self._rank[candle.symbol]

    def _late_instant(self) -> Instant:
        """Return the oldest instant of the candles that came late."""
        time = min(candle.close_time for candle in self._late)
        candles = sorted((each for each in self._late if each.close_time == time), key=self._place)
        self._late = [each for each in self._late if each.close_time != time]
        return Instant(time, tuple(candles), late=True)

    def _look_back(self, coin: _Coin, candle: Candle) -> None:
        """Judge a candle that is not new: late, a double, or a contradiction."""
        time = candle.open_time
        if time in coin.missing or time in coin.absent:
            coin.missing.discard(time)
            coin.absent.pop(time, None)
            self._note_gap(coin)
            self.counters.late += 1
            self._late.append(candle)
            return
        known = coin.last if coin.last is not None and coin.last.open_time == time else None
        self._count_double(known, candle)

    def _note_gap(self, coin: _Coin) -> None:
        (self.gaps.add if coin.missing else self.gaps.discard)(coin.symbol)

    def _count_double(self, known: Candle | None, candle: Candle) -> None:
        if known is None or same(known, candle):
            self.counters.duplicates += 1
        else:
            self.counters.contradictions += 1


def same(one: Candle, other: Candle) -> bool:
    """Tell whether two candles of one time have the same values; an absent value is equal to another."""
    return all(
        a == b or (a != a and b != b)  # NaN is not equal to itself
        for a, b in ((getattr(one, name), getattr(other, name)) for name in VALUE_COLUMNS)
    )
