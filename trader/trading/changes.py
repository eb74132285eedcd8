"""Settings that a person may change while the daemon runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from trader.core.errors import ConfigError
from trader.core.settings import Settings

#: What may change: decisions to come are made with the new value, what stands keeps the old one. Only stops that follow
#: the price follow by the new value from the next candle on, as far as they do not move away. Not among them is what
#: would part the books from what the venue has (market, coins, leverage, fees) or an open trade from its plan (stops,
#: targets, ladder).
CHANGEABLE = (
    "MIN_PROBABILITY",
    "MIN_STRENGTH",
    "MIN_EXPECTED_RETURN",
    "SIGNAL_TTL_S",
    "MAX_CONCURRENT_TRADES",
    "TREND_ALIGNMENT",
    "MIN_ATR_PCT",
    "MIN_NET_PROFIT_PCT",
    "TRADING_HOURS",
    "RISK_PER_TRADE",
    "MAX_POSITION_SIZE_PCT",
    "MIN_SIZE_RATIO",
    "ML_CONFIDENCE_WEIGHTING",
    "CONFIDENCE_TIERS",
    "KELLY",
    "DAILY_LOSS_LIMIT",
    "LOSING_STREAK_PROTECTION",
    "DRAWDOWN_PROTECTION",
    "MAX_PORTFOLIO_RISK",
    "MAX_SYMBOL_EXPOSURE",
    "MAX_DIRECTION_EXPOSURE",
    "CORRELATION_MODE",
    "HEDGING",
    "BREAKEVEN_STOP",
    "TRAILING_STOP",
    "RE_ENTRY",
    "PYRAMIDING",
    "REVERSAL",
)
#: Keys within them that may not, and why.
FIXED: dict[tuple[str, ...], str] = {
    ("CONFIDENCE_TIERS", "enable"): "a coin has one leverage at the exchange, that of its open trades",
    ("HEDGING", "enable"): "a hedge has no stop, and nobody would look after one that is open",
}
#: Tables whose keys are coins: one may be added.
BY_COIN = (("HEDGING", "coin_overrides"),)
#: No number that a setting needs is larger; one that is would overflow where it is counted in milliseconds.
LARGEST = 1e9


def changed_settings(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """Return `settings` with `changes` (name by dots -> JSON) over them.

    Raise `ConfigError` for a setting that may not change while running, or an impossible value.
    """
    if not changes:
        return settings
    values = settings.model_dump()
    for name, text in changes.items():
        path = name.split(".")
        if path[0] not in CHANGEABLE:
            raise ConfigError(f"{name} cannot change while running; allowed: {', '.join(CHANGEABLE)}")
        _put(values, path, _decoded(name, text))
    _keep_fixed(settings, values)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError(faults) from None


def with_change(changes: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """Return `changes` with one more: the last comes last, also when they are made again after a restart."""
    return {**{other: text for other, text in changes.items() if other != name}, name: value}


def without_change(changes: Mapping[str, str], name: str) -> dict[str, str]:
    """Return `changes` without those of a setting and of the keys within; raise `ConfigError` where there is none.

    >>> without_change({"KELLY": "{}", "KELLY.window": "50", "MIN_STRENGTH": "0.7"}, "KELLY")
    {'MIN_STRENGTH': '0.7'}
    """
    left = {other: text for other, text in changes.items() if not lies_within(other, name)}
    if len(left) == len(changes):
        raise ConfigError(f"{name} is not changed; changed are: {', '.join(changes) or 'none'}")
    return left


def fitting_changes(settings: Settings, changes: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the changes that can be made to `settings`, and of the others, which clash with them, why not.

    The settings may be others than those that a person once changed.
    """
    kept: dict[str, str] = {}
    clashing: dict[str, str] = {}
    for name, text in changes.items():
        try:
            changed_settings(settings, {**kept, name: text})
        except ConfigError as error:
            clashing[name] = str(error)
        else:
            kept[name] = text
    return (dict(changes), {}) if _fits(settings, changes) else (kept, clashing)


def lies_within(name: str, holder: str) -> bool:
    """Tell whether a setting (keys by dots) is `holder` or a key within it, whatever the case.

    >>> lies_within("KELLY.window", "kelly"), lies_within("KELLY", "KELLY.window")
    (True, False)
    """
    return f"{name}.".lower().startswith(f"{holder}.".lower())


def value_of(settings: Settings, name: str) -> str:
    """Return the value of a setting (keys by dots) as JSON, "null" for one that there is not."""
    value: Any = settings.model_dump(mode="json", include={name.split(".")[0]})
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return msgspec.json.encode(value).decode()


def fault_of_fixed(settings: Settings, path: tuple[str, ...], value: Any) -> str:
    """Return in words why the setting at `path` cannot become `value` while it runs, "" where that is nothing fixed."""
    if path not in FIXED or value == getattr(getattr(settings, path[0]), path[1]):
        return ""
    return f"{'.'.join(path)} cannot change while running: {FIXED[path]}"


def is_too_large(value: Any) -> bool:
    """Tell whether a number in `value` is beyond `LARGEST`, or none at all."""
    if isinstance(value, dict):
        return any(map(is_too_large, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_too_large, value))
    return isinstance(value, int | float) and not (-LARGEST <= value <= LARGEST and math.isfinite(value))


def _fits(settings: Settings, changes: Mapping[str, str]) -> bool:
    try:
        changed_settings(settings, changes)
    except ConfigError:
        return False
    return True


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    *groups, last = path
    holder: Any = values
    for depth, group in enumerate(groups):
        if tuple(path[:depth]) in BY_COIN and isinstance(holder, dict):
            holder = holder.setdefault(group, dict.fromkeys([last]))
        else:
            holder = holder.get(group) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or (last not in holder and tuple(groups) not in BY_COIN):
        raise ConfigError(f"{'.'.join(path)} is no setting")
    holder[last] = value


def _keep_fixed(settings: Settings, values: Mapping[str, Any]) -> None:
    for group, key in FIXED:
        held = values[group]
        if isinstance(held, dict) and (fault := fault_of_fixed(settings, (group, key), held.get(key))):
            raise ConfigError(fault)


def _decoded(name: str, text: str) -> Any:
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError):
        raise ConfigError(f"the value {text!r} of {name} is no JSON") from None
    if is_too_large(value):
        raise ConfigError(f"the value {text} of {name} is too large; allowed: {LARGEST:g} at most")
    return value
