"""Settings that a person may change while the daemon runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from trader.core.errors import ConfigError
from trader.core.settings import Settings

#: What may change: decisions to come are made with the new value, what stands keeps the old one.
CHANGEABLE = (
    "MIN_PROBABILITY",
    "MIN_STRENGTH",
    "MAX_CONCURRENT_TRADES",
    "TREND_ALIGNMENT",
    "MIN_ATR_PCT",
    "MIN_NET_PROFIT_PCT",
    "RISK_PER_TRADE",
    "MAX_POSITION_SIZE_PCT",
    "MIN_SIZE_RATIO",
    "DAILY_LOSS_LIMIT",
    "MAX_PORTFOLIO_RISK",
    "MAX_SYMBOL_EXPOSURE",
    "MAX_DIRECTION_EXPOSURE",
    "TRADING_HOURS",
    "LOSING_STREAK_PROTECTION",
    "DRAWDOWN_PROTECTION",
    "BREAKEVEN_STOP",
    "TRAILING_STOP",
)


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
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError(faults) from None


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    *groups, last = path
    holder: Any = values
    for group in groups:
        holder = holder.get(group) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or last not in holder:
        raise ConfigError(f"{'.'.join(path)} is no setting")
    holder[last] = value


def _decoded(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        raise ConfigError(f"the value {text!r} of {name} is no JSON") from None
