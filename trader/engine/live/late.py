"""Judges candles whose instant is over: they fill and exit, and leave alone what came after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trader.core.events import Instant
from trader.core.trade import Trade
from trader.simulation.broker import BrokerState
from trader.trading.book import Book


@contextmanager
def as_it_stood(instant: Instant, book: Book, state: BrokerState) -> Iterator[list[Trade]]:
    """Keep out of a late instant's reach what is newer than its candles: trades entered later, and later closes.

    Afterwards the list holds the trades of which a broker may have been told another stop than they have: one that
    rests at an exchange cannot be kept out of its reach.
    """
    opened = {candle.symbol: candle.open_time for candle in instant.candles}
    closes = {
        symbol: (book.last_close[symbol], book.last_close_time[symbol])
        for symbol in opened
        if symbol in book.last_close
    }
    newer = [trade for trade in book.trades.values() if trade.entry_time > opened.get(trade.symbol, trade.entry_time)]
    levels = [(trade, (trade.peak, trade.stop, trade.stop_reason)) for trade in newer]
    order = list(state.positions)
    there = {trade.position_id for trade in newer} & set(order)
    hidden = {position_id: state.positions.pop(position_id) for position_id in there}
    moved: list[Trade] = []
    yield moved
    every = state.positions | hidden
    state.positions = {key: every[key] for key in [*order, *(key for key in every if key not in order)] if key in every}
    for trade, before in levels:
        if trade.stop != before[1] and trade.position_id not in hidden:
            moved.append(trade)
        _restore(trade, *before)
    for symbol, (close, time) in closes.items():
        if time > instant.time:
            book.last_close[symbol], book.last_close_time[symbol] = close, time


def _restore(trade: Trade, peak: float, stop: float, stop_reason: str) -> None:
    trade.peak, trade.stop, trade.stop_reason = peak, stop, stop_reason
