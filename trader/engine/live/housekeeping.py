"""What goes on beside the trading, every second: kill file, files, silence, the end of a play, status."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from trader.core.errors import ExchangeError
from trader.core.events import Action
from trader.engine.live.intake import Intake
from trader.engine.live.keeper import Keeper
from trader.engine.live.venue import Venue
from trader.trading.notes import Note, Refused

log = logging.getLogger(__name__)

EVERY_S = 1.0
#: The snapshot is written at once when a trade or a guard changes, but not more often than this; and now and then.
LEAST_SAVE_S, LONGEST_SAVE_S = 0.05, 5.0


class KillFile:
    """A file whose presence is a kill switch; a command can throw it, too, and each lifts only what it threw.

    `thrown` says whether the file has thrown it to begin with.
    """

    def __init__(self, path: Path, thrown: bool) -> None:
        self.path = path
        self._thrown = thrown

    def look(self) -> Action | None:
        """Return what to do when the file has come or gone since the last look."""
        there = self.path.exists()
        if there == self._thrown:
            return None
        self._thrown = there
        gone = "is gone: entries are allowed, unless a command has thrown the kill switch, too"
        text = "is there: everything closes, no entries until it is gone" if there else gone
        log.warning("%s %s", self.path, text)
        return Action.KILL if there else Action.LIFT


class ChangeBell:
    """An audience that rings when there is something to save: all but a refusal."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    def note(self, note: Note) -> None:
        """Ring, unless nothing but a count has changed."""
        if not isinstance(note, Refused):
            self.rung.set()


class Housekeeper:
    """Keeps house until it is cancelled; `say_status` is called every `status_every_s`."""

    def __init__(
        self, venue: Venue, intake: Intake, keeper: Keeper, status_every_s: float, say_status: Callable[[], None]
    ) -> None:
        self._venue = venue
        self._intake = intake
        self._keeper = keeper
        self._status_every_s = status_every_s
        self._say_status = say_status
        self._said_unavailable = ""

    async def run(self, look_for_kill: Callable[[], None]) -> None:
        """Do what is to be done every second."""
        last_status = time.monotonic()
        while True:
            await asyncio.sleep(EVERY_S)
            look_for_kill()
            await self._keeper.flush()
            await self._look_at_market()
            if time.monotonic() - last_status >= self._status_every_s:
                last_status = time.monotonic()
                self._say_status()

    async def save_changes(self, bell: ChangeBell, encoded: Callable[[], bytes]) -> None:
        """Write the snapshot whenever it should be."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_SAVE_S):
                    await bell.rung.wait()
            bell.rung.clear()
            await self._keeper.save(encoded())
            await asyncio.sleep(LEAST_SAVE_S)

    async def _look_at_market(self) -> None:
        """Ask the play how far it is: its end may have been lost, or all streams be silent."""
        try:
            state = await self._venue.play()
        except ExchangeError as error:
            if str(error) != self._said_unavailable:
                log.warning("%s", error)
            self._said_unavailable = str(error)
            return
        self._said_unavailable = ""
        await self._intake.look_after(self._venue.server_ms() if state is None else state.now)
        if state is not None and state.ended:
            self._intake.end_at(state.now)
