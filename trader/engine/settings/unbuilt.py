"""Refuses what is not built yet, so that nobody believes that real orders are sent."""

from __future__ import annotations

from trader.core.errors import ConfigError
from trader.core.settings import Settings

UNBUILT_MODES = ("demo", "testnet", "live")


def refuse_unbuilt(settings: Settings) -> None:
    """Raise `ConfigError` where the settings ask for something that is not there yet."""
    if settings.MODE in UNBUILT_MODES:
        raise ConfigError(f"MODE = {settings.MODE}: real orders are not there yet; allowed: embedded, paper")
