"""Writes a day's divergence: the figures for machines, the page for eyes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from trader.reports.divergence.page import page
from trader.reports.divergence.records import Divergence
from trader.reports.files import write_text


class DivergenceFiles(msgspec.Struct, frozen=True):
    """Where the files of a day are."""

    directory: Path
    figures: Path
    page: Path


def write_divergence(found: Divergence, out: Path, when: datetime) -> DivergenceFiles:
    """Write `divergence.json` and `report.html` into `out`, which is created; each is whole or not there.

    The JSON is the same bytes for the same day.
    """
    out.mkdir(parents=True, exist_ok=True)
    figures, html = out / "divergence.json", out / "report.html"
    encoded = msgspec.json.format(msgspec.json.encode({"cost": found.cost, **msgspec.to_builtins(found)}))
    write_text(figures, encoded.decode() + "\n")
    write_text(html, page(found, when))
    return DivergenceFiles(out, figures, html)
