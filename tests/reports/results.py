"""Builds finished runs for the tests of reports: a generated market, traded at random by a small rule."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from tests.builders import START_MS, settings, walk
from trader.core.signal import PATTERN_DIRECTION, Direction, Pattern
from trader.core.timeframe import Timeframe
from trader.core.trade import Part, Target, Trade
from trader.engine.result import EquityCurve, Hold, RunResult
from trader.market.table import CandleTable
from trader.reports.thin import together

M5, M30 = Timeframe.MIN_5, Timeframe.MIN_30
COINS = ("BTCUSDT", "ETHUSDT")
CAPITAL = 10_000.0
TAKER, MAKER = 0.0005, 0.0002
FUNNEL = (
    "warming_up",
    "no_pattern",
    "low_probability",
    "low_strength",
    "against_trend",
    "low_volatility",
    "max_trades",
)


class Market:
    """Candles of a generated year in 5min and 30min, by the signature that the reports call."""

    def __init__(self, days: int, seed: int = 0, coins: tuple[str, ...] = COINS) -> None:
        self.base = {
            coin: walk(days * 288, seed=seed + place, price=40_000.0 / (1 + 15 * place), sigma=0.0012,
                       symbol=coin, timeframe=M5)
            for place, coin in enumerate(coins)
        }  # fmt: skip
        self.calls = 0

    def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the stored candles of `[start_ms, end_ms)`."""
        self.calls += 1
        table = self.base[symbol].between(start_ms, end_ms)
        if timeframe is M5:
            return table
        _, longer = together(table, max(-(-len(table) // 6), 1))
        values = {name: getattr(longer, name) for name in ("open", "high", "low", "close", "volume")}
        return CandleTable.build(symbol, timeframe, longer.open_time, **values)


class Ledger:
    """Books parts in order and keeps what each candle's end is worth."""

    def __init__(self, size: int) -> None:
        self.profit = np.zeros(size + 1)
        self.reserved = np.zeros(size + 1)
        self.moves: dict[int, list[tuple[int, float]]] = {}
        self.traded = 0.0
        self.trades: list[Trade] = []


def a_run(trades: int = 300, days: int = 365, seed: int = 0, **changes: Any) -> tuple[RunResult, Market]:
    """Return a run of about so many trades over so many days, and its market."""
    market = Market(days, seed)
    ledger = Ledger(days * 288)
    chance = random.Random(seed)
    for coin in COINS:
        for at in _entries(chance, trades // len(COINS), days * 288):
            _trade(ledger, market.base[coin], at, chance)
    ledger.trades.sort(key=lambda trade: trade.entry_time)
    return _result(ledger, market, days, changes), market


def empty_run(**changes: Any) -> RunResult:
    """Return a run of two days in which nothing was traded."""
    market = Market(2)
    return _result(Ledger(2 * 288), market, 2, changes)


def _entries(chance: random.Random, count: int, size: int) -> list[int]:
    room = size // max(count, 1)
    return [at * room + chance.randrange(100, max(room // 2, 101)) for at in range(count)] if count else []


def _trade(ledger: Ledger, table: CandleTable, at: int, chance: random.Random) -> None:
    pattern = chance.choice(list(Pattern))
    direction = PATTERN_DIRECTION.get(pattern, Direction.LONG)
    entry = float(table.open[at]) * (1 + 0.0002 * direction)
    quantity = round(chance.uniform(1_500, 3_300) / entry, 4)
    trade = Trade(
        id=0, position_id=0, symbol=table.symbol, timeframe=chance.choice([M5, M5, M30]), strategy="geometry",
        pattern=str(pattern), direction=direction, probability=chance.uniform(0.65, 0.95),
        strength=chance.uniform(0.65, 0.95), signal_time=int(table.open_time[at]), entry_time=int(table.open_time[at]),
        entry_price=entry, quantity=quantity, leverage=1.0, atr14=entry * 0.003, stop=entry * (1 - 0.006 * direction),
        stop_reason="stop_loss", stop_order_id=0, first_stop=entry * (1 - 0.006 * direction),
        take_profit=entry * (1 + 0.024 * direction), targets=[], peak=entry, quantity_left=quantity,
        reserved=quantity * entry, entry_fee=quantity * entry * TAKER, fees=0.0,
    )  # fmt: skip
    trade.targets = [Target(0, entry * (1 + 0.012 * direction), quantity / 2, "partial_tp")]
    ledger.traded += quantity * entry
    moves: list[tuple[int, float]] = []
    for place in range(at, len(table)):
        _candle(ledger, trade, table, place, moves)
        if trade.quantity_left <= 0:
            break
    ledger.moves[len(ledger.trades)] = moves
    trade.id = len(ledger.trades)
    ledger.trades.append(trade)


def _candle(ledger: Ledger, trade: Trade, table: CandleTable, place: int, moves: list[tuple[int, float]]) -> None:
    side = trade.direction
    best, worst = (table.high[place], table.low[place])[:: 1 if side > 0 else -1]
    close, end = float(table.close[place]), int(table.open_time[place]) + M5.ms
    if side * worst <= side * trade.stop:
        _close(ledger, trade, place, end, trade.quantity_left, trade.stop, trade.stop_reason, TAKER)
    elif trade.targets and side * best >= side * trade.targets[0].price:
        target = trade.targets.pop()
        _close(ledger, trade, place, end, target.quantity, target.price, target.reason, MAKER)
    elif side * best >= side * trade.take_profit:
        _close(ledger, trade, place, end, trade.quantity_left, trade.take_profit, "take_profit", MAKER)
    elif place == len(table) - 1:
        _close(ledger, trade, place, end, trade.quantity_left, close, "end_of_data", TAKER)
    trade.peak = side * max(side * trade.peak, side * float(best))
    raised = trade.peak * (1 - 0.005 * side)
    if side * trade.peak >= side * trade.entry_price * (1 + 0.010 * side) and side * raised > side * trade.stop:
        trade.stop, trade.stop_reason = raised, "trailing_stop"
        moves.append((end, raised))
    ledger.profit[place + 1] += trade.unrealised(close) - trade.entry_fee * trade.quantity_left / trade.quantity
    ledger.reserved[place + 1] += trade.quantity_left * trade.entry_price


def _close(
    ledger: Ledger, trade: Trade, place: int, time: int, quantity: float, price: float, reason: str, fee: float
) -> None:
    fees = trade.entry_fee * quantity / trade.quantity + quantity * price * fee
    net = (price - trade.entry_price) * quantity * trade.direction - fees
    trade.parts = [*trade.parts, Part(place, time, quantity, price, reason, fees, 0.0, net, 0.0)]
    trade.quantity_left -= quantity
    trade.fees += fees
    ledger.traded += quantity * price
    ledger.profit[place + 1 :] += net


def _result(ledger: Ledger, market: Market, days: int, changes: dict[str, Any]) -> RunResult:
    equity = CAPITAL + ledger.profit
    time = START_MS + np.arange(len(equity), dtype=np.int64) * M5.ms
    changed = np.flatnonzero(np.r_[True, (np.diff(equity) != 0) | (np.diff(ledger.reserved) != 0)])
    unrealised = np.zeros(len(equity))
    curve = EquityCurve(
        time[changed], equity[changed], (equity - ledger.reserved - unrealised)[changed], ledger.reserved[changed]
    )
    _number(ledger, equity)
    streams = [(coin, timeframe) for timeframe in (M5, M30) for coin in market.base]
    values: dict[str, Any] = {
        "settings": settings(MARKET="futures", TIMEFRAMES=["5min", "30min"], BINANCE_API_SECRET="planted-secret"),
        "overrides": [("MARKET", "futures", "option --set"), ("BINANCE_API_SECRET", "planted-secret", ".env")],
        "streams": streams,
        "exit_streams": dict.fromkeys(market.base, M5),
        "start": START_MS,
        "end": START_MS + days * 288 * M5.ms,
        "initial_capital": CAPITAL,
        "final_equity": float(equity[-1]),
        "trades": ledger.trades,
        "equity": curve,
        "funnel": {stream: _funnel(ledger, stream, days) for stream in streams},
        "dropped": {streams[0]: {"expired": 2}},
        "holds": [Hold(coin, float(table.open[0]), float(table.close[-1])) for coin, table in market.base.items()],
        "notes": [],
        "instants": days * 288,
        "candles": days * 2 * (288 + 48),
        "slippage_paid": ledger.traded * 0.0002,
        "turnover": ledger.traded,
        "elapsed_s": 12.5,
        "stop_moves": ledger.moves,
    }
    return RunResult(**{**values, **changes})


def _number(ledger: Ledger, equity: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    order = sorted(
        ((part.sequence, trade.id, at) for trade in ledger.trades for at, part in enumerate(trade.parts)),
    )
    by_id = {trade.id: trade for trade in ledger.trades}
    for sequence, (place, trade_id, at) in enumerate(order, 1):
        part = by_id[trade_id].parts[at]
        by_id[trade_id].parts[at] = Part(
            sequence, part.time, part.quantity, part.price, part.reason, part.fees, part.funding, part.net,
            float(equity[place + 1]),
        )  # fmt: skip


def _funnel(ledger: Ledger, stream: tuple[str, Timeframe], days: int) -> dict[str, int]:
    candles = days * 86_400_000 // stream[1].ms
    filled = sum((trade.symbol, trade.timeframe) == stream for trade in ledger.trades)
    opened = filled + (2 if stream == (COINS[0], M5) else 0)
    counts = {"warming_up": 60, "low_probability": 9 * opened, "low_strength": 2 * opened, "against_trend": opened}
    counts |= {"low_volatility": opened // 2, "max_trades": opened // 3, "opened": opened}
    return {"no_pattern": candles - sum(counts.values()), **counts}
