"""The soak in small, and that it would see what grows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.soak.__main__ import verdict
from tests.soak.plot import plot
from tests.soak.quarters import Sample, growing, quarters_of
from tests.soak.run import Soaked, Wish, soak
from trader.engine.live.vitals import BOUNDS_MS, LagMeter

HOUR_MS = 3_600_000


def sample(at: int, **differs: object) -> Sample:
    """Return how a daemon in good health is at the `at`-th of 100 times of a day."""
    counts = [at * 10] + [0] * len(BOUNDS_MS)
    told = Sample(at * 24 * HOUR_MS // 100, 200.0, 40, {"instants": 0}, counts, 1.0, at * 30, 3)
    return msgspec.structs.replace(told, **differs)


def test_a_short_soak_is_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    found = soak(Wish(hours=0.5, coins=3, seed=2, speed=360.0, share=0.2), tmp_path, said.append)
    assert (found.shames, found.orders > 10, found.faults > 0) == ([], True, True)
    assert verdict(found, 0.5) in (0, 1)  # half an hour is too short to tell
    assert "0.5 h of market" in capsys.readouterr().out.splitlines()[-1]
    assert sum(found.samples[-1].counts) > 20
    plot(found.samples, tmp_path / "soak.png")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("differs", "word"),
    [
        (lambda at: {}, ""),
        (lambda at: {"memory_mb": 200 + at / 4}, "memory"),
        (lambda at: {"tasks": 40 + at}, "tasks"),
        (lambda at: {"queues": {"instants": at}}, "instants"),
        (lambda at: {"memory_mb": 100 + min(at, 25) * 4}, ""),
    ],
)
def test_what_grows_is_named_and_warming_up_is_no_growth(differs, word: str) -> None:  # type: ignore[no-untyped-def]
    samples = [sample(at, **differs(at)) for at in range(101)]
    found = growing(quarters_of(samples, 0, 24 * HOUR_MS))
    assert [each.split(":")[0] for each in found] == ([word] if word else [])


def test_a_fault_of_the_program_is_no_flat_soak(capsys: pytest.CaptureFixture[str]) -> None:
    samples = [sample(at) for at in range(101)]
    shame = "ERROR a fault of this program"
    assert verdict(Soaked(samples, 0, 24 * HOUR_MS, 1, 1, []), 24) == 0
    assert verdict(Soaked(samples, 0, 24 * HOUR_MS, 1, 1, [shame]), 24) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("lag p99 0.1 ms: grows")


def test_the_lag_of_a_loop_is_told_by_classes() -> None:
    meter = LagMeter()
    for lag_ms in [*[0.3] * 98, 4.0, 2_500.0]:
        meter.take(lag_ms)
    lag = meter.lag
    assert 0.2 < lag.median_ms <= 0.5
    assert 3.0 < lag.p99_ms <= 5.0
    assert (lag.worst_ms, lag.counts[-1], sum(lag.counts)) == (2_500.0, 1, 100)
