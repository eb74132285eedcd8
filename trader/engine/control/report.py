"""Puts together how the daemon is, for whoever asks on its socket."""

from __future__ import annotations

import math
import os

from trader.core.events import Action, OperatorCommand
from trader.core.settings import Settings
from trader.core.trade import Trade
from trader.engine.control.messages import Changed, OpenTrade, Orders, PendingEntry, Status, Streams
from trader.engine.live.order_side import OrderSide
from trader.engine.live.status import funnel_counts, guards_on, stop_distance, troubles
from trader.engine.live.trader import LiveWebSocketTrader
from trader.trading.book import Book, Pending
from trader.trading.changes import value_of

#: The newest alarms are told.
MOST_ALARMS = 5


def status_of(trader: LiveWebSocketTrader, settings: Settings, venue: str) -> Status:
    """Return how a running daemon is; `settings` are those of its start."""
    book, worth = trader.book, trader.book.worth()
    return Status(
        venue=venue,
        mode=settings.MODE,
        market=settings.MARKET,
        pid=os.getpid(),
        time=trader.market_ms,
        last_instant=trader.intake.assembler.done,
        initial=book.pool.initial,
        equity=worth,
        free=book.pool.free,
        reserved=book.reserved,
        drawdown=max(0.0, 1 - worth / book.guards.peak) if book.guards.peak > 0 else 0.0,
        won=book.won,
        lost=book.lost,
        trades=[_open_trade(trade, book) for trade in book.trades.values()],
        pending=[_pending(pending) for pending in book.pending.values()],
        guards=guards_on(book),
        paused=book.guards.paused,
        killed=book.guards.killed,
        changed=changed_of(book, settings),
        waiting=[_said(command) for command in book.commands],
        funnel=funnel_counts(book),
        streams=_streams(trader),
        warnings=trader.warnings(),
        lines=trader.status_lines(),
        vitals=trader.vitals(),
        orders=None if trader.orders is None else orders_of(trader.orders),
    )


def orders_of(side: OrderSide) -> Orders:
    """Return how the side is that sends orders."""
    desk, health = side.desk, side.journal.health()
    every = [each for holding in desk.holdings.values() for each in holding.sent.values()]
    return Orders(
        connected=side.connected,
        resting=sum(each.rests for each in every),
        unguarded={symbol: f"{quantity.normalize():f}" for symbol, quantity in desk.unguarded.items()},
        unknown=[each.client_id for each in every if each.in_doubt],
        standing=side.standing,
        halted=desk.halted,
        alarms=desk.alarms[-MOST_ALARMS:],
        alarm_count=len(desk.alarms),
        dust={coin: f"{quantity.normalize():f}" for coin, quantity in desk.dust.balances.items() if quantity},
        journal=health.trouble,
        journal_waiting=health.waiting,
    )


def changed_of(book: Book, settings: Settings) -> list[Changed]:
    """Return the settings that a person has changed, each with the value that it stands over."""
    return [Changed(name, value, value_of(settings, name)) for name, value in book.changed.items()]


def _open_trade(trade: Trade, book: Book) -> OpenTrade:
    price = book.last_close.get(trade.symbol, trade.entry_price)
    return OpenTrade(
        id=trade.id,
        symbol=trade.symbol,
        timeframe=trade.timeframe,
        direction=trade.direction.name,
        quantity=trade.quantity_left,
        entry_price=trade.entry_price,
        entry_time=trade.entry_time,
        price=price,
        unrealised=trade.unrealised(price),
        leverage=trade.leverage,
        stop=_level(trade.stop),
        stop_reason=trade.stop_reason,
        stop_distance=_level(stop_distance(trade, price)),
        take_profit=_level(trade.take_profit),
        closing=trade.closing,
        hedge=trade.hedge,
    )


def _pending(pending: Pending) -> PendingEntry:
    request = pending.request
    return PendingEntry(
        symbol=request.symbol,
        timeframe=pending.reading.timeframe,
        direction=request.direction.name,
        quantity=request.quantity,
        price=pending.price,
        stop=_level(pending.stop),
        hedge=pending.hedge,
    )


def _streams(trader: LiveWebSocketTrader) -> Streams:
    stats, pulse, assembler = trader.intake.stats, trader.pulse, trader.intake.assembler
    return Streams(
        connected=stats.connected,
        messages=stats.messages,
        age_ms=stats.age_ms,
        lag_ms=pulse.lag_ms,
        worst_lag_ms=pulse.worst_lag_ms,
        instants=pulse.instants,
        candles=pulse.candles,
        gaps=sorted(assembler.gaps),
        troubles=troubles(stats, assembler.counters, trader.intake.repaired),
    )


def _said(command: OperatorCommand) -> str:
    if command.action is Action.SET:
        return f"set {command.name} = {command.value}"
    return f"{command.action.replace('_', '-')} {command.name}".strip()


def _level(value: float) -> float | None:
    return value if math.isfinite(value) else None
