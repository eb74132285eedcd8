"""Refuses settings whose rules are not built yet, so that nobody believes in a protection that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from trader.core.errors import ConfigError
from trader.core.settings import Settings

UNBUILT_RULES = ("KELLY", "HEDGING", "TARGET_LADDER", "RE_ENTRY", "PYRAMIDING", "REVERSAL")
UNBUILT_MODES = ("demo", "testnet", "live")


def refuse_unbuilt(settings: Settings) -> None:
    """Raise `ConfigError` naming every setting that asks for something that is not there yet."""
    if faults := list(_asked_for(settings)):
        raise ConfigError(faults)


def _asked_for(settings: Settings) -> Iterator[str]:
    if settings.DATA_SOURCE == "backtest_hedging":
        yield "DATA_SOURCE = backtest_hedging: hedging is not there yet; allowed: websocket, backtest"
    if settings.MODE in UNBUILT_MODES:
        yield f"MODE = {settings.MODE}: real orders are not there yet; allowed: embedded, paper"
    if settings.CORRELATION_MODE != "off":
        yield f"CORRELATION_MODE = {settings.CORRELATION_MODE}: this rule is not there yet; allowed: off"
    for name in UNBUILT_RULES:
        if getattr(settings, name).enable:
            yield f"{name}.enable = true: this rule is not there yet; allowed: false"
