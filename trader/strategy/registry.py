"""The strategies by name."""

from __future__ import annotations

from collections.abc import Callable

from trader.core.errors import ConfigError
from trader.strategy.base import Strategy
from trader.strategy.geometry import GeometryStrategy

#: What makes a strategy, by the name that the setting `STRATEGY` carries.
STRATEGIES: dict[str, Callable[[], Strategy]] = {"geometry": GeometryStrategy}


def strategy_called(name: str) -> Strategy:
    """Make the strategy called `name`; raise `ConfigError` for an unknown one.

    >>> strategy_called("geometry").name
    'geometry'
    """
    if name not in STRATEGIES:
        raise ConfigError(f"STRATEGY {name!r} is unknown; allowed: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]()
