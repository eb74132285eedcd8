"""The kline stream of one symbol and interval: what is sent when a candle closes, and in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trader.core.candle import Candle
from trader.core.timeframe import SECOND_MS, Timeframe
from trader.exchange.embedded.payloads import whole
from trader.exchange.embedded.tape import Tape
from trader.exchange.embedded.wire import number
from trader.market.table import CandleTable, Floats

#: Candles that are prepared at once.
CHUNK = 256
#: Event text and whether it closes a candle.
Update = tuple[str, bool]
#: Columns in the order of the event, with the kind of number each is.
COLUMNS = (
    ("open", "price"),
    ("close", "price"),
    ("high", "price"),
    ("low", "price"),
    ("volume", "quantity"),
    ("count", ""),
    ("quote_volume", "quote"),
    ("taker_buy_volume", "quantity"),
    ("taker_buy_quote_volume", "quote"),
)


class KlineFeed:
    """Events as Binance words them. `unit`: units of the wire in a millisecond; `continuous`: the contract's form."""

    rank = 2

    def __init__(self, tape: Tape, timeframe: Timeframe, unit: int, continuous: bool = False) -> None:
        self.every_ms = timeframe.ms
        self.pace_ms = pace_of(tape.market, timeframe)
        self._tape = tape
        self._timeframe = timeframe
        self._unit = unit
        self._digits = [getattr(tape.decimals, kind) if kind else 0 for _, kind in COLUMNS]
        self._head, self._k = _heads(tape.symbol, timeframe.wire, continuous)
        self._rows: Iterator[tuple[int, tuple[Any, ...]]] = iter(())
        self._next: tuple[int, tuple[Any, ...]] | None = None
        self._template = ""
        self._loaded_until = 0
        self._shown: Candle | None = None

    def at_close(self, due: int) -> list[Update]:
        """Return the event of the candle that closes at `due`; none where it is missing."""
        row = self._row(due - self.every_ms)
        return [] if row is None else [(self._template % (due * self._unit, *row), True)]

    def between(self, now: int) -> list[Update]:
        """Return the open candle, if it has changed since it was shown last."""
        candle = self._tape.open_candle(self._timeframe)
        if candle == self._shown or not self._tape.listed:
            return []
        self._shown = candle
        return [(self._open_text(candle, now), False)]

    def _row(self, open_time: int) -> tuple[Any, ...] | None:
        """Return the prepared row of one candle; times asked for ascend."""
        if open_time >= self._loaded_until:
            self._load(open_time)
        while self._next is not None and self._next[0] < open_time:
            self._next = next(self._rows, None)
        return self._next[1] if self._next is not None and self._next[0] == open_time else None

    def _load(self, open_time: int) -> None:
        self._loaded_until = open_time + CHUNK * self.every_ms
        table = self._tape.history.table(self._timeframe, open_time, self._loaded_until)
        self._template, rows = self._prepared(table)
        self._rows = iter(zip(table.open_time.tolist(), rows, strict=True))
        self._next = next(self._rows, None)

    def _prepared(self, table: CandleTable) -> tuple[str, list[tuple[Any, ...]]]:
        """Return the template of closed candles and what goes into it, behind the event time."""
        first, last = self._tape.trades.spans(table)
        opens = table.open_time * self._unit
        times = [opens.tolist(), (opens + self.every_ms * self._unit - 1).tolist(), first.tolist(), last.tolist()]
        columns = [np.nan_to_num(getattr(table, name), nan=0.0) for name, _ in COLUMNS]
        pairs = list(zip(columns, self._digits, strict=True))
        if all(exact(column, digits) for column, digits in pairs):
            formats = [f"%.{digits}f" for digits in self._digits]
            values: list[list[Any]] = [column.tolist() for column in columns]
        else:
            formats = ["%s"] * len(COLUMNS)
            values = [[number(value, digits) for value in column.tolist()] for column, digits in pairs]
        return self._text(formats, "true"), list(zip(*times, *values, strict=True))

    def _open_text(self, candle: Candle, now: int) -> str:
        ids = self._tape.open_ids(self._timeframe)
        times = (candle.open_time * self._unit, candle.close_time * self._unit - 1)
        values = [
            str(whole(getattr(candle, name))) if not kind else number(getattr(candle, name), digits)
            for (name, kind), digits in zip(COLUMNS, self._digits, strict=True)
        ]
        return self._text(["%s"] * len(COLUMNS), "false") % (now * self._unit, *times, *ids, *values)

    def _text(self, formats: list[str], closed: str) -> str:
        o, c, h, low, v, n, q, taker, taker_quote = formats
        return (
            f'{self._head}{self._k}"f":%d,"L":%d,"o":"{o}","c":"{c}","h":"{h}","l":"{low}","v":"{v}","n":{n},'
            f'"x":{closed},"q":"{q}","V":"{taker}","Q":"{taker_quote}","B":"0"}}}}'
        )


def pace_of(market: str, timeframe: Timeframe) -> int:
    """Return how often an open candle is shown, ms of the play (binance.md, section 2)."""
    if market == "futures":
        return 250
    return SECOND_MS if timeframe is Timeframe.SEC_1 else 2 * SECOND_MS


def exact(column: Floats, digits: int) -> bool:
    """Tell whether all values read back as the same floats when written with `digits`."""
    scale = 10.0**digits
    same = np.rint(column * scale) / scale == column
    return bool((same | ((np.abs(column) >= 2.0**27) & (digits >= 8))).all())


def _heads(symbol: str, interval: str, continuous: bool) -> tuple[str, str]:
    """Return the beginning of the event up to its candle, and the candle's up to its trade ids."""
    if continuous:
        return (
            f'{{"e":"continuous_kline","E":%d,"ps":"{symbol}","ct":"PERPETUAL","k":{{',
            f'"t":%d,"T":%d,"i":"{interval}",',
        )
    return f'{{"e":"kline","E":%d,"s":"{symbol}","k":{{', f'"t":%d,"T":%d,"s":"{symbol}","i":"{interval}",'
