"""The trading hours (check 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from trader.core.settings.groups import TradingHours


def inside_hours(hours: TradingHours, time: int) -> bool:
    """Tell whether the hour of T (ms) lies in `[start_hour, end_hour)` of the time zone; it may wrap past midnight."""
    hour = datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo(hours.timezone)).hour
    if hours.start_hour < hours.end_hour:
        return hours.start_hour <= hour < hours.end_hour
    return hour >= hours.start_hour or hour < hours.end_hour
