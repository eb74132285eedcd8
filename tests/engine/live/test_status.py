from __future__ import annotations

from tests.builders import START_MS
from tests.trading.worlds import World, wish
from trader.core.events import Action
from trader.engine.live.instants import Counters
from trader.engine.live.status import Pulse, open_trades, status_lines
from trader.exchange.binance.states import StreamStats

QUIET = StreamStats(1_200, 0, 1, 0, 0, True, {"btcusdt@kline_1m": 400, "ethusdt@kline_1m": 2_500})


def world() -> World:
    made = World(("BTCUSDT", "ETHUSDT"))
    made.tick(100, readings=[wish(), wish(symbol="ETHUSDT", probability=0.1)])
    made.tick(100, others=[made.candle(50, symbol="ETHUSDT")])
    made.tick(101, others=[made.candle(50, symbol="ETHUSDT")], readings=[wish(50.0, symbol="ETHUSDT")])
    return made


def lines(made: World, streams: StreamStats = QUIET, counters: Counters | None = None, repaired: int = 0) -> list[str]:
    pulse = Pulse(instants=3, candles=5, lag_ms=0.4, worst_lag_ms=12.0)
    return status_lines(made.book, pulse, streams, counters or Counters(), repaired, START_MS + 180_000)


def test_the_status_says_capital_profit_trades_candles_decisions_lag_and_ages() -> None:
    first, trade, entry, flow, funnel = lines(world())
    assert first.startswith("status at 2025-01-01 00:03:00: equity 10,0")
    assert "1 open, 1 pending, 0 won, 0 lost; no guard is on" in first
    assert trade.startswith("open trade 1: BTCUSDT 1min LONG 3")
    assert trade.endswith("now 101 (+32.34), stop 100.34 (breakeven, 0.65% away), take profit 102.02")
    assert entry.startswith("pending entry: ETHUSDT 1min LONG ")
    assert flow.startswith("5 candles in 3 instants, lag 0.4 ms (worst 12.0); connected, oldest stream 2.5 s of ")
    assert flow.endswith("market time, 1,200 messages")
    assert funnel == "3 decisions: opened 2, low_probability 1"


def test_troubles_are_said_once_there_are_any() -> None:
    troubled = StreamStats(1_200, 2, 3, 2, 0, False, {"btcusdt@kline_1m": None})
    flow = lines(world(), troubled, Counters(late=1), repaired=7)[-2]
    assert "NOT connected, no stream has spoken yet" in flow
    assert flow.endswith("; so far 2 reconnects, 2 corrupt messages, 7 repaired candles, 1 late candles")


def test_a_guard_and_a_trade_that_closes_are_named() -> None:
    made = world()
    made.command(Action.KILL)
    made.tick(101)
    assert "guards on: kill switch" in lines(made)[0]
    assert open_trades(made.book)[0].endswith(", closing (kill_switch)")
