"""The report of divergence that a daemon with real orders makes of each day that is over.

It is made by a process of its own, at low priority: what it computes must not hold up a stop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import trader
from trader.core.settings import Settings
from trader.engine.redaction import redactor
from trader.engine.replay import SECRETS

log = logging.getLogger(__name__)

#: As patient as a process can be, where the system knows of it.
NICE = ("nice", "-n", "19")
ROOT = Path(trader.__file__).resolve().parent.parent


class DayReport:
    """Makes the report of a day; `options` are those of the daemon that say which settings are in force."""

    def __init__(self, settings: Settings, options: Sequence[str]) -> None:
        nice = NICE if shutil.which(NICE[0]) else ()
        self._command = (*nice, sys.executable, "-m", "trader.cli", "report", *options)
        self._environment = environment(settings)

    async def __call__(self, day_ms: int) -> None:
        """Make the report of the day that begins at `day_ms`, and log its first line, or why there is none."""
        day = datetime.fromtimestamp(day_ms / 1000, UTC).strftime("%Y-%m-%d")
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *("--divergence", day),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        try:
            told, trouble = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
        if process.returncode:
            said = trouble.decode(errors="replace").strip().splitlines()[-1:]
            log.warning("no report of the divergence of %s: %s", day, redactor.hide(" ".join(said)))
        else:
            log.info("divergence of %s", told.decode(errors="replace").partition("\n")[0])


def options_of(
    pairs: Sequence[str], preset: str | None, config: Path | None, own: Mapping[str, tuple[str, object | None]]
) -> list[str]:
    """Return the options that give another command the settings of this one; secrets are not among them.

    >>> options_of(["BINANCE_API_KEY=x", "MARKET=futures"], None, None, {"--mode": ("MODE", "embedded")})
    ['--set', 'MARKET=futures', '--set', 'MODE=embedded']
    """
    given = [pair for pair in pairs if pair.partition("=")[0].strip() not in SECRETS]
    given += [f"{name}={value}" for name, value in own.values() if value is not None]
    named = (("--preset", preset), ("--config", config))
    return [part for pair in given for part in ("--set", pair)] + [
        part for option, value in named if value is not None for part in (option, str(value))
    ]


def environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment, with the place of the journal, which may hold a password."""
    url = settings.JOURNAL_URL.get_secret_value()
    return {**os.environ, "PYTHONPATH": str(ROOT), **({"TRADER_JOURNAL_URL": url} if url else {})}
