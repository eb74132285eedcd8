"""What can go wrong on purpose: kinds, their rates, and the counters that show what was done."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from random import Random

import msgspec

from trader.core.errors import ConfigError


class Fault(StrEnum):
    """The kinds. Stream faults meet one message on one connection, request faults one REST request, order faults one
    request that changes orders, event faults one event on one user stream, fill faults one execution."""

    DROP = "drop"
    STALL = "stall"
    SILENT = "silent"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    CORRUPT = "corrupt"
    GAP = "gap"
    TOO_MANY = "429"
    BANNED = "418"
    SERVER_ERROR = "5xx"
    TIMEOUT = "timeout"
    SKEW = "skew"
    TIMEOUT_AFTER = "timeout_after"
    TIMEOUT_BEFORE = "timeout_before"
    ANSWER_LOST = "answer_lost"
    ANSWER_LATE = "answer_late"
    UNKNOWN_503 = "503_unknown"
    UNAVAILABLE_503 = "503_unavailable"
    INTERNAL_503 = "503_internal"
    UNEXPECTED = "-1006"
    BACKEND_TIMEOUT = "-1007"
    OVERLOADED = "-1008"
    LATE_TIMESTAMP = "-1021"
    STOP_REJECTED = "stop_rejected"
    TRIGGER_REJECTED = "trigger_rejected"
    READ_LAG = "read_lag"
    EVENT_LOST = "event_lost"
    EVENT_TWICE = "event_twice"
    EVENT_SWAP = "event_swap"
    EVENT_LATE = "event_late"
    SUBSCRIPTION = "subscription"
    PARTIAL = "partial"


STREAM_FAULTS = (
    Fault.DROP,
    Fault.STALL,
    Fault.SILENT,
    Fault.DUPLICATE,
    Fault.REORDER,
    Fault.DELAY,
    Fault.CORRUPT,
    Fault.GAP,
)
REQUEST_FAULTS = (Fault.TOO_MANY, Fault.BANNED, Fault.SERVER_ERROR, Fault.TIMEOUT)
ORDER_FAULTS = (
    Fault.TIMEOUT_AFTER,
    Fault.TIMEOUT_BEFORE,
    Fault.ANSWER_LOST,
    Fault.ANSWER_LATE,
    Fault.UNKNOWN_503,
    Fault.UNAVAILABLE_503,
    Fault.INTERNAL_503,
    Fault.UNEXPECTED,
    Fault.BACKEND_TIMEOUT,
    Fault.OVERLOADED,
    Fault.LATE_TIMESTAMP,
)
#: Their amount is the probability that the order was accepted all the same.
OPEN_OUTCOMES = (Fault.UNKNOWN_503, Fault.UNEXPECTED, Fault.BACKEND_TIMEOUT)
EVENT_FAULTS = (Fault.EVENT_LOST, Fault.EVENT_TWICE, Fault.EVENT_SWAP, Fault.EVENT_LATE, Fault.SUBSCRIPTION)
#: What the amount means, by kind, and its value where none is given.
AMOUNTS = {
    Fault.STALL: 2.0,
    Fault.DELAY: 0.2,
    Fault.TOO_MANY: 1.0,
    Fault.BANNED: 5.0,
    Fault.SERVER_ERROR: 503.0,
    Fault.TIMEOUT: 15.0,
    Fault.TIMEOUT_AFTER: 15.0,
    Fault.TIMEOUT_BEFORE: 15.0,
    Fault.ANSWER_LATE: 0.2,
    Fault.UNKNOWN_503: 0.5,
    Fault.UNEXPECTED: 0.5,
    Fault.BACKEND_TIMEOUT: 0.5,
    Fault.READ_LAG: 0.5,
    Fault.EVENT_SWAP: 0.1,
    Fault.EVENT_LATE: 0.5,
    Fault.PARTIAL: 3.0,
}


class FaultRate(msgspec.Struct, frozen=True):
    """How often a kind strikes: `probability` per message or request, `amount` in the kind's unit.

    `skew` has no probability: its amount is the offset of the server's time, ms.
    """

    kind: Fault
    probability: float
    amount: float = 0.0


class Armed(msgspec.Struct):
    """A fault that strikes for certain: the next `count` messages (of `stream`, or of any) or requests."""

    kind: Fault
    amount: float
    count: int = 1
    stream: str | None = None


def parse_fault(text: str) -> FaultRate:
    """Return the rate that `KIND=PROBABILITY[:AMOUNT]`, or `skew=MS`, describes.

    >>> parse_fault("stall=0.001:3")
    FaultRate(kind=<Fault.STALL: 'stall'>, probability=0.001, amount=3.0)
    """
    name, _, rest = text.partition("=")
    kind = fault_kind(name)
    probability, _, amount = rest.partition(":")
    try:
        if kind is Fault.SKEW:
            return fault_rate(kind, 1.0, float(rest))
        return fault_rate(kind, float(probability), float(amount) if amount else None)
    except ValueError:
        raise ConfigError(f"the fault {text!r} is unknown; allowed: KIND=PROBABILITY[:AMOUNT] or skew=MS") from None


def fault_kind(name: str) -> Fault:
    """Return the kind called `name`; raise `ConfigError` with the kinds there are."""
    if name not in set(Fault):
        raise ConfigError(f"the fault {name!r} is unknown; allowed: {', '.join(Fault)}")
    return Fault(name)


def fault_rate(kind: Fault, probability: float, amount: float | None) -> FaultRate:
    """Return a checked rate; raise `ConfigError` for a probability outside 0…1 or an impossible amount."""
    if not 0 <= probability <= 1:
        raise ConfigError(f"a probability of {probability} for the fault {kind} is impossible; allowed: 0 to 1")
    value = AMOUNTS.get(kind, 0.0) if amount is None else amount
    if kind is Fault.SERVER_ERROR and not 500 <= value <= 599:
        raise ConfigError(f"a status of {value:g} for the fault 5xx is impossible; allowed: 500 to 599")
    if kind in OPEN_OUTCOMES and value > 1:
        raise ConfigError(f"an amount of {value:g} for the fault {kind} is impossible; allowed: a probability, 0 to 1")
    if kind is not Fault.SKEW and value < 0:
        raise ConfigError(f"an amount of {value:g} for the fault {kind} is impossible; allowed: 0 or more")
    return FaultRate(kind, probability, value)


class FaultPlan:
    """The faults in force and how often each has struck; every draw comes from a seeded generator."""

    def __init__(self, rates: tuple[FaultRate, ...] = (), seed: int = 0) -> None:
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.rates: dict[Fault, FaultRate] = {rate.kind: rate for rate in rates}
        self._armed: list[Armed] = []
        self._requests = self.random("requests")
        self._orders = self.random("orders")
        #: Whether any message could meet a fault now.
        self.streams_at_risk = False
        self._assess()

    def random(self, name: str | int) -> Random:
        """Return the generator of one connection, or of the requests: seeded by the plan and `name`."""
        return Random(f"{self.seed}/{name}")

    @property
    def skew_ms(self) -> int:
        """The offset of the server's time, ms."""
        rate = self.rates.get(Fault.SKEW)
        return int(rate.amount) if rate else 0

    def set(self, rate: FaultRate) -> None:
        """Put a rate in force; a probability of 0 (a skew of 0) takes the kind out."""
        self.rates.pop(rate.kind, None)
        if rate.probability > 0 and (rate.kind is not Fault.SKEW or rate.amount):
            self.rates[rate.kind] = rate
        self._assess()

    def arm(self, armed: Armed) -> None:
        """Let a fault strike the next messages or requests for certain."""
        self._armed.append(armed)
        self._assess()

    def count(self, kind: Fault) -> None:
        """Record that `kind` has struck once."""
        self.counts[kind] += 1

    def for_message(self, random: Random, stream: str, closed: bool) -> tuple[Fault, float] | None:
        """Return the fault and amount that meet a message, counted; `gap` meets closed candles only."""
        allowed = STREAM_FAULTS if closed else STREAM_FAULTS[:-1]
        return self._armed_for(allowed, stream) or self._drawn(random, allowed)

    def for_request(self) -> tuple[Fault, float] | None:
        """Return the fault and amount that meet a REST request, counted."""
        return self._armed_for(REQUEST_FAULTS, None) or self._drawn(self._requests, REQUEST_FAULTS)

    def for_order(self) -> tuple[Fault, float] | None:
        """Return the fault and amount that meet a request which changes orders, counted."""
        return self._armed_for(ORDER_FAULTS, None) or self._drawn(self._orders, ORDER_FAULTS)

    def for_event(self, random: Random, name: str) -> tuple[Fault, float] | None:
        """Return the fault and amount that meet an event called `name` on one user stream, counted."""
        return self._armed_for(EVENT_FAULTS, name) or self._drawn(random, EVENT_FAULTS)

    def strikes(self, kind: Fault, of: str | None = None) -> float | None:
        """Return the amount where `kind` strikes now (`of`: what an armed one may be bound to), counted."""
        struck = self._armed_for((kind,), of) or self._drawn(self._orders, (kind,))
        return None if struck is None else struck[1]

    def coin(self, share: float) -> bool:
        """Tell, with probability `share`, whether something happened that the client is not told."""
        return self._orders.random() < share

    def _armed_for(self, allowed: tuple[Fault, ...], stream: str | None) -> tuple[Fault, float] | None:
        for armed in self._armed:
            if armed.kind in allowed and armed.stream in (None, stream):
                armed.count -= 1
                self._armed = [each for each in self._armed if each.count > 0]
                self._assess()
                self.count(armed.kind)
                return armed.kind, armed.amount
        return None

    def _drawn(self, random: Random, allowed: tuple[Fault, ...]) -> tuple[Fault, float] | None:
        rates = [self.rates[kind] for kind in allowed if kind in self.rates]
        if not rates:
            return None
        point = random.random()
        for rate in rates:
            if point < rate.probability:
                self.count(rate.kind)
                return rate.kind, rate.amount
            point -= rate.probability
        return None

    def _assess(self) -> None:
        kinds = {*self.rates, *(armed.kind for armed in self._armed)}
        self.streams_at_risk = not kinds.isdisjoint(STREAM_FAULTS)
