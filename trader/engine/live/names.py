"""The names of venues: what a snapshot belongs to, and how a person reads it."""

from __future__ import annotations

import re

from trader.core.settings import Settings
from trader.core.timeframe import utc
from trader.exchange.embedded.options import parse_time


def play_name(market: str, played: str, start_ms: int) -> str:
    """Return the name of an embedded play: market, what is played, and its start in ms."""
    return f"embedded {market}, {played}, from {start_ms}"


def child_name(settings: Settings) -> str:
    """Return the name that the venue of our own child will have."""
    embedded = settings.EMBEDDED
    return play_name(settings.MARKET, f"generated market, seed {embedded.seed}", parse_time(embedded.start))


def readable(name: str) -> str:
    """Return a venue's name with its time as a person reads it; snapshots and folders go by the name itself.

    >>> readable("embedded spot, generated market, seed 7, from 1767571200000")
    'embedded spot, generated market, seed 7, from 2026-01-05 00:00:00'
    """
    return re.sub(r"(?<=, from )\d+$", lambda found: utc(int(found[0])), name)
