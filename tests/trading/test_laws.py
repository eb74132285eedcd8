"""What must not change a result, and what must turn it round: laws that hold for every scenario."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.shared import shared_path
from tests.trading.worlds import World, wish
from tests.vectors import GOLDEN, Player, load, scenario_files
from trader.core.errors import InvariantError
from trader.core.events import Instant
from trader.core.settings import Settings
from trader.core.signal import Pattern
from trader.core.timeframe import Timeframe
from trader.simulation.broker import BrokerState
from trader.trading.book import Book

Scenario = dict[str, Any]


#: The scenarios by hand, and the long ones, which lie beside the repository.
BY_HAND = scenario_files([GOLDEN])
LONG = [Path(f"random_{number:03}.json") for number in range(1, 13)]
every_scenario = pytest.mark.parametrize("path", BY_HAND + LONG, ids=lambda path: path.stem)


def found(path: Path) -> tuple[Scenario, Settings]:
    """Load a scenario; skip the test of one that is not there."""
    return load(path if path.is_absolute() else shared_path("vectors", path.name))


def copy(scenario: Scenario) -> Scenario:
    """Return a deep copy."""
    return json.loads(json.dumps(scenario))


def played(scenario: Scenario, settings: Settings) -> dict[str, Any]:
    """Return the result of a scenario."""
    return Player(scenario, settings).play()


# --- scale ----------------------------------------------------------------------------------------------------


def scaled(scenario: Scenario, settings: Settings) -> Scenario:
    """Return the scenario with prices and ticks x 1024, steps and minimum quantities / 1024."""
    result = copy(scenario)
    default = settings.DEFAULT_FILTERS.model_dump()
    for symbol in scenario["coins"]:
        filters = result["filters"].setdefault(symbol, dict(default))
        for name in ("stepSize", "minQty"):
            filters[name] = str(Decimal(filters[name]) / 1024)
        filters["tickSize"] = str(Decimal(filters["tickSize"]) * 1024)
        for row in result["exit_streams"][symbol]["candles"]:
            row[1:5] = [price * 1024 for price in row[1:5]]
    for signal in result["signals"]:
        signal |= {name: signal[name] * 1024 for name in ("close", "ema50", "atr14")}
    return result


def unscaled(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with its prices / 1024 and its quantities x 1024."""
    fills = [[*row[:4], row[4] * 1024, row[5] / 1024, *row[6:]] for row in result["fills"]]
    trades = [row | {"entry": row["entry"] / 1024, "quantity": row["quantity"] * 1024} for row in result["trades"]]
    return result | {"fills": fills, "trades": trades}


@every_scenario
def test_prices_times_1024_and_quantities_by_1024_give_the_same_money_bit_for_bit(path: Path) -> None:
    scenario, settings = found(path)
    assert unscaled(played(scaled(scenario, settings), settings)) == played(scenario, settings)


# --- what does not matter -------------------------------------------------------------------------------------


def with_a_silent_coin(scenario: Scenario, at: int) -> Scenario:
    """Return the scenario with one more coin, the `at`-th: candles at its instants, never a signal."""
    result, chance = copy(scenario), random.Random(at)
    streams = [(Timeframe.parse(stream["timeframe"]), stream) for stream in scenario["exit_streams"].values()]
    finest = min((timeframe for timeframe, _ in streams), key=lambda timeframe: timeframe.ms)
    closes = {row[0] + timeframe.ms for timeframe, stream in streams for row in stream["candles"]}
    rows = []
    for time in sorted(time for time in closes if time % finest.ms == 0):
        open, close = chance.uniform(1, 9), chance.uniform(1, 9)
        rows.append([time - finest.ms, open, max(open, close), min(open, close), close, 1.0])
    result["coins"].insert(at, "SILENTUSDT")
    result["exit_streams"]["SILENTUSDT"] = {"timeframe": finest.value, "candles": rows}
    return result


@every_scenario
def test_a_coin_that_never_signals_changes_nothing(path: Path) -> None:
    scenario, settings = found(path)
    straight = played(scenario, settings)
    for at in (0, len(scenario["coins"])):
        other = with_a_silent_coin(scenario, at)
        assert played(other, settings.model_copy(update={"COINS": tuple(other["coins"])})) == straight


class Shuffled(Player):
    """Gets the candles and rates of each instant in any order, as files in any order would give them."""

    def instants(self) -> list[Instant]:
        chance = random.Random(5)
        return [
            msgspec.structs.replace(
                instant,
                candles=tuple(chance.sample(instant.candles, len(instant.candles))),
                funding=tuple(chance.sample(instant.funding, len(instant.funding))),
            )
            for instant in super().instants()
        ]


SEVERAL_COINS = [path for path in BY_HAND if len(load(path)[0]["coins"]) > 1]


@pytest.mark.parametrize("path", SEVERAL_COINS + LONG, ids=lambda path: path.stem)
def test_the_order_in_which_coins_are_read_changes_nothing(path: Path) -> None:
    scenario, settings = found(path)
    other = copy(scenario)
    for part in ("exit_streams", "filters", "funding"):
        other[part] = dict(reversed(other[part].items()))
    chance = random.Random(3)
    signals = chance.sample(other["signals"], len(other["signals"]))
    other["signals"] = sorted(signals, key=lambda signal: signal["close_time"])
    assert Shuffled(other, settings).play() == played(scenario, settings)


# --- two runs in place of one ---------------------------------------------------------------------------------


def split(scenario: Scenario, cut: int) -> tuple[Scenario, Scenario]:
    """Return the scenario up to and including the instant `cut`, and the rest."""
    parts = copy(scenario), copy(scenario)
    for first, part in zip((True, False), parts, strict=True):
        for stream in part["exit_streams"].values():
            length = Timeframe.parse(stream["timeframe"]).ms
            stream["candles"] = [row for row in stream["candles"] if (row[0] + length <= cut) == first]
        part["signals"] = [signal for signal in part["signals"] if (signal["close_time"] <= cut) == first]
        part["commands"] = [row for row in part["commands"] if (row[0] <= cut) == first]
        part["funding"] = {
            symbol: [row for row in rows if (row[0] <= cut) == first] for symbol, rows in part["funding"].items()
        }
    return parts


@every_scenario
def test_a_history_in_two_runs_with_saved_state_is_the_history_in_one(path: Path) -> None:
    scenario, settings = found(path)
    one = Player(scenario, settings)
    whole = one.play()
    times = [row[0] for row in whole["equity"]]
    for cut in {times[len(times) * part // 4] for part in (1, 2, 3)}:
        first, second = (Player(part, settings) for part in split(scenario, cut))
        first.play_on()
        book = msgspec.msgpack.encode(first.logic.book)
        state = msgspec.msgpack.encode(first.engine.broker.state)
        second.record = first.record
        second.wire(msgspec.msgpack.decode(book, type=Book), msgspec.msgpack.decode(state, type=BrokerState))
        assert second.play() == whole
        assert msgspec.msgpack.encode(second.logic.book) == msgspec.msgpack.encode(one.logic.book)


# --- a trade in the mirror ------------------------------------------------------------------------------------

ENTRY = 100.0
FREE_OF_COSTS = {
    "MARKET": "futures",
    "LEVERAGE": 10,
    "TAKER_FEE": {"futures": 0.0},
    "MAKER_FEE": {"futures": 0.0},
    "SLIPPAGE_PCT": 0.0,
    "TRAILING_STOP": {"enable": False},  # a share of the best price: not the same above and below the entry
}
TRIANGLES = ("ascending_triangle", "descending_triangle")
WAYS: dict[str, dict[str, Any]] = {
    "partial": {},
    "whole": {"PARTIAL_TP": {"enable": False}, "BREAKEVEN_STOP": {"enable": False}},
    "ladder": {"TARGET_LADDER": {"enable": True}},
    "atr": {"STOP_MODE": "atr", "TARGET_LADDER": {"enable": True}},
    "wide": {"PATTERN_TARGETS": {name: {"sl_pct": 0.09, "tp_pct": 0.2} for name in TRIANGLES}},
}
#: Distances from the entry in 128ths, odd: no level in ticks of 0.01 is ever met exactly.
DISTANCES = some.integers(-700, 700).map(lambda steps: (2 * steps + 1) / 128)
CANDLES = some.lists(some.tuples(DISTANCES, DISTANCES, DISTANCES, DISTANCES), min_size=1, max_size=12)


def story(way: dict[str, Any], candles: list[list[float]], sign: int) -> World:
    """Play one trade entered at 100: LONG as told, SHORT with every price mirrored about the entry."""
    pattern = Pattern.ASCENDING_TRIANGLE if sign > 0 else Pattern.DESCENDING_TRIANGLE
    world = World(**FREE_OF_COSTS, **way)
    world.tick(ENTRY, readings=[wish(ENTRY, pattern=pattern, trend=1 - 0.01 * sign)])
    for open, *rest in candles:
        prices = [ENTRY + sign * distance for distance in (open, *rest)]
        world.tick(prices[0], max(prices), min(prices), prices[-1])
    world.engine.finish()
    return world


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@given(candles=CANDLES)
def test_a_trade_without_costs_is_mirrored_with_its_candles(way: dict[str, Any], candles: Any) -> None:
    told = [[0.0, *candles[0][1:]], *map(list, candles[1:])]
    long, short = story(way, told, 1), story(way, told, -1)
    assert [fill[0] for fill in long.fills()] == [fill[0] for fill in short.fills()]
    for (_, quantity, price), (_, other_quantity, other_price) in zip(long.fills(), short.fills(), strict=True):
        assert quantity == other_quantity
        assert price - ENTRY == pytest.approx(ENTRY - other_price, abs=1e-9)
    assert long.book.pool.free == pytest.approx(short.book.pool.free, rel=1e-12)


# --- the books ------------------------------------------------------------------------------------------------


def test_books_that_contradict_themselves_stop_the_run() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.book.pool.free += 1.0
    with pytest.raises(InvariantError, match="the pool contradicts its bookings"):
        world.tick(100.0)


def test_a_trade_without_a_quantity_stops_the_run() -> None:
    world = World()
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    world.trade.quantity_left = 0.0
    with pytest.raises(InvariantError, match="trade 1 is open with"):
        world.tick(100.0)
