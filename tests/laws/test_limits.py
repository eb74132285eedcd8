"""Laws that every limit keeps; each is found in `trader.trading.limits`, none is named here but to say what it sees."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.builders import M1, START_MS, settings
from tests.trading.worlds import World, wish
from trader.core.settings import Settings
from trader.core.signal import Direction, Pattern, Refusal
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.trading import limits
from trader.trading.book import Book
from trader.trading.checks import AFTER_SIZE, BEFORE_SIZE, REDUCTIONS, RULES
from trader.trading.hourly import Hourly
from trader.trading.limits.base import Approval, Limit, Proposal

BAD = (math.nan, math.inf, -math.inf)
FACTORS = (0.01, 0.5, 0.99, 1.01, 2.0, 100.0)
NOW = START_MS + 5 * HOUR_MS
#: Section 3 of the rules, from top to bottom.
TABLE = [
    *("warming_up", "gap", "outside_hours", "no_pattern", "low_probability", "low_strength"),
    *("low_expectancy", "expired"),
    *("paused", "kill_switch", "daily_loss", "cooldown", "max_trades", "already_open", "short_not_allowed"),
    *("against_trend", "low_volatility", "low_profit"),
    *("portfolio_risk", "symbol_exposure", "direction_exposure", "correlated"),
    *("beyond_liquidation", "insufficient_capital", "below_min_size"),
]
#: Some of what limits are known to look at: that the law below sees it is the law's own test.
SEEN = {
    "low_probability": {"proposal.signal.probability"},
    "low_strength": {"proposal.signal.strength"},
    "low_expectancy": {"proposal.signal.expected"},
    "against_trend": {"proposal.reading.close", "proposal.reading.ema50"},
    "low_volatility": {"proposal.reading.close", "proposal.reading.atr14"},
    "low_profit": {"proposal.reading.close", "proposal.reading.atr14"},
    "already_open": {"proposal.reading.close", "book.trades.1.entry_price"},
    "portfolio_risk": {
        "proposal.price",
        "proposal.stop",
        "proposal.quantity",
        "book.pool.equity",
        "book.trades.1.stop",
    },
    "symbol_exposure": {"proposal.price", "proposal.quantity", "proposal.leverage", "book.trades.1.reserved"},
    "direction_exposure": {"proposal.price", "proposal.quantity", "proposal.leverage", "book.pending.5.reserve"},
    "correlated": {"book.hours.BTCUSDT.closes.50", "book.hours.ETHUSDT.closes.50"},
    "beyond_liquidation": {"proposal.price", "proposal.stop", "proposal.leverage"},
}


def discovered() -> list[type[Limit]]:
    """Return every class of the package that checks."""
    found: list[type[Limit]] = []
    for info in pkgutil.iter_modules(limits.__path__):
        module = importlib.import_module(f"{limits.__name__}.{info.name}")
        for _, each in inspect.getmembers(module, inspect.isclass):
            if each.__module__ == module.__name__ and hasattr(each, "check") and each is not Limit:
                found.append(each)
    return found


LIMITS = discovered()
every_limit = pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.__name__)


# --- cases ----------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """What a limit is asked."""

    settings: Settings
    book: Book
    proposal: Proposal


RULES_ON = {
    "STRATEGY": "classifier",
    "MIN_EXPECTED_RETURN": 0.001,
    "MARKET": "futures",
    "LEVERAGE": 5,
    "MAX_CONCURRENT_TRADES": 9,
    "CORRELATION_MODE": "skip",
    "RE_ENTRY": {"enable": True},
    "PYRAMIDING": {"enable": True},
    "MAX_PORTFOLIO_RISK": 0.02,
    "MAX_SYMBOL_EXPOSURE": 0.3,
    "MAX_DIRECTION_EXPOSURE": 0.3,
}
STRICT = {"MAX_CONCURRENT_TRADES": 1, "MAX_PORTFOLIO_RISK": 1e-4, "MAX_SYMBOL_EXPOSURE": 1e-4}
NIGHT = {"TRADING_HOURS": {"enable": True, "start_hour": 22, "end_hour": 2}}


@cache
def all_settings() -> list[Settings]:
    """Return settings of many kinds."""
    kinds: list[dict[str, Any]] = [
        {},
        RULES_ON,
        {**RULES_ON, "STOP_MODE": "atr", "CORRELATION_MODE": "halve"},
        {**RULES_ON, **STRICT, "MAX_DIRECTION_EXPOSURE": 1e-4, "MIN_NET_PROFIT_PCT": 0.1},
        {**NIGHT, "SIGNAL_TTL_S": 60.0, "TREND_ALIGNMENT": False},
        {**RULES_ON, "MIN_ATR_PCT": 0.5, "LEVERAGE": 50, "MAINTENANCE_MARGIN_RATE": 0.015},
        {"TRADING_HOURS": {"enable": True, "start_hour": 4, "end_hour": 6}, "MIN_ATR_PCT": 0.0},
    ]
    return [settings(COINS=["BTCUSDT", "ETHUSDT", "SOLUSDT"], **kind) for kind in kinds]


@cache
def busy_book() -> bytes:
    """Return books with a trade that is ahead, and a pending entry on another coin."""
    world = World(("BTCUSDT", "ETHUSDT"), MARKET="futures", LEVERAGE=5, MAX_POSITION_SIZE_PCT=0.1)
    others = [world.candle(100.0, symbol="ETHUSDT")]
    world.tick(96.0, readings=[wish(96.0)], others=others)
    world.tick(96.0, others=others)
    world.tick(96.0, readings=[wish(symbol="ETHUSDT")], others=others)
    assert (len(world.book.trades), len(world.book.pending)) == (1, 1)
    return msgspec.msgpack.encode(world.book)


def guarded(book: Book) -> None:
    """Put every guard on."""
    guards = book.guards
    guards.paused_by_person = guards.killed = guards.day_lost = True
    guards.cooldown_until, guards.streak, guards.drawdown_factor = NOW, 4, 0.5


def stopped(book: Book) -> None:
    """Remember a stop on BTCUSDT's stream."""
    book.trades.clear()
    book.stopped["BTCUSDT 1min LONG"] = NOW - 10 * M1.ms


def together(book: Book) -> None:
    """Let BTCUSDT and ETHUSDT move together, with an open trade on the latter."""
    (trade,) = book.trades.values()
    trade.symbol = "ETHUSDT"
    hour = NOW // HOUR_MS
    for symbol in ("BTCUSDT", "ETHUSDT"):
        closes = {hour - 150 + at: 100 + math.sin(at * 0.7) for at in range(151)}
        book.hours[symbol] = Hourly(closes=closes, count=151)


def unchanged(book: Book) -> None:
    """Leave the books as they are."""


CHANGES: tuple[Callable[[Book], None], ...] = (unchanged, guarded, stopped, together)


def books() -> Iterator[Book]:
    """Yield empty books, and busy ones in many states."""
    yield Book.of(10_000.0)
    for change in CHANGES:
        book = msgspec.msgpack.decode(busy_book(), type=Book)
        change(book)
        yield book


def proposals() -> Iterator[Proposal]:
    """Yield wishes of many kinds: good ones, each bad in one way, other streams, SHORT."""
    kinds: list[dict[str, Any]] = [
        {},
        {"atr14": 2.0},
        {"expected": 0.0009},
        {"expected": None},
        {"trend": 1.01},
        {"probability": 0.5},
        {"strength": 0.5},
        {"made": START_MS},
        {"timeframe": Timeframe.MIN_5},
        {"symbol": "SOLUSDT"},
        {"leverage": 125.0},
    ]
    for kind in kinds:
        leverage = kind.pop("leverage", 5.0)
        reading = wish(**({"expected": 0.002} | kind))
        assert reading.signal is not None
        yield Proposal(NOW, reading, reading.signal, Direction.LONG, 100.0, 99.5, leverage, 1.0)
    reading = wish(pattern=Pattern.DESCENDING_TRIANGLE, trend=1.01, expected=0.002)
    assert reading.signal is not None
    yield Proposal(NOW, reading, reading.signal, Direction.SHORT, 100.0, 100.5, 5.0, 1.0)


@cache
def cases() -> list[Case]:
    """Return every combination."""
    return [Case(*each) for each in ((s, b, p) for s in all_settings() for b in books() for p in proposals())]


def ask(limit: type[Limit], case: Case) -> Approval | Refusal:
    """Return the answer of a new limit."""
    return limit(case.settings).check(case.proposal, case.book)


# --- laws -----------------------------------------------------------------------------------------------------


def test_the_rules_stand_in_the_order_of_the_table() -> None:
    assert list(RULES) == TABLE


def test_every_limit_has_its_place_in_the_rule_book_and_a_name_of_its_own() -> None:
    assert len(LIMITS) >= 20
    assert set(LIMITS) == {*BEFORE_SIZE, *REDUCTIONS, *AFTER_SIZE}
    assert len({limit.rule for limit in LIMITS}) == len(LIMITS)


@every_limit
def test_a_limit_answers_yes_with_a_factor_or_no_with_its_name_and_plain_values(limit: type[Limit]) -> None:
    said = set()
    for case in cases():
        answer = ask(limit, case)
        if isinstance(answer, Refusal):
            said.add("no")
            assert (answer.stage, answer.rule) == (limit.stage, limit.rule)
            assert all(type(value) in (str, int, float, bool) for value in answer.values.values())
        else:
            said.add("yes" if answer.factor == 1.0 else "less")
            assert 0 < answer.factor <= 1
    refuses = limit in (*BEFORE_SIZE, *AFTER_SIZE)
    assert "yes" in said
    assert ("no" in said) == refuses, "the cases do not make it refuse" if refuses else "it refuses in the wrong place"
    assert ("less" in said) == (limit in REDUCTIONS)
    assert limit.rule in RULES or not refuses


@every_limit
def test_a_limit_leaves_the_books_as_they_were(limit: type[Limit]) -> None:
    for case in cases():
        before = msgspec.msgpack.encode(case.book)
        ask(limit, case)
        assert msgspec.msgpack.encode(case.book) == before


@every_limit
def test_a_limit_answers_the_same_again(limit: type[Limit]) -> None:
    for case in cases():
        one = limit(case.settings)
        assert one.check(case.proposal, case.book) == one.check(case.proposal, case.book) == ask(limit, case)


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of every float of a tree of dicts and lists."""
    if isinstance(tree, float):
        yield path
    elif isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, (*path, key))


def few_hours(tree: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the paths of the floats of a case; of the hours only one close a coin."""
    kept = NOW // HOUR_MS - 100
    return [path for path in leaves(tree) if "hours" not in path or path[-1] == kept]


def with_value(tree: Any, path: tuple[Any, ...], value: float) -> Any:
    """Return the tree with one value replaced."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = with_value(tree[path[0]], path[1:], value)
    return copy


class Asked:
    """One case of one limit, any float of which may be something else."""

    def __init__(self, limit: type[Limit], case: Case) -> None:
        self.limit = limit
        self.case = case
        self.tree: dict[str, Any] = msgspec.to_builtins(case._asdict() | {"settings": None}, builtin_types=(float,))
        self.tree["proposal"]["signal"] = self.tree["proposal"]["reading"].pop("signal")

    def with_value(self, path: tuple[Any, ...], value: float) -> Approval | Refusal:
        """Return the answer when the float at `path` is `value`."""
        tree = with_value(self.tree, path, value)
        reading = tree["proposal"]["reading"] | {"signal": tree["proposal"]["signal"]}
        proposal = msgspec.convert(tree["proposal"] | {"reading": reading}, Proposal)
        return ask(self.limit, Case(self.case.settings, msgspec.convert(tree["book"], Book), proposal))

    def value(self, path: tuple[Any, ...]) -> float:
        """Return the float at `path`."""
        found = self.tree
        for key in path:
            found = found[key]
        return found  # type: ignore[return-value]

    def looks_at(self, path: tuple[Any, ...]) -> bool:
        """Tell whether some other finite value there turns a yes into a no, or a no into a yes."""
        answers = {isinstance(self.with_value(path, self.value(path) * factor), Refusal) for factor in (1.0, *FACTORS)}
        return len(answers) > 1


def name_of(path: tuple[Any, ...]) -> str:
    """Return a path in words; hours are counted from 150 before now."""
    first = NOW // HOUR_MS - 150
    return ".".join(str(key - first if isinstance(key, int) and key > 10_000 else key) for key in path)


@every_limit
def test_a_limit_approves_no_nan_or_infinity_in_anything_that_it_looks_at(limit: type[Limit]) -> None:
    """It looks at what can change its answer."""
    seen = set()
    for case in random.Random(limit.rule).sample(cases(), 24):
        asked = Asked(limit, case)
        for path in few_hours(asked.tree):
            approved = [bad for bad in BAD if not isinstance(asked.with_value(path, bad), Refusal)]
            looks = asked.looks_at(path) if approved or name_of(path) in SEEN.get(limit.rule, ()) else False
            assert not (approved and looks), f"{limit.rule} approves {approved} as {name_of(path)}"
            if looks:
                seen.add(name_of(path))
    assert seen >= SEEN.get(limit.rule, set()), seen


LAX = {"MIN_PROBABILITY": 0.0, "MIN_STRENGTH": 0.0, "MIN_ATR_PCT": 0.0, "MIN_NET_PROFIT_PCT": -1.0}


@pytest.mark.parametrize("pattern", [Pattern.ASCENDING_TRIANGLE, Pattern.SYMMETRICAL_TRIANGLE])
@pytest.mark.parametrize("mode", ["pattern", "atr"])
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["close", "atr14", "probability", "strength", "ema50"])
def test_no_trade_opens_on_what_is_not_a_number(field: str, bad: float, mode: str, pattern: Pattern) -> None:
    world = World(STOP_MODE=mode, MARKET="futures", **LAX)
    reading = wish(pattern=pattern)
    assert reading.signal is not None
    holder = reading if field in reading.__struct_fields__ else reading.signal
    changed = msgspec.structs.replace(holder, **{field: bad})
    world.tick(100.0, readings=[changed if holder is reading else msgspec.structs.replace(reading, signal=changed)])
    assert "opened" not in world.rules()
    assert sum(world.rules().values()) == 1


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["close", "ema50"])
def test_a_symmetrical_triangle_without_a_trend_has_no_side_though_the_trend_is_not_asked_for(
    field: str, bad: float
) -> None:
    """It neither opens a trade nor turns one round."""
    world = World(MARKET="futures", TREND_ALIGNMENT=False, REVERSAL={"enable": True}, **LAX)
    world.tick(100.0, readings=[wish(trend=1.01)])
    world.tick(100.0)
    blind = msgspec.structs.replace(wish(pattern=Pattern.SYMMETRICAL_TRIANGLE), **{field: bad})
    world.tick(100.0, readings=[blind])
    assert world.rules() == {"opened": 1, "warming_up": 1}
    assert world.trade.closing == ""
