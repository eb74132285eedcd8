"""Run scenarios of the trading rules through the real core and the real simulated broker.

`python -m tests.vectors PATH...` takes files or folders, prints each difference (scenario, where, expected, got) and
ends with `N passed, M failed`; exit code 1 when any fails, 2 when there is nothing to run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.builders import settings as build_settings
from trader.core.candle import Candle
from trader.core.events import Action, FundingRate, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.order import side_of
from trader.core.settings import Settings
from trader.core.signal import Pattern, Reading, Signal
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.engine.engine import Engine
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.trading.book import Book
from trader.trading.logic import TradingLogic
from trader.trading.notes import Dropped, FundingPaid, Note, PartClosed, Refused, TradeOpened

GOLDEN = Path(__file__).parent / "golden"
RELATIVE = 1e-9


class Script:
    """Opinions as a scenario tells them, by T: shorter timeframes first, then the order of the coins."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        rank = {symbol: index for index, symbol in enumerate(scenario["coins"])}
        self.by_time: dict[int, list[Reading]] = {}
        for signal in scenario["signals"]:
            self.by_time.setdefault(signal["close_time"], []).append(_reading(signal))
        for readings in self.by_time.values():
            readings.sort(key=lambda reading: (reading.timeframe.ms, rank[reading.symbol]))

    def read(self, instant: Instant) -> Sequence[Reading]:
        return self.by_time.get(instant.time, ())


class Record:
    """Writes down what happened, in the form in which scenarios expect it."""

    def __init__(self) -> None:
        self.result: dict[str, list[Any]] = {"fills": [], "funding": [], "skips": [], "equity": []}
        self.trades: dict[int, Trade] = {}

    def note(self, note: Note) -> None:
        result = self.result
        if isinstance(note, Refused):
            reading = note.reading
            result["skips"].append([note.time, reading.symbol, reading.timeframe.value, note.refusal.rule])
        elif isinstance(note, Dropped):
            result["skips"].append([note.time, note.reading.symbol, note.reading.timeframe.value, note.rule])
        elif isinstance(note, FundingPaid):
            result["funding"].append([note.time, note.trade.symbol, note.trade.id, note.amount])
        elif isinstance(note, TradeOpened | PartClosed):
            fill, trade = note.fill, note.trade
            side = side_of(fill.direction, isinstance(note, PartClosed)).value
            row = [fill.time, fill.symbol, trade.id, side, fill.quantity, fill.price, fill.fee, fill.reason]
            result["fills"].append(row)
            self.trades[trade.id] = trade  # the newest: a loaded trade is another object

    def trade_rows(self) -> list[dict[str, Any]]:
        """Return the trades by id."""
        return [_trade_row(self.trades[number]) for number in sorted(self.trades)]


class Player:
    """Plays one scenario through the core."""

    def __init__(self, scenario: dict[str, Any], settings: Settings) -> None:
        self.scenario = scenario
        self.settings = settings
        self.record = Record()
        self.exits = {
            symbol: Timeframe.parse(scenario["exit_streams"][symbol]["timeframe"]) for symbol in scenario["coins"]
        }
        self.instruments = _instruments(scenario, settings)
        self.wire()

    def wire(self, book: Book | None = None, state: BrokerState | None = None) -> None:
        """Make core and broker, new or from what was saved."""
        script = Script(self.scenario)
        self.logic = TradingLogic(self.settings, self.exits, self.instruments, script, self.record, book)
        broker = SimulatedBroker(self.settings, self.exits, self.instruments, self.logic, state)
        self.engine = Engine(self.logic, broker)

    def instants(self) -> list[Instant]:
        """Return the scenario's instants, in order."""
        return _instants(self.scenario, self.exits)

    def after(self) -> None:
        """Do nothing after an instant; others may."""

    def play(self) -> dict[str, Any]:
        """Return what the program makes of the scenario, shaped as its `expected`."""
        self.play_on()
        self.engine.finish()
        return self.record.result | {"trades": self.record.trade_rows(), "final": self._final()}

    def play_on(self) -> None:
        """Play to the last instant, and leave what is open open."""
        commands = list(self.scenario["commands"])
        for instant in self.instants():
            while commands and commands[0][0] <= instant.time:
                self.engine.process(OperatorCommand(Action(commands.pop(0)[1])))
            self.engine.step(instant)
            book = self.logic.book
            self.record.result["equity"].append([instant.time, book.pool.equity, book.pool.free, book.reserved])
            self.after()

    def _final(self) -> dict[str, Any]:
        book = self.logic.book
        final = {"equity": book.worth(), "free": book.pool.free, "reserved": book.reserved}
        return final | {"won": book.won, "lost": book.lost}


def run(scenario: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what the program makes of a scenario, shaped as its `expected`."""
    return Player(scenario, settings).play()


def differences(expected: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    """Yield where the results differ, beyond the tolerance of the scenarios' README."""
    for part in ("fills", "funding", "skips", "trades"):
        yield from _list_differences(part, expected[part], got[part])
    listed = {row[0]: row for row in got["equity"]}
    for row in expected["equity"]:
        if not _same(row, listed.get(row[0])):
            yield f"equity at {row[0]}: expected {row}, got {listed.get(row[0])}"
    if not _same(expected["final"], got["final"]):
        yield f"final: expected {expected['final']}, got {got['final']}"


def _list_differences(part: str, expected: list[Any], got: list[Any]) -> Iterator[str]:
    for index in range(max(len(expected), len(got))):
        want = expected[index] if index < len(expected) else "nothing"
        have = got[index] if index < len(got) else "nothing"
        if not _same(want, have):
            yield f"{part}[{index}]: expected {want}, got {have}"


def _same(expected: Any, got: Any) -> bool:
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(_same, expected, got))
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(key in got and _same(expected[key], got[key]) for key in expected)
    if isinstance(got, float | int) and not isinstance(got, bool):
        number = float(Decimal(expected)) if isinstance(expected, str) else expected
        if isinstance(number, float | int) and not isinstance(number, bool):
            return abs(number - got) <= RELATIVE * max(1.0, abs(number), abs(got))
    return bool(expected == got)


def _reading(signal: dict[str, Any]) -> Reading:
    seen = signal["pattern"] != "none"
    wish = Signal(Pattern(signal["pattern"]), signal["probability"], signal["strength"]) if seen else None
    timeframe = Timeframe.parse(signal["timeframe"])
    return Reading(signal["symbol"], timeframe, signal["close"], signal["ema50"], signal["atr14"], wish)


def _instruments(scenario: dict[str, Any], settings: Settings) -> dict[str, Instrument]:
    default = settings.DEFAULT_FILTERS.model_dump()
    filters = scenario["filters"]
    return {symbol: Instrument.from_filters(symbol, filters.get(symbol, default)) for symbol in scenario["coins"]}


def _instants(scenario: dict[str, Any], exits: dict[str, Timeframe]) -> list[Instant]:
    closes: dict[int, list[Candle]] = {int(signal["close_time"]): [] for signal in scenario["signals"]}
    for symbol, timeframe in exits.items():
        for row in scenario["exit_streams"][symbol]["candles"]:
            closes.setdefault(row[0] + timeframe.ms, []).append(Candle(symbol, timeframe, *row))
    due = [FundingRate(symbol, time, rate) for symbol, rows in scenario["funding"].items() for time, rate in rows]
    instants, before = [], 0
    for time in sorted(closes):
        candles = tuple(sorted(closes[time], key=lambda candle: candle.timeframe.ms))
        funding = tuple(rate for rate in due if before < rate.time <= time)
        instants.append(Instant(time, candles, funding))
        before = time
    return instants


def _trade_row(trade: Trade) -> dict[str, Any]:
    return {
        "id": trade.id,
        "symbol": trade.symbol,
        "timeframe": trade.timeframe.value,
        "direction": trade.direction.name,
        "hedge": trade.hedge,
        "linked_to": trade.linked_to,
        "entry_time": trade.entry_time,
        "entry": trade.entry_price,
        "quantity": trade.quantity,
        "net": trade.net,
        "exit_reasons": [part.reason for part in trade.parts],
    }


def load(path: Path) -> tuple[dict[str, Any], Settings]:
    """Return a scenario file and its settings: its overrides over the scenarios' own defaults."""
    scenario = json.loads(path.read_text())
    beside = path.parent / "defaults.json"
    defaults = json.loads((beside if beside.exists() else GOLDEN / "defaults.json").read_text())
    merged = _merged(defaults, scenario["settings"])
    capital = scenario["initial_capital"]
    base = {"MARKET": scenario["market"], "COINS": scenario["coins"], "BACKTEST_INITIAL_CAPITAL": capital}
    return scenario, build_settings(**merged, **base)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        result[key] = (
            _merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        )
    return result


def scenario_files(paths: Sequence[str | Path]) -> list[Path]:
    """Return the scenario files at `paths`; a folder stands for its `*.json` but `defaults.json`."""
    files: list[Path] = []
    for path in map(Path, paths):
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [file for file in files if file.name != "defaults.json"]


def main(arguments: Sequence[str]) -> int:
    """Run the scenarios at the paths given and print what differs."""
    files = scenario_files(arguments)
    if not files:
        print("usage: python -m tests.vectors PATH... (scenario files, or folders of them)", file=sys.stderr)
        return 2
    passed = failed = 0
    for file in files:
        scenario, settings = load(file)
        found = list(differences(scenario["expected"], run(scenario, settings)))
        passed, failed = passed + (not found), failed + bool(found)
        for line in found:
            print(f"{file.stem}: {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
