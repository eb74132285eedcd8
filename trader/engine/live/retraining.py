"""Training beside the trading: when it is due, a process of its own trains and judges; here it is begun and ended.

The process is at the lowest priority and has a log of its own. It ends with the daemon, however that ends: its input is
a pipe from here. What it stores and promotes is taken up by whoever watches the registry.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from trader.core.errors import DataError
from trader.core.settings.groups import Retrain
from trader.core.timeframe import DAY_MS, utc
from trader.engine.redaction import redactor
from trader.engine.settings.faults import SECRETS
from trader.market.durable import write_atomic

log = logging.getLogger(__name__)

LOG_NAME, STATE_NAME = "retraining.log", "retraining.json"
#: How often it is asked whether a training is due.
LOOK_S = 10.0
#: A training that takes longer is ended, and one that is told to end and does not is killed.
LONGEST_S, STOP_S = 24 * 3600.0, 1.0
#: The wait after a failure; it doubles with each further one, up to `at_most_once_days`.
RETRY_MS = 3_600_000
#: The lowest priority there is.
NICE = 19
ROOT = Path(__file__).resolve().parents[3]
#: What of its output is looked at, bytes: its last line says what came of it.
TAIL = 4_096


class History(msgspec.Struct):
    """What is remembered over restarts: the last training, ms UTC, 0 for none; failures since one succeeded; what came
    of it, in words."""

    began: int = 0
    ended: int = 0
    succeeded: int = 0
    failures: int = 0
    words: str = ""


_HISTORY = msgspec.json.Decoder(History)


class Due(msgspec.Struct, frozen=True):
    """When a training is to begin, ms UTC, and why."""

    at: int
    why: str


def next_due(settings: Retrain, history: History, made: int | None, drifted: int | None) -> Due | None:
    """Return when the next training is due, None where nothing asks for one.

    `made` is when the model in force was, None for no model; `drifted` since when an alarm of drift is on, None for
    none, all ms UTC. What is asked for waits until `at_most_once_days` are over, or the wait after a failure.
    """
    asked: list[Due] = []
    if settings.every_days is not None and made is not None:
        age = f"the model is {settings.every_days} days old"
        asked.append(Due(max(made, history.succeeded) + settings.every_days * DAY_MS, age))
    if settings.on_drift and drifted is not None:
        asked.append(Due(drifted, "the market has drifted"))
    if not asked or not settings.enable:
        return None
    first = min(asked, key=lambda each: each.at)
    if history.failures:
        wait = min(RETRY_MS * 2 ** min(history.failures - 1, 20), settings.at_most_once_days * DAY_MS)
        return Due(max(first.at, history.ended + wait), f"try {history.failures + 1}: {first.why}")
    earliest = history.began + settings.at_most_once_days * DAY_MS if history.began else 0
    return Due(max(first.at, earliest), first.why)


class Retraining:
    """Begins `command` when a training is due, one at a time; `run` until it is cancelled.

    `home` has its log and what is remembered. `made_ms` tells when the model in force was made, None for no model;
    `now_ms` the time. The last line that the command says is what came of it; it succeeds with exit code 0.
    """

    def __init__(
        self,
        settings: Retrain,
        command: Sequence[str],
        home: Path,
        made_ms: Callable[[], int | None],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        environment: Mapping[str, str] | None = None,
        look_s: float = LOOK_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._settings = settings
        self._command = tuple(command)
        self._home = home
        self._made_ms = made_ms
        self._now_ms = now_ms
        self._environment = environment
        self._look_s, self._longest_s = look_s, longest_s
        self._drifted: int | None = None
        self._running: asyncio.subprocess.Process | None = None
        self.history = _recalled(home / STATE_NAME)

    @property
    def pid(self) -> int | None:
        """The number of the process that trains, None while none does."""
        return self._running.pid if self._running is not None else None

    def drift(self, alarmed: bool) -> None:
        """Say whether an alarm of drift is on."""
        self._drifted = (self._drifted or self._now_ms()) if alarmed else None

    def due(self) -> Due | None:
        """Return when the next training is due."""
        return next_due(self._settings, self.history, self._made_ms(), self._drifted)

    async def run(self) -> None:
        """Train whenever it is due; a training that is under way ends with this."""
        while True:
            due = self.due()
            if due is not None and self._now_ms() >= due.at:
                await self._train(due.why)
            await asyncio.sleep(self._look_s)

    async def _train(self, why: str) -> None:
        before, self.history.began = self.history.began, self._now_ms()
        await self._remember()  # before it begins: a daemon that dies of it must not begin again at once
        log.info("training beside the trading: %s; its log is %s", why, self._home / LOG_NAME)
        try:
            words, failed = await self._told()
        except asyncio.CancelledError:
            self.history.began = before
            await self._remember()
            raise
        except OSError as error:
            words, failed = f"{error.filename or self._command[0]}: {error.strerror or error}", True
        history = self.history
        history.ended = self._now_ms()
        history.words = redactor.hide(words)
        history.failures = history.failures + 1 if failed else 0
        history.succeeded = history.succeeded if failed else history.ended
        await self._remember()
        if failed:
            due = self.due()
            again = f"; tried again after {utc(due.at)}" if due else ""
            log.warning("the training failed: %s%s", history.words, again)
        else:
            log.info("trained: %s", history.words)

    async def _told(self) -> tuple[str, bool]:
        """Run the command; return what it said last, and whether it failed."""
        path = self._home / LOG_NAME
        with path.open("wb") as output:
            self._running = process = await self._begin(output)
        try:
            async with asyncio.timeout(self._longest_s):
                code = await process.wait()
        except TimeoutError:
            return f"it took longer than {self._longest_s:g} s and was ended", True
        finally:
            await _end(process)
            self._running = None
        said = await asyncio.to_thread(_last_line, path)
        return (said or "it said nothing", False) if not code else (f"code {code}: {said or 'it said nothing'}", True)

    async def _begin(self, output: BinaryIO) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
            process_group=0,  # a group of its own, with the processes that it begins; the session is ours: nice counts
        )
        with suppress(OSError):  # it may be over
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        return process

    async def _remember(self) -> None:
        content = msgspec.json.encode(self.history)
        try:
            await asyncio.to_thread(write_atomic, self._home / STATE_NAME, lambda file: file.write(content))
        except DataError as error:
            log.warning("the times of trainings are not kept: %s", error)

    def line(self) -> str:
        """Return the state in a line."""
        if not self._settings.enable:
            return "retraining: off"
        last = f"; last {utc(self.history.ended)}: {self.history.words}" if self.history.ended else ""
        if self._running is not None:
            return f"retraining: under way since {utc(self.history.began)}{last}"
        due = self.due()
        when = f"next {utc(max(due.at, self._now_ms()))} ({due.why})" if due else "not due"
        return f"retraining: {when}{last}"


def command_of(options: Sequence[str], data: Path) -> list[str]:
    """Return the command that trains for a daemon with these options, on the candles in `data`."""
    own = ("--data", str(data.resolve()), "--until-stdin-closes")
    return [sys.executable, "-m", "trader.cli", "retrain", *options, *own]


def environment_of(ours: Mapping[str, str], threads: int) -> dict[str, str]:
    """Return an environment without keys, in which libraries use no more threads than asked for."""
    kept = {name: value for name, value in ours.items() if name.removeprefix("TRADER_") not in SECRETS}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}


def _recalled(path: Path) -> History:
    try:
        return _HISTORY.decode(path.read_bytes())
    except FileNotFoundError:
        return History()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("%s says nothing of earlier trainings: %s", path, error)
        return History()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and all that it began: politely, else at once."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await process.wait()
    _signal(process.pid, signal.SIGKILL)  # whoever is left of its group
    await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _last_line(path: Path) -> str:
    """Return the last line of a file that is not empty."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
