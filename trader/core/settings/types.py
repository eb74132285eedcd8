"""The types that settings are made of, and the words for a value that contradicts another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe

#: Sums of shares may miss 1 by the noise of floats.
SHARE_NOISE = 1e-9


def contradiction(
    text: str, *others: str, choices: Sequence[str] = (), within: str | None = None
) -> PydanticCustomError:
    """Return the error that says `text` of a setting, or of the key `within` it.

    `others` are the settings it contradicts: names within the same group; `choices` what was perhaps meant.
    """
    context = {"text": text, "others": others, "choices": choices, "within": within}
    return PydanticCustomError("contradiction", "{text}", context)


def above(value: float, info: ValidationInfo, other: str, text: str) -> float:
    """Return `value` where it is more than the setting `other` of the same group; else raise, saying `text`."""
    floor = info.data.get(other)
    if floor is not None and value <= floor:
        raise contradiction(text, other)
    return value


def ascending(values: Sequence[float], text: str) -> None:
    """Raise, saying `text`, unless each of `values` is more than the one before."""
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise contradiction(text)


def shares(values: Sequence[float]) -> None:
    """Raise unless `values`, shares of one whole, sum to 1 at most."""
    if sum(values) > 1 + SHARE_NOISE:
        raise contradiction(f"the shares sum to {sum(values):.10g}; allowed: 1 at most")


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if twice := [str(value) for value, count in Counter(values).items() if count > 1]:
        raise contradiction(f"{', '.join(twice)} is given twice")
    return values


def _coin(text: str) -> str:
    if not re.fullmatch(r"\w+", text):
        raise contradiction("a symbol has letters and digits only, as in BTCUSDT")
    return text.upper()


def _timeframe(value: Any) -> Any:
    try:
        return Timeframe.parse(value)
    except ConfigError:
        raise contradiction(f"allowed: {', '.join(Timeframe)}", choices=list(Timeframe)) from None


def _finest_first(values: tuple[Timeframe, ...]) -> tuple[Timeframe, ...]:
    return tuple(sorted(values, key=lambda timeframe: timeframe.ms))


def _calendar_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise contradiction("allowed: a day as YYYY-MM-DD") from None


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        text = "there is no such time zone; allowed: a name of the IANA list, as in Europe/Berlin"
        raise contradiction(text, choices=sorted(available_timezones())) from None


def _number_or_table(value: Any) -> str:
    return "table" if isinstance(value, dict) else "number"


def _number_or_word(value: Any) -> str:
    return "word" if isinstance(value, str) else "number"


def _by_time(table: dict[str, str]) -> dict[str, str]:
    return {_instant(text): value for text, value in table.items()}


def _instant(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise contradiction(f"{text}: allowed: a time (UTC) as YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS") from None
    if time.utcoffset():
        raise contradiction(f"{text}: allowed: a time in UTC, without an offset or with Z")
    return time.replace(tzinfo=None).isoformat()


Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
OpenFraction = Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Leverage = Annotated[float, Field(strict=True, ge=1, le=125, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1)]
Index = Annotated[int, Field(strict=True, ge=0)]
Hour = Annotated[int, Field(strict=True, ge=0, le=23)]
DecimalText = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$", description="a decimal number in quotes")]
Name = Annotated[str, Field(min_length=1)]
Day = Annotated[str, AfterValidator(_calendar_day)]
ModelName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_-]{0,39}(@v\d{4})?$", description="NAME or NAME@VERSION, as in patterns@v0001"),
]
#: Models by times of the market, UTC, whose texts sort as they do.
ModelSchedule = Annotated[dict[str, ModelName], AfterValidator(_by_time)]
Zone = Annotated[str, AfterValidator(_zone)]
KnownTimeframe = Annotated[Timeframe, BeforeValidator(_timeframe)]
Coin = Annotated[str, AfterValidator(_coin)]
Coins = Annotated[tuple[Coin, ...], Field(min_length=1), BeforeValidator(_split), AfterValidator(_distinct)]
Timeframes = Annotated[
    tuple[KnownTimeframe, ...],
    Field(min_length=1),
    BeforeValidator(_split),
    AfterValidator(_finest_first),
    AfterValidator(_distinct),
]
FractionByTimeframe = Annotated[
    Annotated[Fraction, Tag("number")] | Annotated[dict[KnownTimeframe, Fraction], Tag("table")],
    Discriminator(_number_or_table),
]
Speed = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[Literal["max"], Tag("word")], Discriminator(_number_or_word)
]
