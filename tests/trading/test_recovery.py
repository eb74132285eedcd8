"""A run that is saved and loaded at any instant goes on as if nothing had been."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from tests import vectors
from tests.vectors import GOLDEN, differences, enabled_not_yet, load, scenario_files
from trader.engine.engine import Engine
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.trading.book import Book
from trader.trading.logic import TradingLogic


class Amnesiac(vectors.Player):
    """Plays a scenario, and after each instant may forget everything but what was saved."""

    def after(self) -> None:
        if random.Random(len(self.record.result["equity"]) * 7919).random() < 0.3:
            book = msgspec.msgpack.decode(msgspec.msgpack.encode(self.logic.book), type=Book)
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.engine.broker.state), type=BrokerState)
            self.wire(book, state)


@pytest.mark.parametrize("path", scenario_files([GOLDEN]), ids=lambda path: path.stem)
def test_save_and_load_at_random_instants_changes_nothing(path: Path) -> None:
    scenario, settings = load(path)
    if enabled_not_yet(scenario):
        pytest.skip(f"needs {', '.join(enabled_not_yet(scenario))}")
    player = Amnesiac(scenario, settings)
    assert list(differences(scenario["expected"], player.play())) == []
    assert isinstance(player.engine, Engine)
    assert isinstance(player.logic, TradingLogic)
    assert isinstance(player.engine.broker, SimulatedBroker)
