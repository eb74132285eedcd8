"""Builders: a ground of three generated days to audit, and leaks to plant in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.builders import START_MS
from tests.engine.runs import generated, loose, stored
from trader.core.timeframe import DAY_MS
from trader.engine.audit.ground import Ground, ground_of
from trader.engine.audit.lookahead import LookaheadAudit, audit_lookahead
from trader.engine.audit.subject import Subject, subject_of
from trader.engine.audit.views import Columns, Flags, Look
from trader.market.table import CandleTable
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.schedule import Schedule

CUTS, SEED = 12, 3
#: As many as a leak needs to be found: behind a signal, behind a trade, and elsewhere.
FEW = 4


def ground_at(root: Path, **overrides: Any) -> Ground:
    """Return the ground of two coins over a day, with two more before it."""
    values = {"TIMEFRAMES": ["1min", "5min"], "PRELOAD_CANDLES": 300, "STRATEGY": "geometry", **overrides}
    store = stored(root, generated(3))
    return ground_of(loose(**values), store, START_MS + 2 * DAY_MS, START_MS + 3 * DAY_MS)


def sound(ground: Ground) -> Subject:
    """Return the program as it is."""
    return subject_of(ground, Schedule.of(GeometryStrategy()))


def audited(ground: Ground, subject: Subject, cuts: int = CUTS) -> LookaheadAudit:
    """Return what a short audit finds."""
    return audit_lookahead(ground, subject, cuts, SEED, lambda *how: None)


def looking_also(subject: Subject, **columns: Any) -> Subject:
    """Return `subject` with further columns: functions of a table that give a value a candle."""

    def view(table: CandleTable, wanted: Flags) -> Columns:
        closes = table.open_time[wanted] + table.timeframe.ms
        return Columns(closes, {f"planted.{name}": column(table)[wanted] for name, column in columns.items()})

    return subject._replace(looks=(*subject.looks, Look(view, None)))


def trailing_mean(table: CandleTable) -> np.ndarray:
    """Return the mean of the last 20 closes: an honest column."""
    return windows(table.close, 20)[: len(table)]


def centred_mean(table: CandleTable) -> np.ndarray:
    """Return the mean of five closes, of which two are still to come."""
    return windows(table.close, 5)[2 : 2 + len(table)]


def normalised(table: CandleTable) -> np.ndarray:
    """Return the close by mean and spread of the whole table."""
    return (table.close - table.close.mean()) / table.close.std()


def windows(values: np.ndarray, length: int) -> np.ndarray:
    """Return the mean of the `length` values that end at each, those beyond either end repeated."""
    padded = np.pad(values, (length - 1, length), "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, length).mean(axis=1)
