"""The governor against a venue that counts as Binance does, on virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.virtual import VirtualTime
from trader.core.errors import ConfigError, RateLimited
from trader.execution.bans import BanFile
from trader.execution.governor import WeightGovernor

WINDOW_S = 60.0


class Venue:
    """Counts the weight of what arrives in each window of its own clock, which runs `skew_s` ahead of ours."""

    def __init__(self, time: VirtualTime, skew_s: float = 0.0, foreign: int = 0) -> None:
        self.time = time
        self.skew_s = skew_s
        self.foreign = foreign
        self.seen: Counter[int] = Counter()

    def arrive(self, weight: int) -> int:
        """Count a request; return what the header says."""
        window = int((self.time.now + self.skew_s) // WINDOW_S)
        self.seen[window] += weight
        return self.seen[window] + self.foreign

    @property
    def worst(self) -> int:
        return max(self.seen.values(), default=0)


def governor(time: VirtualTime, limit: int = 100, reserve: float = 0.2, **rest: object) -> WeightGovernor:
    options = {"jitter": lambda: 0.5, "max_wait_s": 1e9, **rest}
    return WeightGovernor(limit, reserve, clock=time, sleep=time.sleep, **options)  # type: ignore[arg-type]


async def ask(
    gate: WeightGovernor, venue: Venue, weight: int, *, at: float = 0.0, way: float = 0.05, urgent: bool = False
) -> float:
    """Send one request `at` seconds from now, half of `way` there and half back; return when it was let out."""
    await venue.time.sleep(at)
    ticket = await gate.admit(weight, urgent)
    sent = venue.time.now
    await venue.time.sleep(way / 2)
    used = venue.arrive(weight)
    await venue.time.sleep(way / 2)
    gate.settle(ticket, used)
    return sent


requests = st.lists(
    st.tuples(
        st.floats(0, 200),  # when it is asked for, s
        st.integers(1, 50),  # its weight
        st.floats(0, 90),  # how long the answer takes, s
        st.booleans(),  # an order
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=120, deadline=None)
@given(requests, st.floats(0, 60), st.floats(-1, 1))
def test_no_window_of_the_venue_ever_holds_more_than_the_limit(requests: list, phase: float, skew_s: float) -> None:
    time = VirtualTime(1_700_000_000.0 + phase)
    venue, gate = Venue(time, skew_s), governor(time)
    asked = [ask(gate, venue, weight, at=at, way=way, urgent=order) for at, weight, way, order in requests]

    sent = run(time, asked)

    assert venue.worst <= 100
    assert all(isinstance(each, float) for each in sent), sent


@settings(max_examples=60, deadline=None)
@given(requests, st.floats(0, 60))
def test_requests_that_are_no_orders_leave_the_reserve_free(requests: list, phase: float) -> None:
    time = VirtualTime(1_700_000_000.0 + phase)
    venue, gate = Venue(time), governor(time)

    run(time, [ask(gate, venue, weight, at=at, way=way) for at, weight, way, _ in requests])

    assert venue.worst <= 80


@pytest.mark.parametrize(("skew_s", "first", "second"), [(1.0, 59.2, 60.5), (-1.0, 59.5, 60.7)])
def test_a_clock_that_is_a_second_off_does_not_break_the_limit(skew_s: float, first: float, second: float) -> None:
    time = VirtualTime(1_699_999_980.0)  # a full minute
    venue, gate = Venue(time, skew_s), governor(time)

    run(time, [ask(gate, venue, 60, at=first), ask(gate, venue, 60, at=second)])

    assert venue.worst == 60


def test_an_order_goes_out_at_once_while_reads_wait_for_the_next_window() -> None:
    time = VirtualTime(1_700_000_010.0)
    venue, gate = Venue(time), governor(time)
    reads = [ask(gate, venue, 20) for _ in range(6)]

    *sent, order = run(time, [*reads, ask(gate, venue, 20, at=1.0, urgent=True)])

    assert order == 1_700_000_011.0
    assert sum(each > order for each in sent) == 2


def test_reads_go_out_in_the_order_of_asking() -> None:
    time = VirtualTime()
    venue, gate = Venue(time), governor(time)

    sent = run(time, [ask(gate, venue, weight) for weight in (50, 50, 1, 30)])

    assert sent == sorted(sent)


def test_what_others_use_on_the_same_address_is_counted() -> None:
    time = VirtualTime(1_700_000_010.0)
    venue, gate = Venue(time, foreign=75), governor(time)

    first, second = run(time, [ask(gate, venue, 5), ask(gate, venue, 5, at=1.0)])

    assert first == 1_700_000_010.0
    assert second >= 1_700_000_040.0  # the next minute


def test_a_429_silences_orders_too_until_retry_after() -> None:
    time = VirtualTime(1_700_000_010.0)
    venue, gate = Venue(time), governor(time)
    gate.pause(7)

    (order,) = run(time, [ask(gate, venue, 1, urgent=True)])

    assert order == pytest.approx(1_700_000_017.25)  # with half a second of jitter, halved here


def test_a_ban_outlives_the_process(tmp_path: Path) -> None:
    time, bans = VirtualTime(), BanFile(tmp_path / "bans.json")
    governor(time, key="api", bans=bans).pause(120, banned=True)

    again = governor(time, key="api", bans=bans, max_wait_s=60)
    (error,) = run(time, [ask(again, Venue(time), 1)])

    assert isinstance(error, RateLimited)
    assert error.banned
    assert error.retry_after_s == pytest.approx(120, abs=0.01)
    assert governor(time, key="fapi", bans=bans).silent_s == 0


def test_after_the_ban_requests_go_out_again(tmp_path: Path) -> None:
    time, bans = VirtualTime(), BanFile(tmp_path / "bans.json")
    governor(time, key="api", bans=bans).pause(120, banned=True)

    (sent,) = run(time, [ask(governor(time, key="api", bans=bans), Venue(time), 1)])

    assert sent >= 1_700_000_120.0


def test_a_shorter_pause_does_not_end_a_ban() -> None:
    time = VirtualTime()
    gate = governor(time)
    gate.pause(120, banned=True)
    gate.pause(2)

    assert gate.silent_s == 120


def test_a_broken_ban_file_is_no_reason_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "bans.json"
    path.write_bytes(b'{"api": 17')

    assert governor(VirtualTime(), key="api", bans=BanFile(path)).silent_s == 0
    assert "cannot be read" in caplog.text


def test_what_can_never_fit_is_an_error_of_settings() -> None:
    time = VirtualTime()
    gate = governor(time, limit=100, reserve=1.0)

    (error,) = run(time, [ask(gate, Venue(time), 1)])

    assert isinstance(error, ConfigError)
    assert "WEIGHT_RESERVE" in str(error)


def run(time: VirtualTime, coroutines: list) -> list:
    """Run on virtual time in a loop of its own (hypothesis wants plain functions)."""
    return asyncio.run(time.run(*coroutines))
