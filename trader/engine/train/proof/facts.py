"""The evidence as values: what a report shows, a verdict is said on, and JSON holds. What is undefined is NaN (null).

Everything is out of sample. Net returns are fractions of an entry's notional after fees and slippage; times are ms UTC.
"""

from __future__ import annotations

import msgspec

from trader.ml.calibration import Reliability
from trader.ml.scores import ClassScore, Part


class Classes(msgspec.Struct, frozen=True):
    """How candidates were recognised: `log_loss` and `brier` (over all classes, 0…2) of what was said, beside those of
    who always says the shares of the training span; the calibration error of the class that is called; the mean F1;
    `confusion[true][called]`, and precision, recall and F1 of each class."""

    rows: int
    log_loss: float
    log_loss_of_shares: float
    brier: float
    brier_of_shares: float
    calibration_error: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScore, ...]


class Chances(msgspec.Struct, frozen=True):
    """How well it was known which entries win, over all that the recogniser would make, overlapping ones too.

    `log_loss_of_share` and `brier_of_share` are those of who always says the share that was won: hindsight, so a hard
    mark. `expected` is the mean net return that was expected, `net` the one that came.
    """

    entries: int
    won: float
    log_loss: float
    log_loss_of_share: float
    brier: float
    brier_of_share: float
    calibration_error: float
    expected: float
    net: float


class Signals(msgspec.Struct, frozen=True):
    """Entries that are taken: one open per stream at a time, each followed to its exit alone.

    `net` is the mean net return, `error` its standard error with days as what is drawn, `days` those with an entry,
    `sharpe` that of the daily sums over all days (per year), `total` the sum of all.
    """

    entries: int
    days: int
    won: float
    net: float
    error: float
    sharpe: float
    total: float


class Chance(msgspec.Struct, frozen=True):
    """Random entries of the same number, sides, patterns, coins, timeframes and exits, `draws` times.

    `means` is the mean net return of each draw, ascending. `followed`: entries from which all were drawn. `placed`:
    the share of the wanted entries for which there was room. `p_value`: `(1 + draws at least as good) / (1 + draws)`.
    """

    draws: int
    followed: int
    placed: float
    mean: float
    deviation: float
    p_value: float
    means: tuple[float, ...]


class Pooled(msgspec.Struct, frozen=True):
    """A backtest of the whole program over the span: one pool of capital, all rules, limits and guards.

    `result` is the return of the pool, `drawdown` the deepest, `costs` fees, slippage and funding as a fraction of the
    initial capital; `net` is the mean return of a trade on its notional.
    """

    trades: int
    won: float
    net: float
    result: float
    drawdown: float
    sharpe: float
    costs: float


class Curves(msgspec.Struct, frozen=True):
    """The pools' worth over time, 1 at the start; `hold` is equal amounts of every coin, without costs."""

    time: tuple[int, ...]
    model: tuple[float, ...]
    geometry: tuple[float, ...]
    hold: tuple[float, ...]


class Group(msgspec.Struct, frozen=True):
    """A part of the rows: a month, a coin, a timeframe, a fold, a pattern."""

    name: str
    rows: int
    log_loss: float
    log_loss_of_shares: float
    signals: Signals


class Weight(msgspec.Struct, frozen=True):
    """How much an input counts: its share of the gain of all trees, and what is lost when it alone is shuffled."""

    name: str
    gain: float
    loss: float
    deviation: float


class OfFold(msgspec.Struct, frozen=True):
    """One fold: its spans in words, and the same figures as of all."""

    words: str
    test_start: int
    test_end: int
    recognised: Classes
    early: Classes
    chances: Chances
    signals: Signals


class Evidence(msgspec.Struct, frozen=True):
    """All that is known of a walk over folds, from the test spans alone.

    `rules`: the settings by which entries are taken. `early`: the candidates before the break (`lead` above 0), of
    which the answer is not among the inputs. `called` and `likeliest` are the reliability of the class that is called,
    and of the most probable pattern; `lift` is how often that pattern was right, by its probability. `lift_won` and
    `net_by_expected`: how often entries won by the chance given, what they brought by what was expected.
    `deflated`: the probability that the Sharpe ratio of the signals is more than luck and the choice among `trials`.
    """

    market: str
    coins: tuple[str, ...]
    timeframes: tuple[str, ...]
    start: int
    end: int
    trials: int
    seed: int
    rules: dict[str, float]
    classes: tuple[str, ...]
    folds: tuple[OfFold, ...]
    recognised: Classes
    early: Classes
    called: Reliability
    likeliest: Reliability
    lift: tuple[Part, ...]
    chances: Chances
    reliability_won: Reliability
    lift_won: tuple[Part, ...]
    net_by_expected: tuple[Part, ...]
    weights: dict[str, tuple[Weight, ...]]
    by_month: tuple[Group, ...]
    by_coin: tuple[Group, ...]
    by_timeframe: tuple[Group, ...]
    by_pattern: tuple[Group, ...]
    signals: Signals
    geometry: Signals
    chance: Chance
    deflated: float
    pooled: dict[str, Pooled]
    hold: float
    hold_drawdown: float
    curves: Curves
