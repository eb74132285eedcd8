"""Settings that cannot act: valid alone, dead together, said in words with the numbers and what to change."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.engine.settings.explain.entries import dead_hours, refused_shapes
from trader.engine.settings.explain.exits import dead_exits
from trader.engine.settings.explain.finding import Finding
from trader.engine.settings.explain.idle import idle_overrides
from trader.engine.settings.explain.limits import dead_limits
from trader.engine.settings.explain.reach import reach_of, shapes_of
from trader.engine.settings.explain.sizes import dead_sizes
from trader.engine.settings.load import Loaded

__all__ = ["Finding", "cannot_act", "dead_settings"]


def dead_settings(settings: Settings) -> list[Finding]:
    """Return which settings cannot act: hours and entries, sizes, exits, limits.

    Computed from the bounds of what any entry can be, with the rules' own functions. Where every entry is refused,
    that alone is said.
    """
    shapes = shapes_of(settings)
    found = list(dead_hours(settings))
    for finding, left in refused_shapes(settings, shapes):
        found.append(finding)
        shapes = tuple(left)
    if not shapes:
        return found
    reach = reach_of(settings, shapes)
    return [*found, *dead_sizes(settings, reach), *dead_exits(settings, reach), *dead_limits(settings, reach)]


def cannot_act(loaded: Loaded) -> list[Finding]:
    """Return which settings cannot act, and which overrides nothing reads."""
    return [*dead_settings(loaded.settings), *idle_overrides(loaded.settings, loaded.overrides)]
