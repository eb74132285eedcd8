"""How many stops an exchange lets rest on one symbol, and whether there is a place for those of one more position.

Binance's MAX_NUM_ALGO_ORDERS is 5 on many spot symbols, and on spot each target's list has a stop of its own. What is
entered without a place for its stops could only be closed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trader.execution.desk.holding import Holding


class StopPlaces(msgspec.Struct, frozen=True):
    """`most` stops may rest by symbol (absent: any number); a position needs `each`, and a move `spare` beside them."""

    most: Mapping[str, int] = {}
    each: int = 1
    spare: int = 0

    def lacking(self, entering: Holding, holdings: Iterable[Holding]) -> str:
        """Return why the stops of `entering` would find no place beside those of `holdings`; "" when they do."""
        most = self.most.get(entering.symbol)
        if most is None:
            return ""
        others = (each for each in holdings if each.symbol == entering.symbol and each is not entering)
        if sum(map(self._needed, others)) + self.each + self.spare <= most:
            return ""
        return f"no place for its stops: the exchange lets {most} rest on {entering.symbol}"

    def _needed(self, holding: Holding) -> int:
        """Return how many stops a position may come to have: before it is entered, as many as any; a hedge none."""
        if not holding.entered:
            return self.each
        return 0 if holding.stop is None else max(1, min(self.each, len(holding.targets)))


def most_stops(info: Mapping[str, Any]) -> dict[str, int]:
    """Return how many stops each symbol of an exchangeInfo answer lets rest."""
    found = {}
    for symbol in info["symbols"]:
        for entry in symbol.get("filters", ()):
            if entry.get("filterType") == "MAX_NUM_ALGO_ORDERS":
                found[symbol["symbol"]] = int(entry.get("maxNumAlgoOrders", entry.get("limit", 0)))
    return {symbol: most for symbol, most in found.items() if most > 0}
