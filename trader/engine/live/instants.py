"""Puts the coins' base candles together into instants, in order, whatever order packets arrive in.

An instant at T waits for all coins due at T. A coin is *settled* through a time when each of its candles up to there
has come, or is known not to exist. A candle that comes when its instant is over makes an instant of its own, `late`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from trader.core.candle import Candle
from trader.core.events import Instant
from trader.core.timeframe import Timeframe
from trader.market.resample import Resampler
from trader.market.table import CandleTable


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
    """One coin's base stream: what has come and is not in an instant yet; None is a candle that does not exist."""

    def __init__(self, symbol: str, base: Timeframe, longer: Iterable[Timeframe], start_ms: int) -> None:
        self.symbol = symbol
        self.base = base
        self.settled = start_ms - start_ms % base.ms
        self.waiting: dict[int, Candle | None] = {}
        self.missing: set[int] = set()
        self.last: Candle | None = None
        self.resamplers = [Resampler(symbol, base, timeframe) for timeframe in longer]

    def advance(self) -> None:
        """Move `settled` over what has come."""
        while self.settled in self.waiting:
            self.settled += self.base.ms

    def take(self, time: int) -> list[Candle]:
        """Return the candles that close at `time`: the base candle and the longer ones it completes."""
        base = self.waiting.pop(time - self.base.ms, None)
        if base is None:
            return []
        self.last = base
        longer = (resampler.push(base) for resampler in self.resamplers)
        return [base, *(candle for candle in longer if candle is not None)]


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
        self._done = start_ms - start_ms % self._grid
        self._wait_s = wait_s
        self._late: list[Instant] = []
        self._incomplete_since: float | None = None
        self.counters = Counters()

    @property
    def done(self) -> int:
        """T of the last instant, ms."""
        return self._done

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
        if time in coin.waiting and coin.waiting[time] is None:
            coin.waiting[time] = candle  # the venue said that it did not exist, too early
            return None
        if candle.close_time <= self._done or time < coin.settled:
            self._look_back(coin, candle)
            return None
        if time in coin.waiting:
            self._count_double(coin.waiting[time], candle)
            return None
        self.counters.candles += 1
        coin.waiting[time] = candle
        coin.advance()
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
        coin.missing -= {time for time in coin.missing if start <= time < end}

    def ready(self, now_s: float) -> list[Instant]:
        """Return the instants that are complete, or have waited long enough, in order."""
        instants, self._late = self._late, []
        end = max(self._known_until(), self._done)
        while self._done + self._grid <= end:
            time = self._done + self._grid
            if not self._complete(time) and not self._waited(now_s):
                break
            self._incomplete_since = None
            self._done = time
            candles = self._take(time)
            if candles:
                instants.append(Instant(time, candles))
        return instants

    def deadline_s(self) -> float | None:
        """Return when, on the caller's clock, the next instant will go on without what is missing; None is never."""
        return None if self._incomplete_since is None else self._incomplete_since + self._wait_s

    def holes(self, until_ms: int) -> list[Hole]:
        """Return what is unsettled before `until_ms` on the market's clock."""
        holes = []
        for coin in self._coins.values():
            end = until_ms - until_ms % coin.base.ms
            if coin.settled < end:
                holes.append(Hole(coin.symbol, coin.settled, end))
        return holes

    def _known_until(self) -> int:
        """Return the latest close that any coin has shown: the market has been there."""
        latest = self._done
        for coin in self._coins.values():
            shown = max(coin.waiting, default=0) + coin.base.ms if coin.waiting else 0
            latest = max(latest, shown, coin.settled)
        return latest

    def _due(self, time: int) -> list[_Coin]:
        return [coin for coin in self._coins.values() if time % coin.base.ms == 0]

    def _complete(self, time: int) -> bool:
        return all(coin.settled >= time for coin in self._due(time))

    def _waited(self, now_s: float) -> bool:
        if self._incomplete_since is None:
            self._incomplete_since = now_s
        return now_s - self._incomplete_since >= self._wait_s

    def _take(self, time: int) -> tuple[Candle, ...]:
        candles: list[Candle] = []
        for coin in self._due(time):
            if coin.settled < time:
                coin.missing.add(time - coin.base.ms)
                coin.settled = time
                coin.advance()
            candles += coin.take(time)
        candles.sort(key=lambda candle: (candle.timeframe.ms, self._rank[candle.symbol]))
        return tuple(candles)

    def _look_back(self, coin: _Coin, candle: Candle) -> None:
        """Judge a candle that is not new: late, a double, or a contradiction."""
        if candle.open_time in coin.missing:
            coin.missing.discard(candle.open_time)
            self.counters.late += 1
            self._late.append(Instant(candle.close_time, (candle,), late=True))
            return
        known = coin.waiting.get(candle.open_time)
        if known is None and coin.last is not None and coin.last.open_time == candle.open_time:
            known = coin.last
        self._count_double(known, candle)

    def _count_double(self, known: Candle | None, candle: Candle) -> None:
        if known is None or known == candle:
            self.counters.duplicates += 1
        else:
            self.counters.contradictions += 1
