"""One seed: a market, an exchange, a trader that is killed now and then, and a judge."""

from __future__ import annotations

import asyncio
import random as shared
from collections.abc import Coroutine
from random import Random
from typing import Any

import msgspec

from tests.builders import settings
from tests.simulate.client import FAILED, VirtualClient, made_client
from tests.simulate.exchange import FEES, SimulatedExchange
from tests.simulate.final import differences
from tests.simulate.judge import Watcher
from tests.simulate.life import Life, Parts, Setup
from tests.simulate.loop import VirtualLoop
from tests.simulate.market import PLAY_MS, drawn_market, market_of
from tests.simulate.network import Network
from tests.simulate.notebook import Notebook
from tests.simulate.people import Person, Stranger, Strategy, settings_of
from tests.simulate.trace import Trace
from tests.simulate.weather import Weather, weather_of
from trader.core.events import Action, Instant, OperatorCommand
from trader.core.settings import Market
from trader.core.timeframe import MINUTE_MS
from trader.core.venue import Commission
from trader.execution.desk.booking import Prices

#: Minutes of calm at the end, at most: for everything to be closed, and told.
CALM_MINUTES = 12
#: Prices are looked at so often where they move inside candles, seconds.
PATH_S = 10.0
#: How long after its end a candle is there, seconds.
CANDLE_S = 0.5
#: Violations of one seed, at most.
ENOUGH = 20
#: Moments at which a trader may be killed, until the next one: fewer for a quick death.
FEW, MANY = 10, 400


class Result(msgspec.Struct, frozen=True):
    """What came of a seed; `violations` have the time, `lines` are the last that were said before the first."""

    seed: int
    market: Market
    orders: int
    faults: int
    minutes: int
    violations: tuple[str, ...]
    lines: tuple[str, ...]
    digest: str


class World:
    """Make it inside a running virtual loop, and `run` it once."""

    def __init__(self, seed: int, market: Market, shown: bool = False, parts: Parts = Parts()) -> None:  # noqa: B008
        self.seed = seed
        self.random = Random(f"{seed}/world")
        self.drawn = drawn_market(seed, market)
        self.weather: Weather = weather_of(seed)
        self.loop = asyncio.get_running_loop()
        self.exchange = SimulatedExchange(seed, self.drawn, self.weather, self.loop.time)
        self.trace = Trace(lambda: self.exchange.now, PLAY_MS, shown)
        self.violations: list[str] = []
        self.lines: tuple[str, ...] = ()
        self.faults = 0
        self.missed: list[Instant] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._kills = self.weather.kills
        self._until_kill = 0
        self._calm = False
        self.watcher = self._watcher()
        self.network = Network(seed, self.weather, self.exchange, self.trace)
        self.network.lost = self._deaf_until
        self.notebook = Notebook(seed, market, self.weather.journal_refuses, lambda: self.exchange.now)
        self.notebook.wrote, self.notebook.point = self.watcher.wrote, self._at
        self.setup = self._setup(parts)
        self.loop.set_exception_handler(lambda _, context: self.violated(f"{context}"))
        self.life: Life | None = None
        self._rise()

    def _watcher(self) -> Watcher:
        exchange, drawn = self.exchange, self.drawn
        instruments = drawn.instruments()
        watcher = Watcher(
            drawn.market, instruments, drawn.bases(), lambda: exchange.now, exchange.price, self.trace, self.violated
        )
        exchange.join(watcher)
        exchange.asked = watcher.asked
        return watcher

    def _setup(self, parts: Parts) -> Setup:
        seed, market, bases = self.seed, self.drawn.market, self.drawn.bases()
        instruments = self.drawn.instruments()
        prices = {symbol: Prices(base, "USDT", Commission(symbol, *FEES[market])) for symbol, base in bases.items()}
        return Setup(
            settings(COINS=list(instruments), **settings_of(seed, market)),
            instruments,
            prices,
            bases if market == "spot" else {},
            parts,
            Strategy(seed, self.weather.orders, market, self.drawn.minutes),
            lambda: self.exchange.now,
        )

    def violated(self, what: str) -> None:
        """Note that something is wrong; more than so much of it tells nobody anything."""
        if len(self.violations) >= ENOUGH:
            return
        self.trace.say(f"VIOLATION {what}")
        self.violations.append(f"{self.trace.clock()} {what}")
        self.lines = self.lines or tuple(self.trace.lines)

    # --- lives ------------------------------------------------------------------------------------------------------

    def _client(self, life: Life) -> VirtualClient:
        return made_client(self.network, self.drawn.market, PLAY_MS / 1000, Tap(self, life))

    def _next_kill(self) -> int:
        """Draw the next death: return after how many moments, or 0 when it comes by the clock, at whatever await."""
        if self._kills <= 0:
            return 0
        self._kills -= 1
        if self.random.random() < 0.5:
            return self.random.randint(1, self.random.choice([FEW, MANY]))
        minute = self.loop.time() // 60 + self.random.randint(1, 10)
        self.loop.call_at(minute * 60 + 20 * self.random.random() ** 2, self._strike)
        return 0

    def _strike(self) -> None:
        if self.alive and not self._calm:
            self._kill("at an await")

    @property
    def alive(self) -> bool:
        """Whether there is a trader just now."""
        return self.life is not None and not self.life.dead

    def _at(self, moment: str) -> None:
        """Kill the trader at this moment, if it is the one."""
        if self._until_kill <= 0 or not self.alive:
            return
        self._until_kill -= 1
        if self._until_kill == 0:
            self._kill(moment)

    def _kill(self, moment: str) -> None:
        assert self.life is not None
        self.faults += 1
        down_s = self.random.random() * self.weather.down_s
        self.trace.say(f"KILLED {moment}, for {down_s:.1f} s")
        self.life.kill()
        self.network.deaf()
        self._deaf_until(self.loop.time() + down_s)
        self.notebook.tear()
        self.watcher.killed(self.notebook.kept(self.watcher.booked()))
        self.loop.call_later(down_s, self._rise)

    def _rise(self) -> None:
        """Let a trader come up: for the first time, or from what the journal has."""
        self.trace.say("the trader comes up")
        try:
            life = self.life = Life(self.setup, self.notebook, self._client)
        except Exception as error:
            self.violated(f"recovery failed: {error!r}")
            return
        self.network.listen(life.hear, life.missed)
        life.missed()
        self._until_kill = self._next_kill()
        for instant in self._missed():
            life.take(instant)

    def _missed(self) -> list[Instant]:
        missed, self.missed = self.missed, []
        return [msgspec.structs.replace(each, late=True) for each in missed]

    def _deaf_until(self, time_s: float) -> None:
        now = self.exchange.now
        self.watcher.outages.declare(now, now + int(1000 * (time_s - self.loop.time())))

    # --- what happens -----------------------------------------------------------------------------------------------

    async def run(self) -> Result:
        """Play the seed to its end."""
        person, stranger = Person(self.seed), Stranger(self.seed, self.drawn.market, list(self.drawn.tables))
        outages = self._times(self.weather.outages)
        self._spawn(self._watch(), *([self._paths()] if self.weather.paths else []))
        for minute in range(1, self.drawn.minutes + 1):
            await self._close(minute)
            if (said := person.says()) is not None:
                self._command(said)
            if self.weather.strangers:
                self._stranger(stranger)
            for _ in range(outages.count(minute)):
                self._spawn(self._outage())
        await self._wind_up()
        for each in differences(self.watcher, self.exchange, self.life) if self.life else ():
            self.violated(each)
        return self._result()

    def end(self) -> None:
        """Let nothing remain."""
        for task in self._tasks:
            task.cancel()
        if self.life is not None:
            self.life.kill()
        self.notebook.remove()

    def _result(self) -> Result:
        faults = self.faults + self.network.faults + sum(self.exchange.plan.counts.values())
        lines = self.lines if self.violations else ()
        return Result(
            self.seed,
            self.drawn.market,
            len(self.watcher.orders),
            faults,
            self.drawn.minutes,
            tuple(self.violations),
            lines,
            self.trace.digest,
        )

    def _times(self, count: int) -> list[int]:
        return [self.random.randint(1, self.drawn.minutes) for _ in range(count)]

    def _spawn(self, *coroutines: Coroutine[Any, Any, None]) -> None:
        self._tasks += [self.loop.create_task(each) for each in coroutines]

    async def _close(self, minute: int) -> None:
        """Let a minute pass to its end, and the trader see its candles."""
        due = PLAY_MS + minute * MINUTE_MS
        await asyncio.sleep((due - self.exchange.now) / 1000)
        self.exchange.advance()
        instant = Instant(due, self.drawn.closed_at(due))
        await asyncio.sleep(self.random.random() * CANDLE_S)
        if self.alive and not self.missed:
            self._take(instant)
        else:
            self.missed.append(instant)
        self.trace.say(f"minute {minute}")

    def _take(self, event: Instant | OperatorCommand) -> None:
        if self.life is not None:
            self.life.take(event)

    def _command(self, command: OperatorCommand) -> None:
        self.trace.say(f"a person: {command.action} {command.name}")
        self._take(command)

    def _stranger(self, stranger: Stranger) -> None:
        if (words := stranger.acts(self.exchange)) is not None:
            self.trace.say(f"a stranger: {words}")

    async def _outage(self) -> None:
        await asyncio.sleep(self.random.random() * 60)
        down_s = self.random.random() * self.weather.down_s
        self.faults += 1
        self.trace.say(f"the exchange is down for {down_s:.1f} s")
        self._deaf_until(self.loop.time() + down_s + 1.0)
        self.network.up = False
        await asyncio.sleep(down_s)
        self.network.up = True
        self.network.reconnected()

    async def _paths(self) -> None:
        while True:
            await asyncio.sleep(PATH_S)
            self.exchange.advance()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.watcher.tick()
            if self.life is not None:
                self._alarms(self.life)
            if self.life is not None and self.alive and (fault := self.life.fault()):
                self.violated(fault)
                self._kill("broken")

    def _alarms(self, life: Life) -> None:
        """Say what a person would have been told, not long after."""
        for words in life.desk.alarms:
            self.trace.say(f"! {words}")
        life.desk.alarms.clear()

    async def _wind_up(self) -> None:
        """Let no fault strike any more, close everything, and wait until all is quiet."""
        self._kills = self._until_kill = 0
        self._calm = True
        self.exchange.heal()
        self.network.weather, self.notebook.refuses = None, 0.0
        for minute in range(self.drawn.minutes + 1, self.drawn.minutes + CALM_MINUTES):
            self._command(OperatorCommand(Action.CLOSE_ALL))
            await self._close(minute)
            if self.life is not None and self.alive and self.life.flat:
                break
        await asyncio.sleep(20)


class Tap:
    """Sees the requests of one life leave, and answers come; where the trader dies, nothing leaves any more."""

    def __init__(self, world: World, life: Life) -> None:
        self._world = world
        self._life = life

    def sends(self, client_id: str, what: str) -> None:
        self._world._at("sending")
        if self._life.dead:
            raise asyncio.CancelledError
        self._world.trace.say(f"> {what}")
        self._world.watcher.sends(client_id)

    def answered(self, client_id: str, came: str) -> None:
        if not self._life.dead:
            self._world.trace.say(f"< {client_id} {came}")
            self._world.watcher.answered(client_id, failed=came.startswith(FAILED))
            self._world._at("answered")

    def asks(self, client_id: str) -> None:
        if self._life.dead:
            raise asyncio.CancelledError
        self._world.watcher.asks(client_id)

    def told_of(self, client_id: str, failed: bool) -> None:
        if self._life.dead:
            return
        if failed:
            self._world.trace.say(f"? {client_id}: no answer")
        self._world.watcher.told_of(client_id, failed)


def simulated(seed: int, market: Market | None = None, shown: bool = False, parts: Parts = Parts()) -> Result:  # noqa: B008
    """Play a seed on a loop of its own, on its market unless another is named."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    shared.seed(f"{seed}/shared")  # the program draws its waits from it

    async def play() -> Result:
        world = World(seed, market or market_of(seed), shown, parts)
        try:
            return await world.run()
        finally:
            world.end()
            await asyncio.sleep(0)

    try:
        return loop.run_until_complete(play())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
