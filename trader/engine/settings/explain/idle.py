"""Overrides that nothing reads: keys of a rule that is off, of another market, of a coin that is not traded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trader.core.settings import Settings
from trader.engine.settings.explain.finding import Finding
from trader.engine.settings.load import Override

#: Settings that have a key for each market.
BY_MARKET = ("TAKER_FEE", "MAKER_FEE", "INSTANT_WAIT_MS")


def idle_overrides(settings: Settings, overrides: Sequence[Override]) -> Iterator[Finding]:
    """Yield the overrides of a person that nothing looks at; what a preset brings along is not held against it."""
    for override in overrides:
        reason = _reason(settings, override.name.split("."))
        if reason and not override.origin.startswith("preset "):
            yield Finding((override.name,), f"{override.value_text} ({override.origin}) has no effect: {reason}")


def _reason(settings: Settings, path: Sequence[str]) -> str:
    name, *keys = path
    key = keys[-1] if keys else ""
    if keys and key != "enable" and getattr(getattr(settings, name), "enable", True) is False:
        return f"{name}.enable is false"
    if name == "PATTERN_TARGETS" and settings.STOP_MODE == "atr":
        return "STOP_MODE is atr"
    if name == "ATR_STOP" and settings.STOP_MODE == "pattern":
        return "STOP_MODE is pattern"
    if name == "SIGNAL_TTL_S" and settings.STRATEGY == "geometry":
        return "geometry's signals are acted on in the instant in which they are made"
    if name == "MAINTENANCE_MARGIN_RATE" and settings.MARKET == "spot":
        return "MARKET is spot, which liquidates nothing"
    if name == "RETRAIN":
        return _reason_of_retraining(settings)
    return _reason_of_key(settings, name, keys)


def _reason_of_key(settings: Settings, name: str, keys: Sequence[str]) -> str:
    if name in BY_MARKET and keys and keys[0] != settings.MARKET:
        return f"MARKET is {settings.MARKET}"
    if name == "MIN_ATR_PCT" and keys and keys[0] not in settings.TIMEFRAMES:
        return f"{keys[0]} is not among TIMEFRAMES"
    by_coin = keys[:1] if name == "LEVERAGE_BY_COIN" else keys[1:2] if keys[:1] == ["coin_overrides"] else []
    return "".join(f"{coin} is not among COINS" for coin in by_coin if coin not in settings.COINS)


def _reason_of_retraining(settings: Settings) -> str:
    if settings.STRATEGY == "geometry":
        return "STRATEGY is geometry, which has no model"
    if settings.DATA_SOURCE != "websocket":
        return "it is a daemon's"
    return f"MODEL is {settings.MODEL}, which stays that version" if "@" in settings.MODEL else ""
