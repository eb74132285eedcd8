"""How fast the whole rule set replays a coin-year when signals are given: `python -m bench.bench_replay`.

Every candle is stepped through engine, core and simulated broker; the equity curve is kept. The reference is the same
strategy's bare rules in one plain Python loop over floats, in the same run; that both trade the same is checked.
"""

from __future__ import annotations

import math
from typing import Any

from bench.data import year
from bench.ema_cross import ALL_RULES, SAME_RULES, Outcome, plain_loop, signals
from bench.measure import in_turn, show
from tests.builders import settings
from trader.core.instrument import Instrument
from trader.engine.engine import Engine
from trader.engine.opinions import BatchOpinions
from trader.engine.recorder import Recorder
from trader.market.replay import replay
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.strategy.opinions import StreamOpinions
from trader.trading.logic import TradingLogic


def stepped(table: CandleTable, opinions: StreamOpinions, overrides: dict[str, Any]) -> Outcome:
    """Replay the candles as a backtest does."""
    values = settings(COINS=[table.symbol], **overrides)
    exits = {table.symbol: table.timeframe}
    grids = {table.symbol: Instrument.from_filters(table.symbol, values.DEFAULT_FILTERS.model_dump())}
    recorder = Recorder()
    logic = TradingLogic(values, exits, grids, BatchOpinions([opinions], [table.symbol]), recorder)
    engine = Engine(logic, SimulatedBroker(values, exits, grids, logic))
    start, end = int(table.open_time[0]), int(table.open_time[-1]) + table.timeframe.ms
    step, mark, book = engine.step, recorder.mark, logic.book
    for instant in replay([table], start, end):
        step(instant)
        mark(instant.time, book)
    engine.finish()
    return Outcome(book.trade_count, book.worth())


def main() -> None:
    """Print the figures."""
    table, what = year()
    opinions = signals(table)
    seen = opinions.pattern >= 0
    plain, same = plain_loop(table, seen), stepped(table, opinions, SAME_RULES)
    if plain.trades != same.trades or not math.isclose(plain.equity, same.equity, rel_tol=1e-6):
        raise SystemExit(f"the loop and the program do not trade the same: {plain}, {same}")
    everything = stepped(table, opinions, ALL_RULES)
    print(f"{what}: {len(table):,} candles, {same.trades:,} trades; {everything.trades:,} with every rule")
    plainly, sparsely, fully = in_turn(
        lambda: plain_loop(table, seen),
        lambda: stepped(table, opinions, SAME_RULES),
        lambda: stepped(table, opinions, ALL_RULES),
    )
    show("plain Python loop", len(table) / plainly[0], "candles/s")
    for name, (taken, ratio) in (("the same rules", sparsely), ("every rule on", fully)):
        show(f"replay with signals given, {name}", len(table) / taken, "candles/s", 1 / ratio, "the plain loop")


if __name__ == "__main__":
    main()
