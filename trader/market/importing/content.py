"""From a table as it was read to candles, funding rates or trades that may be stored."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from trader.core.candle import VALUE_COLUMNS
from trader.core.errors import ConfigError, DataError
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.market.importing.names import Names, tidy_symbol
from trader.market.importing.raw import NO_TIME, Array, RawTable, Refusals
from trader.market.overlay import select
from trader.market.store import FUNDING_GRID_MS, FUNDING_LATE_MS
from trader.market.table import CandleTable
from trader.market.trades import candles_from_trades
from trader.market.validate import NAMES, Codes, Fault, check, reason

#: Rows from which a spacing that is not the timeframe's is believed.
ENOUGH_ROWS = 10


class CandleBatch(msgspec.Struct, frozen=True):
    """Candles of one stream from one file, impossible ones left out; `rows` were read, `repeated` exact repetitions."""

    market: Market
    table: CandleTable
    rows: int
    repeated: int
    refusals: Refusals
    notes: tuple[str, ...] = ()


class FundingBatch(msgspec.Struct, frozen=True):
    """Funding rates of one coin from one file."""

    symbol: str
    rows: list[tuple[int, float]]
    refusals: Refusals


class LastTrade(msgspec.Struct, frozen=True):
    """Where the trades of a coin ended: what a file that goes on from there needs to know."""

    id: int
    price: float


def candle_batches(raw: RawTable, names: Names, market: Market) -> list[CandleBatch]:
    """Return one batch for each stream in `raw`; raise `DataError` when coin or timeframe cannot be told."""
    return [
        _candle_batch(rows, _symbol(symbol), _timeframe(timeframe), market)
        for symbol, timeframe, rows in _streams(raw, names)
    ]


def _streams(raw: RawTable, names: Names) -> Iterator[tuple[str | None, str | None, RawTable]]:
    """Split a long table by its symbol and timeframe columns; what it has no column for comes from its name."""
    keys = [name for name in ("symbol", "timeframe") if name in raw.columns]
    if not keys or not len(raw):
        yield names.symbol, names.timeframe, raw
        return
    uniques, codes = zip(*(np.unique(raw.columns[key].astype(str), return_inverse=True) for key in keys), strict=True)
    groups, group_of = np.unique(np.stack(codes), axis=1, return_inverse=True)
    order = np.argsort(group_of, kind="stable")
    ends = np.cumsum(np.bincount(group_of))
    for group, (first, last) in enumerate(zip(np.concatenate(([0], ends[:-1])), ends, strict=True)):
        told = {key: str(uniques[at][groups[at, group]]) for at, key in enumerate(keys)}
        part = raw.take(order[first:last])
        fresh = raw.refusals if group == 0 else Refusals(raw.refusals.unit)
        yield (
            told.get("symbol", names.symbol),
            told.get("timeframe", names.timeframe),
            msgspec.structs.replace(part, refusals=fresh),
        )


def _symbol(text: str | None) -> str:
    if not text:
        raise DataError("which coin? Neither a column nor the name of the file or a folder tells; use --coin")
    return tidy_symbol(text)


def _timeframe(text: str | None) -> Timeframe:
    if not text:
        raise DataError("which timeframe? Neither a column nor the name of the file or a folder tells; use --timeframe")
    try:
        return Timeframe.parse(text)
    except ConfigError as error:
        raise DataError(str(error)) from error


def _candle_batch(raw: RawTable, symbol: str, timeframe: Timeframe, market: Market) -> CandleBatch:
    rows = len(raw) + raw.refusals.total
    raw = _whole_times(_newest_last(raw))
    _require_length(raw, timeframe)
    columns = {name: raw.columns[name] for name in VALUE_COLUMNS if name in raw.columns}
    table = CandleTable.build(symbol, timeframe, raw.columns["time"], **columns)
    codes = check(table)
    _refuse(raw, table, codes)
    repeated = int(np.count_nonzero(codes == Fault.REPEATED))
    kept = select(table, codes == Fault.NONE) if codes.any() else table
    return CandleBatch(market, kept, rows, repeated, raw.refusals, raw.notes)


def _newest_last(raw: RawTable) -> RawTable:
    """Turn a table round that some sites write with the newest candle on top."""
    times = raw.columns["time"]
    descends = len(times) > 1 and times[0] > times[-1] and (np.diff(times) <= 0).all()
    return raw.take(np.arange(len(times))[::-1]) if descends else raw


def _whole_times(raw: RawTable) -> RawTable:
    """Refuse rows without a time, or with one that is no whole millisecond."""
    nowhere, split = raw.columns["time"] == NO_TIME, ~raw.columns["exact"]
    bad = nowhere | split
    for row in np.flatnonzero(bad):
        why = "no time" if nowhere[row] else "open time has a fraction of a millisecond"
        raw.refusals.add(int(raw.lines[row]), why, NAMES[Fault.OFF_GRID])
    return raw.take(~bad) if bad.any() else raw


def _require_length(raw: RawTable, timeframe: Timeframe) -> None:
    """Raise `DataError` when the candles are plainly of another length than the name says."""
    times = raw.columns["time"]
    if len(times) < ENOUGH_ROWS:
        return
    steps = np.abs(np.diff(times))
    steps = steps[steps > 0]
    apart = int(np.gcd.reduce(steps)) if len(steps) else timeframe.ms
    usual = int(np.median(steps)) if len(steps) else timeframe.ms
    lasts = int(np.median(raw.columns["close_time"] - times)) if "close_time" in raw.columns else timeframe.ms
    if lasts not in (timeframe.ms - 1, timeframe.ms):
        raise DataError(f"named {timeframe}, but its candles last {(lasts + 1) / 1000:g} s: name the right timeframe")
    if apart > timeframe.ms or usual < timeframe.ms:
        raise DataError(f"named {timeframe}, but its candles are {usual / 1000:g} s apart: name the right timeframe")


def _refuse(raw: RawTable, table: CandleTable, codes: Codes) -> None:
    """Count the rows that cannot be candles; words are made for those only that will be named."""
    for row in np.flatnonzero((codes != Fault.NONE) & (codes != Fault.REPEATED)):
        kind = NAMES[Fault(int(codes[row]))]
        why = reason(table, int(row), codes) if raw.refusals.names_more else ""
        raw.refusals.add(int(raw.lines[row]), why, kind)


def funding_batches(raw: RawTable, names: Names) -> list[FundingBatch]:
    """Return the funding rates of each coin in `raw`; rows with an impossible time or rate are refused.

    Funding falls due on a full minute; the exchange stamps it some milliseconds late.
    """
    batches = []
    for symbol, _, part in _streams(raw, names):
        times, rates = part.columns["time"], part.columns["rate"]
        sound = (times > 0) & (times % FUNDING_GRID_MS <= FUNDING_LATE_MS) & (np.abs(rates) < 1)
        for row in np.flatnonzero(~sound):
            part.refusals.add(int(part.lines[row]), f"rate {rates[row]} at {times[row]}", "impossible time or rate")
        rows = list(zip(times[sound].tolist(), rates[sound].tolist(), strict=True))
        batches.append(FundingBatch(_symbol(symbol), rows, part.refusals))
    return batches


def trade_batch(
    raw: RawTable, names: Names, market: Market, before: LastTrade | None
) -> tuple[CandleBatch, LastTrade | None]:
    """Return the 1s candles of a coin's trades, and its last trade.

    Where the ids jump, candles are missing; without ids, no trade may be refused.
    An archive of a whole day or month gives all its seconds, from the first trade on, or from `before` when its ids
    go on from there. Of any other file the first and last second are left out: they may have begun or end elsewhere.
    """
    rows = len(raw) + raw.refusals.total
    raw = _sound_trades(raw)
    symbol = _only_symbol(raw, names)
    second = Timeframe.SEC_1
    if not len(raw):
        return CandleBatch(market, CandleTable.empty(symbol, second), rows, 0, raw.refusals, raw.notes), before
    times, ids = raw.columns["time"], _ids(raw)
    if ids is None and raw.refusals.total:
        raise DataError(f"trades without ids, {raw.refusals.total} of them refused: no candle can be vouched for")
    goes_on = before is not None and ids is not None and ids.min() == before.id + 1
    start, end = _covered(times, names.span_ms)
    table = candles_from_trades(
        symbol,
        second,
        times,
        raw.columns["price"],
        raw.columns["quantity"],
        raw.columns["maker"],
        start,
        max(start, end),
        ids=ids,
        counts=_counts(raw),
        last_price=before.price if before and goes_on else np.nan,
    )
    newest = int(np.argmax(times if ids is None else ids))
    last = LastTrade(int(ids[newest]), float(raw.columns["price"][newest])) if ids is not None else None
    notes = (*raw.notes, f"{len(table):,} candles were built from {len(raw):,} trades")
    return CandleBatch(market, table, rows, 0, raw.refusals, notes), last


def _covered(times: Array, span_ms: tuple[int, int] | None) -> tuple[int, int]:
    """Return the seconds that the trades cover whole, `[start, end)` in ms."""
    first, last = int(times.min()), int(times.max())
    if span_ms and span_ms[0] <= first and last < span_ms[1]:
        return span_ms
    return first // 1000 * 1000 + 1000, last // 1000 * 1000


def _only_symbol(raw: RawTable, names: Names) -> str:
    if "symbol" not in raw.columns or not len(raw):
        return _symbol(names.symbol)
    told = sorted(set(raw.columns["symbol"].astype(str).tolist()))
    if len(told) > 1:
        raise DataError(f"trades of {len(told)} coins in one file ({', '.join(told[:3])} …): split it by coin")
    return _symbol(told[0])


def _sound_trades(raw: RawTable) -> RawTable:
    price, quantity = raw.columns["price"], raw.columns["quantity"]
    sound = (price > 0) & (quantity > 0) & np.isfinite(price) & np.isfinite(quantity) & (raw.columns["time"] > 0)
    for row in np.flatnonzero(~sound):
        why = f"price {price[row]}, quantity {quantity[row]}"
        raw.refusals.add(int(raw.lines[row]), why, "impossible trade")
    return raw if sound.all() else raw.take(sound)


def _ids(raw: RawTable) -> Array | None:
    return raw.columns["id"].astype(np.int64) if "id" in raw.columns else None


def _counts(raw: RawTable) -> Array | None:
    if "first_id" not in raw.columns or "last_id" not in raw.columns:
        return None
    return np.asarray(raw.columns["last_id"] - raw.columns["first_id"] + 1)
