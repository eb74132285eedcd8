"""The core under anything that can happen, with a second reading of the rules beside it (`tests.long`).

Hypothesis chooses what happens next and makes the shortest story of a contradiction. `python -m tests.machine` is the
same without end.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.long.life import Life
from tests.machine import main, run
from trader.trading.checks import RULES

CHANCE = some.integers(0, 2**32 - 1).map(Random)
FEW = some.integers(1, 40)
EXITS = {
    *("stop_loss", "breakeven", "trailing_stop", "partial_tp", "take_profit", "reversal", "liquidation"),
    *("hedge_close", "kill_switch", "drawdown", "manual", "end_of_data"),
}


class Core(RuleBasedStateMachine):
    """One life; every rule is something that can happen to it, and checks all that there is to check."""

    @initialize(chance=CHANCE)
    def begin(self, chance: Random) -> None:
        self.life = Life(chance)

    @rule(chance=CHANCE, steps=FEW)
    def time_passes(self, chance: Random, steps: int) -> None:
        for _ in range(steps):
            self.life.step(chance, wishes=0.0, late=0.0)

    @rule(chance=CHANCE, steps=FEW)
    def signals_come(self, chance: Random, steps: int) -> None:
        for _ in range(steps):
            self.life.step(chance, wishes=0.6)

    @rule(chance=CHANCE, steps=FEW)
    def candles_are_missing_or_late(self, chance: Random, steps: int) -> None:
        for _ in range(steps):
            self.life.step(chance, gaps=0.3, late=0.3)

    @precondition(lambda self: self.life.held)
    @rule(chance=CHANCE)
    def what_is_late_comes(self, chance: Random) -> None:
        self.life.deliver(chance)

    @rule(chance=CHANCE)
    def a_price_jumps(self, chance: Random) -> None:
        self.life.jump(chance)

    @rule(chance=CHANCE)
    def the_weather_changes(self, chance: Random) -> None:
        self.life.turn(chance)

    @rule(steps=some.integers(1, 3_000))
    def nothing_comes_for_a_while(self, steps: int) -> None:
        self.life.skip(steps)

    @rule(chance=CHANCE)
    def a_person_commands(self, chance: Random) -> None:
        self.life.command(chance)

    @rule()
    def a_person_allows(self) -> None:
        self.life.allow()

    @rule()
    def the_program_starts_again(self) -> None:
        self.life.machine.save_and_load()

    def teardown(self) -> None:
        if hasattr(self, "life"):
            self.life.deliver(Random(0))
            self.life.machine.finish()


TestCore = Core.TestCase
TestCore.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_run_of_many_lives_meets_the_rules_and_no_contradiction() -> None:
    """Which rules chance meets depends on all settings there are: a few may be missed."""
    tally = run(events=30_000, seed=4)
    assert tally.events >= 30_000
    assert len(set(RULES) - set(tally.rules)) <= 3
    assert len(EXITS - set(tally.exits)) <= 3
    assert tally.fills > 2 * tally.trades > 1_000


def test_the_same_seed_is_the_same_run() -> None:
    assert run(events=1_000, seed=9) == run(events=1_000, seed=9)
    assert run(events=1_000, seed=9) != run(events=1_000, seed=10)


def test_the_long_run_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--events", "500", "--seed", "3"]) == 0
    assert "seed 3: " in capsys.readouterr().out.splitlines()[-1]
