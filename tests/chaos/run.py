"""One chaos run: an exchange full of faults, a daemon that is killed again and again, a judge."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from math import isinf
from pathlib import Path
from random import Random

import msgspec

from tests.chaos.books import differences
from tests.chaos.control import Exchange, command
from tests.chaos.judge import Judge, Verdict
from tests.chaos.lives import ROOT, Lives
from tests.chaos.notes import now_ms, read_notes
from tests.chaos.options import Options
from tests.chaos.outages import Span
from tests.chaos.people import Janitor, Person, Rota, Stranger
from tests.chaos.points import ONLY, POINTS, Sentence
from tests.chaos.weather import CAPITAL, COINS, KEY, SECRET, Weather, weather_of
from trader.core.instrument import Instrument
from trader.market.instruments import filters_of

LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
TICK_S = 0.05
#: The first start may compile indicators.
FIRST_START_S = 90.0
SAY_S, JUDGE_S = 5.0, 15.0
#: A person lets entries be forbidden for so long at most, seconds.
FORBIDDEN_S = 3.0
#: Share of the kills at any instant of a start, and at any instant later; the others come at a named point.
AT_ONCE, AT_RANDOM = 0.12, 0.2
#: How long a start takes that has not been measured yet, seconds.
STARTS_S = 2.0
#: The first life is not sentenced, as it may compile indicators: it ends so long after it trades, at most.
FIRST_LIFE_S = 20.0
#: A daemon whose point does not come is killed all the same, so long after it should have come, seconds.
GRACE_S = 4.0
#: Kills that are left when the time is over have so much of it more.
OVERTIME = 2.0
#: The calm at the end: nothing strikes any more, all is closed within so long, and then the market stands still.
CALM_S, FLAT_S, STILL_S = 2.0, 90.0, 2.0
STANDSTILL = 1e-9


class Result(msgspec.Struct, frozen=True):
    """What came of a run."""

    kills: dict[str, int]
    orders: int
    faults: int
    violations: tuple[str, ...]
    longest_bare_ms: int


class Chaos:
    """A run in `folder`; `say` takes what is going on."""

    def __init__(self, options: Options, folder: Path, say: Callable[[str], None]) -> None:
        self._options = options
        self._folder = folder
        self._say = say
        self._random = Random(f"{options.seed}/run")
        self.weather: Weather = weather_of(options.seed, options.market)
        self._coins = options.coins.split(",") if options.coins else list(COINS)
        self._home = folder / "data" / "live" / f"embedded-{options.market}"
        self._shut: list[Span] = []
        self._acts = 0
        self._kill_at_s = self._life_s = float("inf")
        self._lives: Lives

    def run(self) -> Result:
        """Run it to its end."""
        with self._exchange() as exchange:
            self._stage(exchange)
            try:
                self._trouble(exchange)
                self._wind_up(exchange)
            finally:
                self._lives.end()
            verdict = self._judge()
        bases = {symbol: base for symbol, (_, base) in self._symbols.items()}
        discount = Decimal("0.000075")
        found = [*verdict.violations, *self._lives.shames, *differences(self._home, verdict, bases, discount)]
        return Result(
            dict(self._lives.kills),
            verdict.orders,
            verdict.faults + self._acts,
            tuple(found),
            verdict.longest_bare_ms,
        )

    # --- the stage --------------------------------------------------------------------------------------------------

    @contextmanager
    def _exchange(self) -> Iterator[Exchange]:
        """Play the market in a process of its own."""
        options, weather = self._options, self.weather
        balance = f"USDT={CAPITAL * 100}" + (",BNB=10000" if weather.bnb else "")
        arguments = ["--symbols", ",".join(self._coins), "--speed", f"{options.speed:g}", "--seed", str(options.seed)]
        arguments += ["--data", str(options.data)] if options.data else []
        arguments += ["--key", KEY, "--secret", SECRET, "--balance", balance, "--port", "0", "--until-stdin-closes"]
        arguments += ["--bnb-fees"] if weather.bnb else []
        arguments += ["--touch", "path", "--fault-seed", str(options.seed)]
        arguments += [part for fee in weather.fees for part in ("--set", fee)]
        arguments += [part for fault in weather.faults for part in ("--fault", fault)]
        started = [sys.executable, "-m", "tests.chaos.exchange", str(self._folder / "notes.jsonl"), *arguments]
        with (self._folder / "exchange.log").open("w") as log:
            process = subprocess.Popen(
                started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                found = next(filter(None, map(LISTENING.search, process.stdout)), None)
                if found is None:
                    raise SystemExit(f"the exchange did not start: {(self._folder / 'exchange.log').read_text()}")
                yield Exchange(found[1])
            finally:
                process.stdin.close()
                process.wait(10)
                process.stdout.close()

    def _stage(self, exchange: Exchange) -> None:
        options, weather = self._options, self.weather
        path = "/api/v3" if options.market == "spot" else "/fapi/v1"
        listed = {each["symbol"]: each for each in self._asked(exchange, f"{path}/exchangeInfo")["symbols"]}
        self._symbols = {
            name: (Instrument.from_filters(name, filters_of(listed[name])), listed[name]["baseAsset"])
            for name in self._coins
        }
        own = {
            "MODE": "embedded",
            "MARKET": options.market,
            "ORDERS": "exchange",
            "REST_URL": exchange.url,
            "DATA_DIR": str(self._folder / "data"),
            "LOG_FILE": "",
            "PRELOAD_CANDLES": "200",
            "BACKTEST_INITIAL_CAPITAL": str(CAPITAL),
            "STATUS_EVERY_S": "5",
        }
        pairs = [f"{name}={value}" for name, value in own.items()] + list(weather.settings)
        arguments = ["run", "--coins", ",".join(self._coins), "--timeframes", "1min", "--preset", weather.preset]
        arguments += [part for pair in pairs for part in ("--set", pair)]
        self._lives = Lives(self._folder, arguments, weather, options.market == "futures")
        self._people = Person(options.seed, self._home, self._coins)
        self._stranger = Stranger(options.seed, options.market, exchange, self._coins)
        self._janitor = Janitor(options.seed, exchange)

    @staticmethod
    def _asked(exchange: Exchange, path: str) -> dict[str, list[dict[str, str]]]:
        """Ask until no fault is in the way."""
        while True:
            try:
                return exchange.get(path)  # type: ignore[no-any-return]
            except OSError:
                time.sleep(0.2)

    # --- trouble ----------------------------------------------------------------------------------------------------

    def _trouble(self, exchange: Exchange) -> None:
        """Let everything go wrong until the time is over and the kills are done."""
        options = self._options
        self._wait(FIRST_START_S, lambda: self._lives.trades)
        began_s = time.monotonic()
        ends_s = began_s + options.minutes * 60
        rota = Rota(options.seed, self.weather, began_s)
        says_s, judges_s = began_s, began_s + JUDGE_S
        while (now_s := time.monotonic()) < ends_s + options.minutes * 60 * OVERTIME:
            if now_s >= ends_s and self._killed >= options.kills:
                break
            self._keep_alive(now_s, ends_s)
            for who in rota.due(now_s):
                self._act(who)
            if self._people.forbids:
                rota.soon("person", min(rota.at("person"), now_s + FORBIDDEN_S))
            if now_s >= says_s:
                says_s = now_s + SAY_S
                self._progress(now_s - began_s)
            if now_s >= judges_s:
                judges_s = now_s + JUDGE_S
                self._look_in()
            time.sleep(TICK_S)

    @property
    def _killed(self) -> int:
        return sum(self._lives.kills.values())

    def _keep_alive(self, now_s: float, ends_s: float) -> None:
        """Let a daemon live, and die when its time has come."""
        lives = self._lives
        lives.look()
        if not lives.runs:
            self._kill_at_s = self._life_s = float("inf")
            lives.begin(self._sentence(now_s, ends_s))
        elif now_s >= self._kill_at_s:
            lives.kill()
        elif lives.trades and self._kill_at_s == float("inf") and self._killed < self._options.kills:
            share_s = self._options.minutes * 60 / (self._options.kills + 1)
            self._kill_at_s = now_s + (min(share_s, FIRST_LIFE_S) if isinf(self._life_s) else self._life_s)

    def _sentence(self, now_s: float, ends_s: float) -> Sentence | None:
        """Draw how this life ends: at a point, at any instant of its start, or so long after it trades."""
        left = self._options.kills - self._killed
        if left <= 0 or not self._lives.dead:
            return None
        starts_s = self._lives.starts_s[1:] or [STARTS_S]
        mean_s = max(1.0, (ends_s - now_s) / left - sum(starts_s) / len(starts_s))
        self._life_s = self._random.uniform(0.1, 1.9) * mean_s
        drawn = self._random.random()
        if drawn < AT_ONCE:
            self._kill_at_s = now_s + self._random.uniform(0.05, 1.3 * starts_s[-1])
        if drawn < AT_ONCE + AT_RANDOM:
            return None
        names = [name for name in POINTS if ONLY.get(name, self._options.market) == self._options.market]
        name = self._random.choice(names)
        at_once = name.startswith("recovery") or self._random.random() < AT_ONCE
        after_s = 0.0 if at_once else starts_s[-1] + self._random.uniform(0.0, self._life_s)
        self._life_s += GRACE_S
        return Sentence(name, self._random.choice((1, 1, 2, 3, 5)), after_s)

    def _act(self, who: str) -> None:
        self._acts += 1
        if who == "stranger":
            words = self._stranger_acts()
        elif who == "person":
            words = "a person: " + self._people.act()
        else:
            words, seconds = self._janitor.act()
            self._shut.append((now_ms() - 100, now_ms() + int(seconds * 1000) + 300))
        with (self._folder / "acts.log").open("a") as file:
            file.write(f"{now_ms()} {words}\n")

    def _stranger_acts(self) -> str:
        try:
            return "a stranger " + self._stranger.act()
        except OSError as error:
            return f"a stranger is turned away ({error})"

    # --- the end ----------------------------------------------------------------------------------------------------

    def _wind_up(self, exchange: Exchange) -> None:
        """Let nothing strike any more, close everything, stop the market, then the daemon."""
        exchange.heal()
        lives = self._lives
        self._kill_at_s = float("inf")
        self._wait(CALM_S, lambda: False)
        self._revive()
        self._people.undo()
        command(self._home, do="kill")
        if not self._wait(FLAT_S, self._is_flat):
            lives.shames.append("not everything could be closed at the end")
        self._wait(CALM_S, lambda: False)
        exchange.post("/control/speed", speed=STANDSTILL)
        self._wait(STILL_S, lambda: False)
        lives.stop()

    def _wait(self, seconds: float, done: Callable[[], bool]) -> bool:
        """Keep a daemon alive until it is `done`, at most so long; tell whether it is."""
        ends_s, looks_s = time.monotonic() + seconds, 0.0
        while (now_s := time.monotonic()) < ends_s:
            self._revive()
            if now_s >= looks_s:
                looks_s = now_s + 1.0
                if done():
                    return True
            time.sleep(TICK_S)
        return False

    def _revive(self) -> None:
        self._lives.look()
        if not self._lives.runs:
            self._lives.begin(None)

    def _is_flat(self) -> bool:
        """Tell whether nothing of ours is held or rests, as far as that can be sold."""
        heard = command(self._home, do="kill") is not None
        verdict = self._judge()
        held = any(each.sellable for each in verdict.positions.values())
        return heard and self._lives.trades and not held and not verdict.resting

    # --- the judge --------------------------------------------------------------------------------------------------

    def _judge(self) -> Verdict:
        instruments = {symbol: instrument for symbol, (instrument, _) in self._symbols.items()}
        bases = {symbol: base for symbol, (_, base) in self._symbols.items()} if self._options.market == "spot" else {}
        judge = Judge(instruments, bases, self._lives.outages(), self._shut)
        return judge.read(read_notes(self._folder / "notes.jsonl"), now_ms())

    def _progress(self, seconds: float) -> None:
        verdict = self._judge()
        found = len(verdict.violations) + len(self._lives.shames)
        state = "trading" if self._lives.trades else "starting" if self._lives.runs else "dead"
        self._say(
            f"{seconds:6.0f} s  {self._killed} kills, {verdict.orders} orders, {verdict.faults + self._acts} faults, "
            f"{len(verdict.resting)} resting, {found} violations; {state}"
        )

    def _look_in(self) -> None:
        for words in [*self._judge().violations, *self._lives.shames][:3]:
            self._say(f"  {words[:300]}")
