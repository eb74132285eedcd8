"""Chance: settings of every rule, markets, signals, commands. All of it comes from one `random.Random`."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

from tests.builders import START_MS
from tests.builders import settings as build_settings
from tests.long.machine import Machine
from tests.long.terms import random_brackets
from trader.core.candle import Candle
from trader.core.errors import ConfigError
from trader.core.events import Action, FundingRate, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Pattern, Reading, Signal
from trader.core.timeframe import HOUR_MS, Timeframe

COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
M1, M15, H1, H4 = Timeframe.MIN_1, Timeframe.MIN_15, Timeframe.HOUR_1, Timeframe.HOUR_4
#: The exit streams of the coins, in their order: most lives have one length for all.
LENGTHS = ((M1,), (M15,), (H1,), (H1,), (M1, M15), (H1, M15), (H1, H4))
PROBABILITIES = (0.39, 0.4, 0.65, 0.66, 0.68, 0.7, 0.75, 0.78, 0.8, 0.83, 0.87, 0.9, 0.95, 0.99)
GRIDS = (("0.0001", "0.001"), ("0.00000001", "0.00000001"), ("0.001", "0.01"))
#: What a person may try to change: good values, bad ones, and names that may not change.
CHANGES: tuple[tuple[str, Any], ...] = (
    ("MIN_PROBABILITY", 0.6),
    ("MIN_PROBABILITY", 0.7),
    ("MIN_PROBABILITY", 7),
    ("MAX_CONCURRENT_TRADES", 2),
    ("MAX_CONCURRENT_TRADES", 6),
    ("RISK_PER_TRADE", 0.05),
    ("MAX_PORTFOLIO_RISK", 0.5),
    ("MAX_SYMBOL_EXPOSURE", 0.5),
    ("TREND_ALIGNMENT", False),
    ("DAILY_LOSS_LIMIT", 0.05),
    ("DAILY_LOSS_LIMIT", 0.0),
    ("TRAILING_STOP.enable", True),
    ("TRAILING_STOP.enable", False),
    ("TRAILING_STOP.trail_pct", 0.003),
    ("BREAKEVEN_STOP.enable", True),
    ("BREAKEVEN_STOP.cover_costs", False),
    ("LOSING_STREAK_PROTECTION.enable", False),
    ("LOSING_STREAK_PROTECTION.enable", True),
    ("LOSING_STREAK_PROTECTION.cooldown_minutes", 5.0),
    ("DRAWDOWN_PROTECTION.enable", False),
    ("DRAWDOWN_PROTECTION.enable", True),
    ("DRAWDOWN_PROTECTION.pause_at", 0.12),
    ("DRAWDOWN_PROTECTION.reduce_at", 0.15),
    ("TRADING_HOURS.enable", False),
    ("LEVERAGE", 3),
    ("HEDGING.enable", True),
    ("NOTHING", 1),
)


def on(chance: Random, share: float = 0.5) -> bool:
    """Return True in this share of cases."""
    return chance.random() < share


#: Settings under which rules are met that chance alone meets seldom: hedges by volatility, coins that move together.
LOOSE: dict[str, Any] = {
    "DRAWDOWN_PROTECTION": {"enable": False},
    "TRADING_HOURS": {"enable": False},
    "TREND_ALIGNMENT": False,
    "MIN_ATR_PCT": 0.0,
    "DAILY_LOSS_LIMIT": 0.0,
    "MAX_CONCURRENT_TRADES": 9,
    "MAX_PORTFOLIO_RISK": 1.0,
    "MAX_SYMBOL_EXPOSURE": 3.0,
    "MAX_DIRECTION_EXPOSURE": 3.0,
    "STOP_MODE": "pattern",
    "PATTERN_TARGETS": {pattern.value: {"sl_pct": 0.12, "tp_pct": 0.6} for pattern in Pattern},
}
HEDGER: dict[str, Any] = {
    **LOOSE,
    "MARKET": "futures",
    "LEVERAGE": 5,
    "RISK_PER_TRADE": 0.5,
    "MAX_POSITION_SIZE_PCT": 0.33,
    "TRAILING_STOP": {"enable": False},
    "BREAKEVEN_STOP": {"enable": False},
    "HEDGING": {"enable": True, "hedge_threshold": 0.05, "hedge_recovery_threshold": 0.02, "coin_overrides": {}},
}
FRIENDS: dict[str, Any] = {
    **LOOSE,
    "COINS": list(COINS),
    "MAX_POSITION_SIZE_PCT": 0.1,
    "REVERSAL": {"enable": False},
    "CORRELATION_MODE": "skip",
}
KINDS: tuple[dict[str, Any], ...] = ({}, {}, {}, HEDGER, FRIENDS, FRIENDS | {"CORRELATION_MODE": "halve"})


def random_settings(chance: Random) -> Settings:
    """Return settings with every rule on or off; those that contradict themselves are drawn again."""
    kind = chance.choice(KINDS)
    while True:
        try:
            return build_settings(**_drawn(chance) | kind)
        except ConfigError:
            continue


def _drawn(chance: Random) -> dict[str, Any]:
    pick = chance.choice
    market = pick(["spot", "futures", "futures"])
    futures = market == "futures"
    return {
        "MARKET": market,
        "COINS": list(COINS[: chance.randint(1, 4)]),
        "LEVERAGE": pick([1, 3, 5, 10, 20, 50]) if futures else 1,
        "LEVERAGE_BY_COIN": pick([{}, {"BTCUSDT": 8}]) if futures else {},
        "MIN_ATR_PCT": pick([0.0, 0.002]),
        "MIN_NET_PROFIT_PCT": pick([-1.0, 0.0, 0.0, 0.015]),
        "TREND_ALIGNMENT": on(chance),
        "SIGNAL_TTL_S": pick([120.0, 14400.0]),
        "TRADING_HOURS": {
            "enable": on(chance, 0.1),
            **pick([{"start_hour": 6, "end_hour": 20}, {"start_hour": 22, "end_hour": 9}]),
        },
        "MAX_CONCURRENT_TRADES": pick([2, 5, 9, 9]),
        "RISK_PER_TRADE": pick([0.02, 0.1, 0.5]),
        "MAX_POSITION_SIZE_PCT": pick([0.1, 0.33, 0.6, 1.0]),
        "MIN_SIZE_RATIO": pick([0.0, 0.25, 0.9]),
        "BACKTEST_INITIAL_CAPITAL": pick([10_000.0, 10_000.0, 10_000.0, 400.0]),
        "STOP_MODE": pick(["pattern", "atr"]),
        "PATTERN_TARGETS": _targets(chance),
        "ML_CONFIDENCE_WEIGHTING": {"enable": on(chance)},
        "CONFIDENCE_TIERS": {"enable": on(chance, 0.3)},
        "MAX_PORTFOLIO_RISK": pick([0.02, 0.05, 1.0, 1.0]),
        "MAX_SYMBOL_EXPOSURE": pick([0.25, 1.0, 3.0]),
        "MAX_DIRECTION_EXPOSURE": pick([0.35, 1.0, 3.0]),
        "DAILY_LOSS_LIMIT": pick([0.0, 0.0, 0.03, 0.2]),
        **_protections(chance),
        **_management(chance, futures),
    }


def _targets(chance: Random) -> dict[str, dict[str, float]]:
    """Return no targets (the defaults), wide ones, or a table of many kinds."""
    wide = {"sl_pct": 0.06, "tp_pct": 0.6}
    kind = chance.choice(["default", "wide", "mixed"])
    if kind == "default":
        return {}
    return {pattern.value: wide for pattern in Pattern if kind == "wide" or on(chance)}


def _protections(chance: Random) -> dict[str, Any]:
    pick = chance.choice
    tight = {"reduce_at": 0.01, "pause_at": 0.03, "close_at": 0.05}
    drawdown = {"enable": on(chance, 0.7), "resume_after_hours": pick([None, 2.0, 24.0])}
    streak = {"enable": on(chance, 0.7), "reduce_risk_after": pick([1, 3]), "stop_trading_after": pick([4, 5])}
    return {
        "PARTIAL_TP": {"enable": on(chance)},
        "BREAKEVEN_STOP": {"enable": on(chance)},
        "TRAILING_STOP": {"enable": on(chance)},
        "LOSING_STREAK_PROTECTION": streak,
        "DRAWDOWN_PROTECTION": drawdown | pick([{}, tight, {"reduce_at": 0.3, "pause_at": 0.5, "close_at": 0.7}]),
    }


def _management(chance: Random, futures: bool) -> dict[str, Any]:
    pick = chance.choice
    hedging = {"enable": futures and on(chance, 0.6), "dynamic_hedge": on(chance)}
    return {
        "CORRELATION_MODE": pick(["off", "halve", "skip"]),
        "KELLY": {"enable": on(chance, 0.4), "min_trades": pick([3, 30]), "window": pick([2, 100])},
        "HEDGING": hedging | pick([{}, {"hedge_threshold": 0.05, "hedge_recovery_threshold": 0.02}]),
        "TARGET_LADDER": {"enable": on(chance, 0.4), "trail_atr": pick([0.5, 2.0])},
        "RE_ENTRY": {"enable": on(chance), "candles": pick([3, 60])},
        "PYRAMIDING": {"enable": on(chance), "min_profit_pct": pick([0.001, 0.03])},
        "REVERSAL": {"enable": on(chance, 0.3)},
    }


class Life:
    """One world with its own settings, coins and weather; each method does one thing at random."""

    def __init__(self, chance: Random) -> None:
        settings = random_settings(chance)
        lengths = chance.choice(LENGTHS)
        self.exits = {symbol: lengths[at % len(lengths)] for at, symbol in enumerate(settings.COINS)}
        self.base = min(self.exits.values(), key=lambda length: length.ms)
        self.prices = {symbol: chance.choice([100.0, 7.0, 30_000.0]) for symbol in self.exits}
        self.opens = dict(self.prices)
        self.wildness = chance.choice([0.001, 0.004, 0.012])
        self.drift = chance.choice([0.0, 0.0, 0.0005, -0.0005])
        self.together = chance.choice([0.0, 0.6, 0.62, 0.9])
        self.held: list[Candle] = []
        futures = settings.MARKET == "futures"
        self.machine = Machine(settings, self.exits, {name: _instrument(name, chance, futures) for name in self.exits})
        self._remember(chance, chance.choice([0, 0, 50, 105, 300, 900]))

    def _remember(self, chance: Random, hours: int) -> None:
        """Let so many hours have been before the first instant."""
        self.time = START_MS - hours * HOUR_MS
        for _ in range(hours):
            self.time += HOUR_MS
            for candle in self._candles(chance):
                self.machine.remember(candle)

    def step(self, chance: Random, wishes: float = 0.2, gaps: float = 0.02, late: float = 0.01) -> None:
        """Close the next instant: candles, some missing or late, signals in this share of streams, funding at times."""
        self.time += self.base.ms
        candles = self._candles(chance)
        candles = [candle for candle in candles if not on(chance, gaps)]
        behind = {candle.symbol for candle in self.held} | {c.symbol for c in candles if on(chance, late)}
        self.held += [candle for candle in candles if candle.symbol in behind]
        present = [candle for candle in candles if candle.symbol not in behind]
        self.machine.instant(self.time, present, self._readings(chance, wishes), self._funding(chance))
        if self.held and on(chance):
            self.deliver(chance)

    def deliver(self, chance: Random) -> None:
        """Let the candles that are late come, in their order; what their streams show decides nothing."""
        for candle in self.held:
            self.machine.instant(candle.close_time, [candle], self._readings(chance, 0.5), late=True)
        self.held = []

    def skip(self, steps: int) -> None:
        """Let time pass without a candle."""
        self.time += steps * self.base.ms

    def turn(self, chance: Random) -> None:
        """Let the weather change: wilder or calmer, another drift."""
        self.wildness = min(0.03, max(0.0003, self.wildness * chance.choice([0.2, 0.5, 2.0, 5.0])))
        self.drift = chance.choice([0.0, 0.0005, -0.0005])

    def jump(self, chance: Random) -> None:
        """Move one coin's price at once."""
        symbol = chance.choice(list(self.exits))
        self.opens[symbol] = self.prices[symbol] = self._moved(symbol, chance.choice([-0.3, -0.1, -0.05, 0.05, 0.2]))

    @property
    def ruined(self) -> bool:
        """Tell whether there is too little left to trade with."""
        return self.machine.book.pool.equity < 0.1 * self.machine.settings.BACKTEST_INITIAL_CAPITAL

    def allow(self) -> None:
        """Let a person take back what forbids entries."""
        for action in (Action.RESUME, Action.LIFT):
            self.machine.command(OperatorCommand(action))

    def command(self, chance: Random) -> None:
        """Let a person command something."""
        action = chance.choice([*Action, Action.SET])
        if action is Action.SET:
            name, value = chance.choice(CHANGES)
            self.machine.command(OperatorCommand(action, name, json.dumps(value)))
        elif action is Action.UNSET:
            self.machine.command(OperatorCommand(action, chance.choice(CHANGES)[0]))
        elif action is Action.CLOSE:
            self.machine.command(OperatorCommand(action, chance.choice([*self.exits, "", "NONE"])))
        else:
            self.machine.command(OperatorCommand(action))

    def _candles(self, chance: Random) -> list[Candle]:
        """Return the candles that close now, all coins' prices moved by the market and by themselves."""
        common = chance.gauss(0, self.wildness)
        candles = []
        for symbol, length in self.exits.items():
            if self.time % length.ms:
                continue
            open = self.opens[symbol]
            own = chance.gauss(0, self.wildness)
            move = self.together * common + (1 - self.together) * own + self.drift
            close = self.opens[symbol] = self.prices[symbol] = self._moved(symbol, move)
            high = max(open, close) * (1 + abs(chance.gauss(0, self.wildness / 2)))
            low = min(open, close) * (1 - min(0.5, abs(chance.gauss(0, self.wildness / 2))))
            candles.append(Candle(symbol, length, self.time - length.ms, open, high, low, close, 1.0))
        return candles

    def _moved(self, symbol: str, move: float) -> float:
        """Return the price after a move; prices stay where their grids can tell them apart."""
        return min(1e6, max(2.0, self.prices[symbol] * (1 + max(-0.9, move))))

    def _readings(self, chance: Random, share: float) -> list[Reading]:
        """Return what streams show whose candle closes now, shorter timeframes first, then the order of coins."""
        readings = []
        for symbol, length in self.exits.items():
            streams = [each for each in Timeframe if each.ms >= length.ms and self.time % each.ms == 0][:2]
            readings += [self._reading(chance, symbol, stream) for stream in streams if on(chance, share)]
        rank = {symbol: at for at, symbol in enumerate(self.exits)}
        return sorted(readings, key=lambda reading: (reading.timeframe.ms, rank[reading.symbol]))

    def _reading(self, chance: Random, symbol: str, stream: Timeframe) -> Reading:
        close = self.prices[symbol]
        values = [close, close * chance.choice([0.99, 0.99, 1.01]), close * chance.choice([0.001, 0.004, 0.02])]
        if on(chance, 0.01):
            values[chance.randrange(3)] = chance.choice([math.nan, math.inf])
        signal = None if on(chance, 0.04) else self._signal(chance)
        return Reading(symbol, stream, *values, signal, ready=on(chance, 0.98), gap=on(chance, 0.02))

    def _signal(self, chance: Random) -> Signal:
        made = 0 if on(chance, 0.9) else self.time - chance.choice([0, 60_000, 7_200_000, 20_000_000])
        strength = 0.8 if on(chance, 0.9) else chance.choice([0.3, 0.65])
        return Signal(chance.choice(list(Pattern)), chance.choice(PROBABILITIES), strength, made)

    def _funding(self, chance: Random) -> list[FundingRate]:
        if self.machine.settings.MARKET == "spot" or not on(chance, 0.03):
            return []
        due = self.time - chance.randrange(self.base.ms)
        known = [symbol for symbol in self.exits if symbol in self.machine.book.last_close]
        return [FundingRate(symbol, due, chance.choice([0.0001, -0.0003, 0.005])) for symbol in known]


def _instrument(symbol: str, chance: Random, futures: bool) -> Instrument:
    tick, step = chance.choice(GRIDS)
    filters = {"tickSize": tick, "stepSize": step, "minQty": step, "minNotional": chance.choice(["5", "100"])}
    return Instrument.from_filters(symbol, filters, random_brackets(chance) if futures else ())
