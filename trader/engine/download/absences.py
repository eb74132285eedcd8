"""The candles that the venue said it does not have: outages, and the time before a listing. They are not asked again.

<root>/<market>/<COIN>/<timeframe>/absent.json    [[start, end], …] in ms; delete it to have them asked for anew
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from trader.core.timeframe import Timeframe
from trader.engine.download.spans import joined
from trader.market.durable import locked, write_atomic
from trader.market.manifest import Span
from trader.market.store import Store

NAME = "absent.json"


class Absences:
    """The absences of one stream of a store."""

    def __init__(self, store: Store, market: str, symbol: str, timeframe: Timeframe) -> None:
        self._path = Path(store.root, market, symbol, timeframe.value, NAME)

    def read(self) -> list[Span]:
        """Return the absences, ascending; none where the file is not there or cannot be understood."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Span])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return []

    def add(self, spans: Iterable[Span]) -> None:
        """Remember more of them; the file changes at one stroke."""
        fresh = list(spans)
        if not fresh:
            return
        with locked(self._path.parent):
            text = msgspec.json.encode(joined([*self.read(), *fresh]))
            write_atomic(self._path, lambda file: file.write(text))
