"""What a person has changed stands over other settings at the next start, and it is said."""

from __future__ import annotations

import pytest

from tests.builders import settings
from tests.trading.worlds import World
from trader.core.events import Action
from trader.engine.control.standing import settle_changes


def changed(**changes: str) -> World:
    """Return a world in which a person has changed settings, names with `__` for dots."""
    world = World()
    for name, value in changes.items():
        world.command(Action.SET, name.replace("__", "."), value)
    world.tick(100.0)
    assert len(world.book.changed) == len(changes)
    return world


def test_a_change_that_stands_over_the_settings_is_said_with_how_to_undo_it(caplog: pytest.LogCaptureFixture) -> None:
    world = changed(MIN_PROBABILITY="0.7", TRAILING_STOP__trail_pct="0.004")
    settle_changes(world.book, settings(MIN_PROBABILITY=0.8, TRAILING_STOP={"trail_pct": 0.004}))
    assert caplog.messages == [
        "MIN_PROBABILITY = 0.7 as a person commanded, it stands over 0.8 of the settings; "
        "to undo: python start.py unset MIN_PROBABILITY"
    ]
    assert len(world.book.changed) == 2


def test_a_change_that_clashes_with_the_settings_is_dropped_and_the_daemon_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = changed(DRAWDOWN_PROTECTION__pause_at="0.12", MIN_STRENGTH="0.9")
    world.settings = settings(DRAWDOWN_PROTECTION={"reduce_at": 0.15}, MIN_ATR_PCT=0.0)
    settle_changes(world.book, world.settings)
    assert caplog.messages[0].startswith("DRAWDOWN_PROTECTION.pause_at: a person's change is dropped, it clashes")
    assert world.book.changed == {"MIN_STRENGTH": "0.9"}
    world.save_and_load()
    assert world.logic.settings.MIN_STRENGTH == 0.9


def test_changes_that_fit_only_together_are_kept_together() -> None:
    world = changed(
        DRAWDOWN_PROTECTION__close_at="0.6", DRAWDOWN_PROTECTION__pause_at="0.5", DRAWDOWN_PROTECTION__reduce_at="0.4"
    )
    backwards = dict(reversed(world.book.changed.items()))
    world.book.changed = dict(backwards)
    settle_changes(world.book, world.settings)
    assert world.book.changed == backwards
