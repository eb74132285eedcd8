"""What the rules of the portfolio cost: `python -m bench.bench_rules`.

The limits of one decision that passes them all, with three trades open on other coins: under the defaults on futures,
then with every rule on that looks at them; the reference is the whole decision, from the reading to its size. Then the
stepping replay of a coin-year on futures, signals given, with hedging and without.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from bench.bench_replay import stepped
from bench.data import year
from bench.ema_cross import ALL_RULES, signals
from bench.measure import in_turn, show
from tests.builders import settings, walk
from tests.trading.worlds import World, wish
from trader.core.instrument import Instrument
from trader.core.signal import Direction, Reading, Refusal
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.engine.engine import Engine
from trader.engine.opinions import BatchOpinions
from trader.market.replay import replay
from trader.simulation.broker import SimulatedBroker
from trader.trading.book import Book
from trader.trading.checks import RuleBook
from trader.trading.hourly import HOURS, Hourly
from trader.trading.limits.base import Proposal
from trader.trading.logic import TradingLogic

COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
ROUNDS, CALLS = 7, 5_000
#: Room for a fourth trade, so that nothing refuses it.
ROOM: dict[str, Any] = {
    "MARKET": "futures",
    "LEVERAGE": 3,
    "MAX_CONCURRENT_TRADES": 9,
    "MAX_POSITION_SIZE_PCT": 0.1,
    "MAX_PORTFOLIO_RISK": 0.9,
}
#: Everything on that looks at a proposal.
EVERYTHING: dict[str, Any] = {
    "CORRELATION_MODE": "halve",
    "RE_ENTRY": {"enable": True},
    "PYRAMIDING": {"enable": True},
}
#: What `pattern_futures` says, with every rule on and no drawdown that ends the run.
FUTURES: dict[str, Any] = {
    **ALL_RULES,
    "MARKET": "futures",
    "LEVERAGE": 3,
    "RISK_PER_TRADE": 0.005,
    "MAX_PORTFOLIO_RISK": 0.02,
    "HEDGING": {"enable": False},
}
HEDGES: dict[str, Any] = {"HEDGING": {"enable": True}}
#: Hedging is on, and the drawdown never reaches it: the rule's own cost.
SELDOM: dict[str, Any] = {
    "HEDGING": {"enable": True, "hedge_threshold": 0.98, "coin_overrides": {"BTCUSDT": {"hedge_threshold": 0.98}}}
}


def world(rules: dict[str, Any]) -> World:
    """Return a world in which three coins have an open trade, and all 30 days by the hour."""
    made = World(COINS, **ROOM | rules)
    for readings in ([wish(symbol=coin) for coin in COINS[1:]], []):
        made.tick(100.0, readings=readings, others=[made.candle(100.0, symbol=coin) for coin in COINS[1:]])
    assert len(made.book.trades) == 3
    for seed, coin in enumerate(COINS):
        made.book.hours[coin] = hours_of(coin, seed, made.time)
    return made


def hours_of(coin: str, seed: int, now: int) -> Hourly:
    """Return 30 days of a walk."""
    hours, start = Hourly(), now // HOUR_MS * HOUR_MS - (HOURS + 1) * HOUR_MS
    table = walk(HOURS + 1, seed=seed, symbol=coin, timeframe=Timeframe.HOUR_1, start_ms=start)
    for candle in table.candles():
        hours.take(candle, candle.close_time)
    return hours


def each_us(work: Callable[[], object]) -> float:
    """Return the median µs of one call."""
    work()
    taken = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(CALLS):
            work()
        taken.append((time.process_time() - began) / CALLS * 1e6)
    return median(taken)


def limits() -> None:
    """Print what the limits of a decision cost."""
    for name, own in (("the defaults", {}), ("every rule on", EVERYTHING)):
        made, reading = world(own), wish()
        whole = each_us(lambda made=made, reading=reading: made.logic.should_open_trade(reading, made.time))
        taken = each_us(all_limits(made, reading))
        show(f"limits of a decision that passes them all, {name}", taken, "µs", taken / whole, "the decision")
    weak = wish(probability=0.5)
    early = each_us(lambda: made.logic.should_open_trade(weak, made.time))
    show("a whole decision that its first limit ends", early, "µs")


def all_limits(made: World, reading: Reading) -> Callable[[], None]:
    """Return what asks every limit about a proposal that each lets pass."""
    rules, book = RuleBook(made.settings), made.book
    assert reading.signal is not None
    proposal = Proposal(made.time, reading, reading.signal, Direction.LONG, 100.0, 99.5, 3.0, 1.0)

    def ask() -> None:
        refused = rules.before_size(proposal, book)
        rules.undefined_correlations(proposal, book)
        rules.factors(proposal, book)
        assert refused is None
        assert rules.after_size(proposal, book) is None

    return ask


class Timed:
    """A rule book that counts its decisions and the time that its limits take, s."""

    def __init__(self, rules: RuleBook) -> None:
        self._rules = rules
        self.spent_s, self.asked = 0.0, 0

    def before_size(self, proposal: Proposal, book: Book) -> Refusal | None:
        self.asked += 1
        return self._timed(self._rules.before_size, proposal, book)

    def undefined_correlations(self, proposal: Proposal, book: Book) -> list[str]:
        return self._timed(self._rules.undefined_correlations, proposal, book)

    def factors(self, proposal: Proposal, book: Book) -> dict[str, float]:
        return self._timed(self._rules.factors, proposal, book)

    def after_size(self, proposal: Proposal, book: Book) -> Refusal | None:
        return self._timed(self._rules.after_size, proposal, book)

    def _timed(self, ask: Callable[[Proposal, Book], Any], proposal: Proposal, book: Book) -> Any:
        began = time.perf_counter()
        answer = ask(proposal, book)
        self.spent_s += time.perf_counter() - began
        return answer


def of_a_year() -> None:
    """Print what limits cost on the average of a year's decisions that have a signal, and of all."""
    table, _ = year()
    opinions = signals(table)
    values = settings(COINS=[table.symbol], **FUTURES)
    grids = {table.symbol: Instrument.from_filters(table.symbol, values.DEFAULT_FILTERS.model_dump())}
    shown = BatchOpinions([opinions], [table.symbol])
    logic = TradingLogic(values, {table.symbol: table.timeframe}, grids, shown)
    engine = Engine(logic, SimulatedBroker(values, {table.symbol: table.timeframe}, grids, logic))
    timed = Timed(logic._rules)
    logic._rules = timed  # type: ignore[assignment]
    for instant in replay([table], int(table.open_time[0]), int(table.open_time[-1]) + table.timeframe.ms):
        engine.step(instant)
    show(f"limits, mean of {timed.asked:,} decisions with a signal", timed.spent_s / timed.asked * 1e6, "µs")
    show(f"limits, mean of all {len(table):,} decisions", timed.spent_s / len(table) * 1e6, "µs")


def hedging() -> None:
    """Print what hedges cost a replay; in this year the strategy loses, so that most of its trades get one."""
    table, what = year()
    opinions = signals(table)
    ways = [FUTURES, FUTURES | SELDOM, FUTURES | HEDGES]
    trades = [stepped(table, opinions, way).trades for way in ways]
    print(f"{what}: {len(table):,} candles; {trades[0]:,} trades, and {trades[2] - trades[0]:,} hedges")
    off, seldom, on = in_turn(*(partial(stepped, table, opinions, way) for way in ways))
    show("replay on futures, every rule on, no hedging", len(table) / off[0], "candles/s")
    for name, (taken, ratio) in (("that no drawdown reaches", seldom), ("of most trades", on)):
        show(f"replay with hedging {name}", len(table) / taken, "candles/s", 1 / ratio, "without")
        print(f"  it takes {ratio - 1:.0%} longer")


def main() -> None:
    """Print the figures."""
    limits()
    of_a_year()
    hedging()


if __name__ == "__main__":
    main()
