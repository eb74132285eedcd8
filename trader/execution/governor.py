"""One governor for all requests of one market: none is sent that the venue's limit has no room for.

The venue counts weight in fixed windows of its own clock, at the moment a request arrives there: some time between
our sending and its answer, and our clocks differ a little. So a request counts in every window in which it may have
arrived, `MARGIN_S` on both sides included; while it is unanswered, in every window since. A sum over all that may
have arrived in a window can then never be less than what the venue has counted of ours. What others on the same
address use is learned from the venue's own figure.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import msgspec

from trader.core.errors import ConfigError, RateLimited
from trader.execution.bans import BanFile

#: How far our clock may be off the venue's once the measured difference is taken out.
MARGIN_S = 1.0
#: Whoever would have to wait longer is told instead, e.g. during a ban.
MAX_WAIT_S = 130.0
#: Waiting requests beyond this are refused: something asks without end.
MAX_WAITING = 2_000
#: The least silence after a 429.
LEAST_PAUSE_S = 1.0


class Ticket(msgspec.Struct, eq=False):
    """One request on its way: `first` is the earliest window in which it may have arrived."""

    weight: int
    first: int


class WeightGovernor:
    """Admits requests up to `limit` a window; `reserve` is the share that only urgent ones (orders, cancels) may use.

    `clock` gives seconds since the epoch, `sleep` waits, `jitter` gives 0…1 (times `jitter_s` seconds). Bans are kept
    in `bans` under `key`. Set `offset_s` (venue minus us) once it is measured.
    """

    def __init__(
        self,
        limit: int,
        reserve: float = 0.0,
        *,
        window_s: float = 60.0,
        key: str = "",
        bans: BanFile | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        jitter_s: float = 0.5,
        margin_s: float = MARGIN_S,
        max_wait_s: float = MAX_WAIT_S,
    ) -> None:
        self.limit = limit
        self.reserve = reserve
        self.offset_s = 0.0
        self.waiting = 0
        self._window_s = window_s
        self._key = key
        self._bans = bans
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._jitter_s = jitter_s
        self._margin_s = margin_s
        self._max_wait_s = max_wait_s
        self._under_way: set[Ticket] = set()
        self._answered: dict[tuple[int, int], int] = {}
        self._foreign: dict[int, int] = {}
        self._silent_until = bans.until_ms(key) / 1000 if bans else 0.0
        self._banned = self._silent_until > clock()
        self._turns = {True: asyncio.Lock(), False: asyncio.Lock()}

    async def admit(self, weight: int, urgent: bool = False) -> Ticket:
        """Wait until `weight` has room, in the order of asking; return the ticket to `settle` once it is answered.

        Raise `RateLimited` when the wait would be too long or too many wait, `ConfigError` when it can never fit.
        """
        self._check_possible(weight, urgent)
        self.waiting += 1
        try:
            async with self._turns[urgent]:
                await self._room(weight, urgent)
                return self._enter(weight)
        finally:
            self.waiting -= 1

    def settle(self, ticket: Ticket, used: int | None = None) -> None:
        """Say that a request was answered or given up; `used` is the venue's own figure for its window."""
        last = self._window(self._margin_s)
        if ticket in self._under_way:
            self._under_way.discard(ticket)
            self._answered[ticket.first, last] = self._answered.get((ticket.first, last), 0) + ticket.weight
        self._learn(ticket.first, last, used)
        self._forget()

    def room_in_s(self, weight: int, urgent: bool = False) -> float:
        """Return how long `weight` would have to wait for room, seconds; 0 where there is some."""
        return self._wait_s(weight, urgent)

    def keep(self, weight: int) -> Ticket:
        """Count `weight` from now on, until it is given back."""
        return self._enter(weight)

    def give_back(self, ticket: Ticket) -> None:
        """Count a ticket no longer: nothing has left for it."""
        self._under_way.discard(ticket)

    def pause(self, seconds: float, banned: bool = False) -> None:
        """Let nothing out for `seconds` (429), or until a ban is over (418); kept across restarts."""
        until = self._clock() + max(seconds, LEAST_PAUSE_S)
        if until <= self._silent_until:
            return
        self._silent_until, self._banned = until, banned
        if self._bans:
            self._bans.save(self._key, int(until * 1000), int(self._clock() * 1000))

    @property
    def used(self) -> int:
        """The weight that may count in the present window, others' included."""
        return self._used(self._window())

    @property
    def silent_s(self) -> float:
        """Seconds until anything may be sent; 0 when it may."""
        return max(0.0, self._silent_until - self._clock())

    def _check_possible(self, weight: int, urgent: bool) -> None:
        if weight > self._cap(urgent):
            share = f"{self.limit} x (1 - WEIGHT_RESERVE {self.reserve})"
            raise ConfigError(f"a request of weight {weight} has no room in {share}; allowed: a smaller WEIGHT_RESERVE")
        if self.waiting >= MAX_WAITING:
            raise RateLimited(f"{self.waiting} requests wait already; ask for less", self._window_s)

    async def _room(self, weight: int, urgent: bool) -> None:
        while (wait_s := self._wait_s(weight, urgent)) > 0:
            if wait_s > self._max_wait_s:
                what = "has banned this address" if self._banned else "asks for a pause"
                raise RateLimited(f"{self._key or 'the venue'} {what}: {wait_s:.0f} s remain", wait_s, self._banned)
            await self._sleep(wait_s + self._jitter() * self._jitter_s)

    def _wait_s(self, weight: int, urgent: bool) -> float:
        if self.silent_s:
            return self.silent_s
        for window in {self._window(-self._margin_s), self._window(self._margin_s)}:
            if self._used(window) + weight > self._cap(urgent):
                return (window + 1) * self._window_s + self._margin_s - self._now()
        return 0.0

    def _enter(self, weight: int) -> Ticket:
        ticket = Ticket(weight, self._window(-self._margin_s))
        self._under_way.add(ticket)
        return ticket

    def _used(self, window: int) -> int:
        under_way = sum(each.weight for each in self._under_way if each.first <= window)
        return under_way + self._answered_in(window) + self._foreign.get(window, 0)

    def _answered_in(self, window: int) -> int:
        return sum(weight for (first, last), weight in self._answered.items() if first <= window <= last)

    def _learn(self, first: int, last: int, used: int | None) -> None:
        """Take what the venue counts beyond our answered requests as others' weight, when its window is certain."""
        if used is not None and first == last:
            self._foreign[first] = max(self._foreign.get(first, 0), used - self._answered_in(first))

    def _forget(self) -> None:
        past = self._window(-self._margin_s)
        self._answered = {span: weight for span, weight in self._answered.items() if span[1] >= past}
        self._foreign = {window: weight for window, weight in self._foreign.items() if window >= past}

    def _cap(self, urgent: bool) -> int:
        return self.limit if urgent else int(self.limit * (1 - self.reserve))

    def _window(self, shift_s: float = 0.0) -> int:
        return int((self._now() + shift_s) // self._window_s)

    def _now(self) -> float:
        return self._clock() + self.offset_s
