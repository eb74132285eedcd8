"""Finds the daemon that is meant: the one that runs below `DATA_DIR`, or the one of `MODE` and `MARKET`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from trader.core.errors import TraderError
from trader.engine.live.homes import LOCK_NAME, homes_of
from trader.engine.live.lock import running_daemon
from trader.engine.settings import Loaded

#: The settings that tell daemons of one `DATA_DIR` apart.
TELLING = ("MODE", "MARKET")


class Running(msgspec.Struct, frozen=True):
    """A daemon that runs."""

    home: Path
    mode: str
    market: str
    process: str

    def __str__(self) -> str:
        return f"{self.mode}-{self.market} (process {self.process})"

    @property
    def choice(self) -> str:
        """What to type to mean this one."""
        return f"--mode {self.mode} --set MARKET={self.market}"


def find_daemon(loaded: Loaded) -> Running:
    """Return the daemon that is meant; raise `TraderError` saying which there are where none, or several, could be.

    `MODE` and `MARKET` choose where any layer gives them; the defaults of `config.py` choose nothing.
    """
    folder = Path(loaded.settings.DATA_DIR)
    running = list(running_daemons(folder))
    chosen = {name: str(getattr(loaded.settings, name)) for name in TELLING if _is_given(name, loaded)}
    fitting = [each for each in running if _fits(each, chosen)]
    if len(fitting) == 1:
        return fitting[0]
    if not running:
        raise TraderError(
            f"no daemon runs below {folder} (DATA_DIR). python start.py run starts one; touch {folder / 'KILL'} is the "
            "kill switch without: a daemon obeys it while it runs, and when it starts"
        )
    if not fitting:
        asked = " ".join(f"{name}={value}" for name, value in chosen.items())
        raise TraderError(f"no daemon of {asked} runs below {folder}; there runs: {_listed(running)}")
    raise TraderError(f"{len(fitting)} daemons run below {folder}, which one is meant? {_listed(fitting)}")


def running_daemons(folder: Path) -> Iterator[Running]:
    """Yield the daemons that run below a `DATA_DIR`."""
    for home in homes_of(folder):
        mode, _, market = home.name.partition("-")
        try:
            process = running_daemon(home / LOCK_NAME)
        except PermissionError:
            process = "of another user"
        if process is not None:
            yield Running(home, mode, market, process)


def _is_given(name: str, loaded: Loaded) -> bool:
    return any(override.name == name for override in loaded.overrides)


def _fits(running: Running, chosen: dict[str, str]) -> bool:
    return all(getattr(running, name.lower()) == value for name, value in chosen.items())


def _listed(running: Sequence[Running]) -> str:
    return "; ".join(f"{each}: {each.choice}" for each in running)
