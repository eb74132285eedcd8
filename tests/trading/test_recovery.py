"""A run that is saved and loaded at any instant goes on as if nothing had been."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import shared_path
from tests.vectors import GOLDEN, Player, differences, load, scenario_files
from trader.core.settings import Settings
from trader.simulation.broker import BrokerState
from trader.trading.book import Book

RANDOM = [f"random_{number:03}" for number in range(1, 13)]


def fade(player: Player) -> None:
    """Forget everything but what was saved."""
    book = msgspec.msgpack.encode(player.logic.book)
    state = msgspec.msgpack.encode(player.engine.broker.state)
    player.wire(msgspec.msgpack.decode(book, type=Book), msgspec.msgpack.decode(state, type=BrokerState))
    assert msgspec.msgpack.encode(player.logic.book) == book


class Amnesiac(Player):
    """Plays a scenario, and after an instant may forget everything but what was saved."""

    def __init__(self, scenario: dict[str, Any], settings: Settings, seed: int, share: float) -> None:
        self.chance = random.Random(seed)
        self.share = share
        self.times = 0
        super().__init__(scenario, settings)

    def after(self) -> None:
        if self.chance.random() < self.share:
            self.times += 1
            fade(self)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("path", scenario_files([GOLDEN]), ids=lambda path: path.stem)
def test_save_and_load_at_random_instants_changes_nothing(path: Path, seed: int) -> None:
    scenario, settings = load(path)
    player = Amnesiac(scenario, settings, seed, share=(0.15, 0.5, 1.0)[seed - 1])
    assert list(differences(scenario["expected"], player.play())) == []
    assert player.times > 0 or seed == 1


@pytest.mark.parametrize("name", RANDOM)
def test_long_scenarios_saved_and_loaded_now_and_then_give_their_results(name: str) -> None:
    scenario, settings = load(shared_path("vectors", f"{name}.json"))
    player = Amnesiac(scenario, settings, seed=len(name), share=0.02)
    assert list(differences(scenario["expected"], player.play())) == []
    assert player.times > 0


@pytest.mark.parametrize("path", [*scenario_files([GOLDEN]), *map(Path, RANDOM)], ids=lambda path: path.stem)
def test_books_and_broker_after_loads_are_those_of_the_straight_run_bit_for_bit(path: Path) -> None:
    """Each event goes through `TradingLogic.handle`; what is forgotten is all but books and broker, opinions too."""
    by_hand = path.is_absolute()
    scenario, settings = load(path if by_hand else shared_path("vectors", f"{path.name}.json"))
    straight, cut = Player(scenario, settings), Amnesiac(scenario, settings, seed=7, share=0.5 if by_hand else 0.02)
    for player in (straight, cut):
        player.play_on()
    assert cut.times > 0
    assert cut.record.result == straight.record.result
    for player in (straight, cut):
        player.engine.finish()
    assert msgspec.msgpack.encode(cut.logic.book) == msgspec.msgpack.encode(straight.logic.book)
    assert msgspec.msgpack.encode(cut.engine.broker.state) == msgspec.msgpack.encode(straight.engine.broker.state)
