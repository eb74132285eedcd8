"""The parameters of a request, checked the way Binance checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from trader.core.timeframe import Timeframe
from trader.exchange.embedded.accounts.decimals import parse_decimal
from trader.exchange.embedded.api_error import (
    ApiError,
    bad_interval,
    bad_symbol,
    illegal_characters,
    missing,
    not_valid,
    unread,
)
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.payloads import MICROSECOND, MILLISECOND
from trader.exchange.embedded.tape import Tape

SYMBOL_PATTERN = r"^[\w\-._&&[^a-z]]{1,50}$"
SYMBOL = re.compile(r"[^\Wa-z]+(?:[-.][^\Wa-z]+)*")
NUMBER_PATTERN = "^[0-9]{1,20}$"
NUMBER = re.compile(r"[0-9]{1,20}")
#: Binance's names of intervals, as far as the program knows them.
INTERVALS = {timeframe.wire: timeframe for timeframe in Timeframe if timeframe.wire}


class Params:
    """The query of one request to one market; every getter raises `ApiError` as Binance would."""

    def __init__(self, floor: Floor, values: Mapping[str, str], unit_header: str | None = None) -> None:
        self.floor = floor
        self._values = values
        self._unit_header = unit_header

    def known(self, *names: str) -> None:
        """Refuse parameters that the endpoint does not read; only spot minds them."""
        read = sum(name in names for name in self._values)
        if self.floor.market == "spot" and read < len(self._values):
            raise unread(read, len(self._values))

    def has(self, name: str) -> bool:
        """Tell whether a parameter was sent with a value."""
        return bool(self._values.get(name))

    def unit(self) -> int:
        """Return the unit of time asked for by header: microseconds exist on spot only."""
        wanted = (self._unit_header or "MILLISECOND").upper()
        if self.floor.market == "futures" or wanted == "MILLISECOND":
            return MILLISECOND
        if wanted == "MICROSECOND":
            return MICROSECOND
        raise ApiError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")

    def tape(self, name: str = "symbol") -> Tape:
        """Return the tape of the mandatory symbol."""
        symbol = self._values.get(name, "")
        if not symbol:
            raise missing(name)
        return self._tape_of(symbol, name)

    def tapes(self) -> list[Tape]:
        """Return the tapes of `symbol`, of the JSON list `symbols`, or of all that have begun."""
        if self.has("symbol") and self.has("symbols"):
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        if self.has("symbol"):
            return [self.tape()]
        if self.has("symbols"):
            return [self._tape_of(symbol, "symbols") for symbol in self._symbols()]
        return self.floor.listed

    def interval(self, tape: Tape) -> Timeframe:
        """Return the mandatory interval; one that the tape is too coarse for is as unknown as any other."""
        name = self._values.get("interval", "")
        if not name:
            raise missing("interval")
        timeframe = INTERVALS.get(name)
        if timeframe is None or not tape.history.offers(timeframe):
            raise bad_interval()
        return timeframe

    def limit(self, default: int, most: int) -> int:
        """Return the number of rows asked for: spot cuts it down to `most`, futures refuses more."""
        value = self.integer("limit")
        if value is None:
            return default
        if value == 0 or (value > most and self.floor.market == "futures"):
            raise not_valid("limit")
        return min(value, most)

    def integer(self, name: str) -> int | None:
        """Return an optional number."""
        text = self._values.get(name)
        if text is None:
            return None
        if not text:
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        if not NUMBER.fullmatch(text):
            raise illegal_characters(name, NUMBER_PATTERN)
        return int(text)

    def time(self, name: str) -> int | None:
        """Return an optional time in ms, whatever unit it was sent in."""
        value = self.integer(name)
        return value // 1_000 if value is not None and value > 10**14 else value

    def span(self) -> tuple[int | None, int | None]:
        """Return `startTime` and `endTime` in ms; futures refuses a start behind the end."""
        start, end = self.time("startTime"), self.time("endTime")
        if start is not None and end is not None and start > end and self.floor.market == "futures":
            raise ApiError(-1023, "Start time is greater than end time.")
        return start, end

    def text(self, name: str, default: str = "") -> str:
        """Return an optional text."""
        return self._values.get(name, default)

    def needed(self, name: str) -> str:
        """Return a mandatory text."""
        text = self._values.get(name, "")
        if not text:
            raise missing(name)
        return text

    def decimal(self, name: str, digits: int = 8) -> Decimal | None:
        """Return an optional exact number of at most `digits` behind the point."""
        text = self._values.get(name)
        if text is None:
            return None
        if not text:
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return parse_decimal(name, text, digits)

    def flag(self, name: str) -> bool:
        """Return an optional `true` or `false`."""
        text = self._values.get(name, "false").lower()
        if text not in ("true", "false"):
            raise illegal_characters(name, "^(true|false)$")
        return text == "true"

    def _tape_of(self, symbol: str, name: str) -> Tape:
        if self.floor.market == "spot" and not SYMBOL.fullmatch(symbol):
            raise illegal_characters(name, SYMBOL_PATTERN)
        if symbol not in self.floor.tapes:
            raise bad_symbol()
        return self.floor.tapes[symbol]

    def _symbols(self) -> list[str]:
        try:
            symbols = msgspec.json.decode(self._values["symbols"], type=list[str])
        except msgspec.DecodeError:
            raise illegal_characters("symbols", r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$') from None
        if len(set(symbols)) < len(symbols):
            raise ApiError(-1151, "Symbol is present multiple times in the list.")
        return symbols
