"""What this machine has for real orders: a journal that can be written, a disk that is quick enough, private files."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

from trader.core.errors import JournalError
from trader.core.settings import Settings
from trader.core.timeframe import utc
from trader.engine.live.recall import Recalled, recall
from trader.engine.redaction import redactor
from trader.engine.safety.findings import Known
from trader.engine.safety.found import FAIL, OK, WARN, Found
from trader.journal.faults import ABSENT
from trader.journal.place import Place

#: How often the disk is asked to keep a block, and when that is slow.
SYNCS, BLOCK_BYTES = 20, 4_096
SLOW_MS = 20.0


def disk_findings(settings: Settings, home: Path) -> Iterator[Found]:
    """Yield how long a durable write takes below `home`, an order waits for one, and which files others may read."""
    times_ms = sync_times_ms(home)
    middle, worst = median(times_ms), max(times_ms)
    told = f"a durable write takes {middle:.1f} ms, {worst:.1f} at worst; an order waits for one"
    if worst >= settings.JOURNAL_WAIT_S * 1000:
        yield Found(
            FAIL, "disk", f"{told}: more than JOURNAL_WAIT_S {settings.JOURNAL_WAIT_S:g} s, so nothing would open"
        )
    else:
        yield Found(OK if middle <= SLOW_MS else WARN, "disk", told)
    yield from _private_files(settings)


def sync_times_ms(home: Path) -> list[float]:
    """Return how long each of some durable writes to the disk of `home` took."""
    folder = next(each for each in (home, *home.parents) if each.is_dir())
    times_ms = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(bytes(BLOCK_BYTES))
            file.flush()
            os.fsync(file.fileno())
            times_ms.append((time.perf_counter() - began) * 1000)
    return times_ms


def journal_finding(settings: Settings, home: Path) -> tuple[Found, Recalled | None]:
    """Look at the journal without changing it; return what was found, and the pool that a start would take up."""
    place = Place(home, settings.JOURNAL_URL.get_secret_value())
    redactor.remember(place.password)
    fresh = Found(OK, "journal", f"there is none at {place}: it would be made, and a new pool would begin")
    try:
        if not place.exists():
            return (fresh if _can_be_made(place) else _unwritable(place)), None
        if place.is_sqlite and not _can_be_written(place.path):
            return _unwritable(place), None
        pool = recall(place)
    except JournalError as error:
        return (fresh if error.kind == ABSENT else Found(FAIL, "journal", str(error))), None
    if pool is None:
        return Found(OK, "journal", f"{place} can be written; a new pool would begin"), None
    book = pool.snapshot.book
    told = f"equity {book.worth():,.2f}, {len(book.trades)} open trades as of {utc(pool.snapshot.at)}"
    paused = "; entries are paused until `resume`" if book.guards.paused_by_person else ""
    told = f"{place} can be written; pool {pool.pool} would go on: {told}{paused}"
    return Found(WARN if paused else OK, "journal", told), pool


def known_of(pool: Recalled | None) -> Known:
    """Return what a recalled pool says of orders and positions."""
    return Known() if pool is None else Known(f"p{pool.pool}", pool.snapshot.book)


def _private_files(settings: Settings) -> Iterator[Found]:
    named = (settings.KEY_FILE, ".env", settings.KEYSTORE_PASSPHRASE_FILE)
    for name in filter(None, named):
        path = Path(name)
        with suppress(OSError):
            if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                yield Found(WARN, "key", f"{path} can be read by other users of this machine: chmod 600 {path}")


def _can_be_written(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _can_be_made(place: Place) -> bool:
    folder = next(each for each in (place.path.parent, *place.path.parent.parents) if each.is_dir())
    return not place.is_sqlite or os.access(folder, os.W_OK)


def _unwritable(place: Place) -> Found:
    return Found(FAIL, "journal", f"{place} cannot be written: let this user write file and folder, or move DATA_DIR")
