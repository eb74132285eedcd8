"""Where a daemon's own files are."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from trader.core.settings import Settings
from trader.market.store import Store

LOCK_NAME = "trader.lock"


def home_of(settings: Settings) -> Path:
    """Return the folder of the daemon's own files: lock, snapshot, log of trades."""
    return Path(settings.DATA_DIR) / "live" / f"{settings.MODE}-{settings.MARKET}"


def homes_of(data: Path) -> list[Path]:
    """Return the homes of daemons below a `DATA_DIR`, whether they run or not."""
    return sorted(path for path in (data / "live").glob("*-*") if path.is_dir())


def store_of(settings: Settings, name: str, embedded: bool) -> Store:
    """Return the store of a venue: the user's own for real candles, one apart for whatever an embedded one plays."""
    if not embedded:
        return Store(Path(settings.DATA_DIR))
    slug = re.sub(r"\W+", "-", name)[:40].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return Store(home_of(settings) / f"candles-{slug}-{digest}")
