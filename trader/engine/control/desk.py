"""Answers what is asked on a daemon's socket, and lets accepted commands in."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from trader.core.settings import Settings
from trader.core.timeframe import utc
from trader.engine.control.address import Peer
from trader.engine.control.deeds import Deed
from trader.engine.control.logbook import Logbook
from trader.engine.control.messages import (
    Accepted,
    Answer,
    AskStatus,
    Command,
    Failed,
    Happened,
    Refused,
    Request,
    Wait,
)
from trader.engine.control.planning import Plan, Scene, plan
from trader.engine.control.report import status_of
from trader.engine.live.trader import LiveWebSocketTrader

log = logging.getLogger(__name__)

#: A request to wait is answered after so long at the latest: then whoever asked asks again, or has gone.
LONGEST_WAIT_S = 5.0
#: How often it is looked meanwhile whether the exchange has answered.
LOOK_EVERY_S = 0.05


class Desk:
    """Speaks for a running `trader`; `settings` are those of its start, `venue` names its market."""

    def __init__(self, trader: LiveWebSocketTrader, settings: Settings, home: Path, venue: str) -> None:
        self._trader = trader
        self._settings = settings
        self._venue = venue
        self._logbook = Logbook(home)

    async def answer(self, request: Request, who: Peer) -> Answer:
        """Return the answer to a request; whatever goes wrong here is an answer, too, and disturbs no trading."""
        try:
            return await self._answer(request, who)
        except Exception as error:
            log.exception("a command could not be answered: a fault of this program")
            return Failed(f"a fault of this program: {type(error).__name__}: {error}; see the log")

    async def _answer(self, request: Request, who: Peer) -> Answer:
        if isinstance(request, AskStatus):
            return status_of(self._trader, self._settings, self._venue)
        if isinstance(request, Wait):
            return await self._wait(request.number)
        return await self._take(request, who)

    async def _take(self, command: Command, who: Peer) -> Answer:
        if self._trader.ending:
            return Refused(f"the daemon ends just now; touch {self._trader.kill_file.path} is obeyed at its next start")
        planned = plan(command, self._scene())
        if not isinstance(planned, Plan):
            return planned
        deed = self._trader.deeds.follow(planned.commands)
        for each in planned.commands:
            self._trader.command(each)
        answer = Accepted(deed.number, planned.text, *self._acts())
        log.warning("command %d by %s: %s; it acts %s", deed.number, who, planned.text, answer.acts)
        await self._write_down(who, command, answer)
        return answer

    async def _write_down(self, who: Peer, command: Command, answer: Accepted) -> None:
        market_ms = self._trader.market_ms
        try:
            await asyncio.to_thread(self._logbook.append, market_ms, who, command, answer)
        except OSError as error:
            log.error("%s cannot be written (%s): the command stands", self._logbook.path, error.strerror or error)

    async def _wait(self, number: int) -> Answer:
        deed = self._trader.deeds.get(number)
        if deed is None:
            return Refused(f"there is no command {number} in this run")
        return await self._news_of(deed)

    async def _news_of(self, deed: Deed) -> Happened:
        """Wait until a command is over or stands otherwise than now, or for long enough; return what became of it."""
        real = self._trader.orders is not None
        before = (deed.acted_at, deed.doing, len(deed.lines))
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_S):
                while not deed.over.is_set() and before == (deed.acted_at, deed.doing, len(deed.lines)):
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_EVERY_S):
                            await deed.over.wait()
                    self._trader.follow_deeds()
        return happened(deed, real)

    def _scene(self) -> Scene:
        trader = self._trader
        return Scene(trader.book, self._settings, tuple(trader.plan.exits), trader.kill_file.path, trader.distrusted)

    def _acts(self) -> tuple[str, int]:
        """Return when a command that enters now acts: in words, and in ms of the market."""
        grid = min(self._trader.plan.exits.values(), key=lambda timeframe: timeframe.ms)
        acts_at = self._trader.intake.assembler.done + grid.ms
        return f"at the next candle close of {grid}, {utc(acts_at)} of the market", acts_at


def happened(deed: Deed, real: bool = False) -> Happened:
    """Return what became of a command so far; `real`: orders go to an exchange."""
    over = deed.over.is_set()
    return Happened(deed.number, over, deed.acted_at, list(deed.lines), list(deed.doing), real and over)
