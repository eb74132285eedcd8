"""What the charts of the page draw, as plain data: the browser turns it into plotly charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from trader import metrics
from trader.core.timeframe import Timeframe
from trader.core.trade import Factors, Trade
from trader.engine.result import RunResult
from trader.engine.run_notes import day_text
from trader.market.table import CandleTable
from trader.reports import book
from trader.reports.chosen import chosen, spread
from trader.reports.figures import duration, signed, written
from trader.reports.thin import thin, together

#: At most 20,000 candles on the page: half for the coins, half for the windows of chosen trades (100 of 100).
COIN_CANDLES = 10_000
ONE_COIN_CANDLES = 2_000
WINDOW_CANDLES = 100
MAX_COINS = 10
MAX_MARKED_TRADES = 2_000
MAX_POINTS = 4_000
_HOLD_POINTS = 600
_ENOUGH_CANDLES = 1_000
#: A trade of fewer candles of its own timeframe is also shown on those that judged its exits.
_LONG_ENOUGH = 8


class Candles(Protocol):
    """Gives stored candles for pictures."""

    def __call__(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles of a stream with `start_ms <= open_time < end_ms`; an empty table where none are."""
        ...


def drawing(result: RunResult, candles: Candles) -> dict[str, Any]:
    """Return all that the charts draw. Times in ms UTC, prices to 8 digits."""
    closed = book.closed(result)
    whole = {symbol: _whole(result, symbol, candles) for symbol in dict.fromkeys(coin for coin, _ in result.streams)}
    return {
        "quote": result.settings.QUOTE,
        "equity": _equity(result),
        "unhedged": _equity(result.unhedged) if result.unhedged is not None else None,
        "hold": _hold(result, whole),
        "coins": _coins(closed, whole),
        "trades": [_window(result, trade, why, candles) for trade, why in chosen(closed)],
    }


def _equity(result: RunResult) -> dict[str, list[float]]:
    curve = result.equity
    fall = metrics.drawdown(curve.equity)
    rows = thin(curve.equity, MAX_POINTS - 1)
    last = rows[-1:]  # the step lasts until the end of the run
    return {
        "time": [*curve.time[rows].tolist(), result.end],
        "equity": short(np.append(curve.equity[rows], curve.equity[last])),
        "drawdown": short(np.append(fall[rows], fall[last])),
    }


def _whole(result: RunResult, symbol: str, candles: Candles) -> CandleTable:
    """Return a coin's candles of the run in its longest timeframe that has enough of them, else in its shortest."""
    own = sorted((timeframe for coin, timeframe in result.streams if coin == symbol), key=lambda each: -each.ms)
    enough = (timeframe for timeframe in own if (result.end - result.start) // timeframe.ms >= _ENOUGH_CANDLES)
    return candles(symbol, next(enough, own[-1]), result.start, result.end)


def _hold(result: RunResult, whole: Mapping[str, CandleTable]) -> dict[str, list[float]]:
    """Return buy-and-hold on the run's capital: equal amounts in every coin at its first open."""
    moments = np.linspace(result.start, result.end, _HOLD_POINTS).astype(np.int64)
    known = [hold for hold in result.holds if hold.first > 0 and hold.symbol in whole]
    worth = [_worth(result.start, hold.first, whole[hold.symbol], moments) for hold in known]
    if not worth:
        return {"time": [], "equity": []}
    return {"time": moments.tolist(), "equity": short(np.mean(worth, axis=0) * result.initial_capital)}


def _worth(start: int, first: float, table: CandleTable, moments: metrics.Times) -> metrics.Floats:
    closes = np.append(start, table.open_time + table.timeframe.ms)
    return metrics.values_at(closes, np.append(first, table.close), moments) / first


def _coins(closed: Sequence[Trade], whole: Mapping[str, CandleTable]) -> list[dict[str, Any]]:
    """Return the coins with most trades, each with its candles and the levels of its trades."""
    trades: dict[str, list[Trade]] = {symbol: [] for symbol in whole}
    for trade in sorted(closed, key=lambda trade: (trade.entry_time, trade.id)):
        trades.get(trade.symbol, []).append(trade)  # a coin that is no longer served has windows, no chart
    ranked = sorted(trades, key=lambda symbol: -len(trades[symbol]))[:MAX_COINS]
    return [_coin(whole[symbol], trades[symbol], len(ranked)) for symbol in ranked]


def _coin(whole: CandleTable, trades: Sequence[Trade], coins: int) -> dict[str, Any]:
    count, table = together(whole, min(COIN_CANDLES // coins, ONE_COIN_CANDLES))
    marked, width = spread(trades, MAX_MARKED_TRADES // coins), count * whole.timeframe.ms
    return {
        "name": whole.symbol,
        "text": f"One candle is {duration(width)}; {len(marked):,} of {len(trades):,} trades are marked.",
        "width": width,
        "candles": ohlc(table),
        "trades": [_marks(trade) for trade in marked],
    }


def _marks(trade: Trade) -> dict[str, Any]:
    return {
        "title": title(trade),
        "side": int(trade.direction),
        "won": trade.net > 0,
        "entry": [trade.entry_time, number(trade.entry_price)],
        "exits": [[part.time, number(part.price), _exit_text(part)] for part in trade.parts],
        "stop": number(trade.first_stop),
        "target": number(trade.take_profit),
    }


def _exit_text(part: Any) -> str:
    return f"{part.reason}: {part.quantity:.8g} at {part.price:.8g}, net {signed(part.net, 'money')}"


def _window(result: RunResult, trade: Trade, why: str, candles: Candles) -> dict[str, Any]:
    moves = result.stop_moves.get(trade.id, [])
    levels = sorted({target.price for target in trade.targets} - {trade.take_profit})
    return {
        **_marks(trade),
        "why": why,
        "panes": _panes(trade, result.exit_streams.get(trade.symbol, trade.timeframe), candles),
        "end": trade.exit_time,
        "stops": [[trade.entry_time, number(trade.first_stop)], *([time, number(price)] for time, price in moves)],
        "last_stop": number(trade.stop),
        "levels": [number(price) for price in levels],
        "facts": _facts(trade),
    }


def _panes(trade: Trade, exits: Timeframe, candles: Candles) -> list[dict[str, Any]]:
    """Return the candles around a trade: its own, and finer ones beside them where it was short."""
    step, held = trade.timeframe.ms, trade.exit_time - trade.entry_time
    if exits.ms >= step or held >= _LONG_ENOUGH * step:
        return [_pane(trade, trade.timeframe, 50 * step, 15 * step, WINDOW_CANDLES, candles)]
    around = max(12 * exits.ms, held // 2)
    return [
        _pane(trade, trade.timeframe, 45 * step, 5 * step, WINDOW_CANDLES * 6 // 10, candles),
        _pane(trade, exits, around, around, WINDOW_CANDLES * 4 // 10, candles),
    ]


def _pane(trade: Trade, timeframe: Timeframe, before: int, after: int, limit: int, candles: Candles) -> dict[str, Any]:
    table = candles(trade.symbol, timeframe, trade.signal_time - before, trade.exit_time + after)
    count, table = together(table, limit)
    width = count * timeframe.ms
    text = f"one candle is {duration(width)}" if len(table) else "no candles are stored for this time"
    return {"text": text, "width": width, "candles": ohlc(table)}


def title(trade: Trade) -> str:
    """Return a trade in a line, e.g. `#12 BTCUSDT 5min LONG double_bottom +12.30`."""
    name = f"#{trade.id} {trade.symbol} {trade.timeframe} {trade.direction.name} {trade.pattern or trade.strategy}"
    return f"{name} {signed(trade.net, 'money')}"


def _facts(trade: Trade) -> list[tuple[str, str]]:
    risk = book.risk_of(trade)
    multiple = f" ({signed(trade.net / risk, 'ratio')} R)" if risk > 0 else ""
    leverage = f", leverage {trade.leverage:g}" if trade.leverage != 1 else ""
    return [
        ("signal", f"{day_text(trade.signal_time)} UTC, {trade.strategy}{trade.pattern and f': {trade.pattern}'}"),
        *([] if trade.hedge else [("probability, strength", f"{trade.probability:.2f}, {trade.strength:.2f}")]),
        ("entry", f"{day_text(trade.entry_time)} UTC, {trade.quantity:.8g} at {trade.entry_price:.8g}{leverage}"),
        *([] if trade.hedge else [("stop, take profit", f"{trade.first_stop:.8g}, {trade.take_profit:.8g}")]),
        *([] if trade.factors is None else [("size", _size(trade.factors))]),
        *(("exit", f"{day_text(part.time)} UTC, {_exit_text(part)}") for part in trade.parts),
        ("held", duration(trade.exit_time - trade.entry_time)),
        ("fees, funding", f"{written(book.fees_of(trade), 'money')}, {written(book.funding_of(trade), 'money')}"),
        ("net", f"{signed(trade.net, 'money')}{multiple}"),
    ]


def _size(factors: Factors) -> str:
    """Say what made a quantity: the risk, what each cap allowed, what made it smaller, and what decided."""
    caps = ", ".join(f"{name} {quantity:.8g}" for name, quantity in factors.caps.items())
    less = "".join(f" × {name} {factor:g}" for name, factor in factors.reductions.items())
    weight = f" (confidence {factors.confidence:g})" if factors.confidence != 1 else ""
    wanted = f"wanted {factors.wanted:.8g}, affordable {factors.affordable:.8g}"
    return f"bound by {factors.bound}: risk {written(factors.risk, 'money')}{weight}; caps {caps}{less}; {wanted}"


def ohlc(table: CandleTable) -> dict[str, list[Any]]:
    """Return a table as lists: open times, and prices to 8 digits."""
    prices = {name: short(getattr(table, name)) for name in ("open", "high", "low", "close")}
    return {"time": table.open_time.tolist(), **prices}


def short(values: metrics.Floats | Iterable[float]) -> list[Any]:
    """Return numbers to 8 digits; None for what is not finite."""
    return [number(value) for value in np.asarray(values).tolist()]


def number(value: float) -> float | None:
    """Return a number to 8 digits; None for what is not finite.

    >>> number(1 / 3), number(float("nan"))
    (0.33333333, None)
    """
    return float(f"{value:.8g}") if np.isfinite(value) else None
