"""What parity with models has of its own: another version is promoted while the daemon runs, and the backtest is told
from when on the daemon asked it.

The promotion happens in a copy of the registry, by the command that a person would type. The play waits for it, and
then goes slowly until the daemon asks that version: a registry is looked at once a second, in which a play at full
speed is hours further.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from trader.exchange.embedded.options import parse_time
from trader.ml.registry.paths import parse

#: What the daemon says when it asks another model: T, the model.
CHANGE = re.compile(r"\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\] model (none|\S+@v\d{4})")
#: Seconds of the market per second while a promotion is under way, and how long that may take.
SLOW, PATIENCE_S = 120, 60.0
FOLDER = "MODELS_DIR="
#: UTC time of a change (no zone), and the model asked from then on; empty: none.
Change = tuple[str, str]


def copied(given: Sequence[str], folder: Path, promoted: str) -> list[str]:
    """Copy the model that is to be promoted into a registry of `folder`; return the settings `given` with that one."""
    name, version = parse(promoted)
    source = Path(([pair.removeprefix(FOLDER) for pair in given if pair.startswith(FOLDER)] or ["models"])[-1]) / name
    if version is None or not (source / version).is_dir():
        there = ", ".join(sorted(path.name for path in source.glob("v*"))) or "nothing"
        raise SystemExit(f"--promote {promoted}: allowed is NAME@VERSION of a stored model; {source} holds {there}")
    own = folder / "models"
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(source, own / name)
    return [*(pair for pair in given if not pair.startswith(FOLDER)), f"{FOLDER}{own}"]


def promote(
    url: str, at_ms: int, command: Callable[[], object], taken: Callable[[], bool], lives: Callable[[], bool]
) -> None:
    """Run `command` when the play has come to `at_ms`, and let time pass at full speed again when it is `taken` up.

    A play in lockstep waits for the daemon; any other is ahead of it by what connections hold, and is told to wait.
    Give up when the daemon has ended (not `lives`).
    """
    waits = control(url, "state")["lockstep"]
    if not waits:
        control(url, "go", time=at_ms - 1)
        control(url, "lockstep", on=True)
    if not _waited(lambda: control(url, "state")["now"] >= at_ms, lives):
        return
    control(url, "speed", speed=SLOW)
    command()
    control(url, "lockstep", on=waits)
    until = time.monotonic() + PATIENCE_S
    _waited(lambda: taken() or time.monotonic() > until, lives)
    control(url, "speed", speed="max")


def _waited(done: Callable[[], bool], lives: Callable[[], bool]) -> bool:
    while not done():
        if not lives():
            return False
        time.sleep(0.02)
    return True


def control(url: str, door: str, **wish: Any) -> dict[str, Any]:
    """Ask the exchange's control door; without a wish, read."""
    with urllib.request.urlopen(f"{url}/control/{door}", json.dumps(wish).encode() if wish else None, 60) as answer:
        answered: dict[str, Any] = json.load(answer)
        return answered


def changes(log: Path) -> list[Change]:
    """Return which models the daemon that wrote `log` asked, in order."""
    found = CHANGE.findall(log.read_text())
    return [(f"{day}T{hour}", "" if model == "none" else model) for day, hour, model in found]


def schedule(log: Path) -> list[str]:
    """Return the option that tells a backtest the same as the daemon that wrote `log` did."""
    return ["--set", f"MODEL_SCHEDULE={json.dumps(dict(changes(log)))}", "--set", "DATA_SOURCE=backtest"]


def words(found: Sequence[Change], promoted: str) -> str:
    """Return from when on the promoted model was asked."""
    return "".join(f", {promoted} from {at} on" for at in _times(found, promoted))


def is_asked(log: Path, promoted: str) -> bool:
    """Tell whether the daemon that writes `log` has asked that version."""
    return _times(changes(log), promoted) != []


def lacking(found: Sequence[Change], promoted: str, log: str) -> Iterator[str]:
    """Yield why a run with a promotion shows nothing: it never came, or all trades lie on one side of it."""
    times = _times(found, promoted)
    if not times:
        yield f"{promoted} was never asked"
        return
    at_ms = parse_time(times[0])
    decided = [int(row["signal_time"]) for row in csv.DictReader(StringIO(log))]
    if all(each >= at_ms for each in decided):
        yield f"no trade was decided before {promoted}"
    if all(each < at_ms for each in decided):
        yield f"no trade was decided by {promoted}"


def _times(found: Sequence[Change], promoted: str) -> list[str]:
    return [at for at, model in found if model == promoted]
