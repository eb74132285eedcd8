"""The REST door of a venue, through which nothing goes that its limits do not allow."""

from __future__ import annotations

from pathlib import Path

from trader.core.settings import Settings
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.rest import BinanceRest
from trader.execution.bans import BanFile
from trader.execution.governor import Ticket, WeightGovernor

#: Weight limits to begin with; exchangeInfo brings the real ones.
FIRST_WEIGHT = {"spot": 6_000, "futures": 2_400}
FUNDING_WEIGHT, FUNDING_WINDOW_S = 500, 300.0


def rest_door(settings: Settings, addresses: Endpoints, home: Path) -> BinanceRest:
    """Return the governed REST client of a venue; use it with `async with`. Bans are remembered below `home`."""
    bans = BanFile(home / "bans.json")
    gate = WeightGovernor(FIRST_WEIGHT[settings.MARKET], settings.WEIGHT_RESERVE, key=addresses.rest, bans=bans)
    funding_gate = WeightGovernor(FUNDING_WEIGHT, window_s=FUNDING_WINDOW_S)
    return BinanceRest(addresses, gate, SilentTogether(funding_gate, gate))


class SilentTogether:
    """A gate of its own limit that lets nothing out while `other`, of the same address, has been asked for silence."""

    def __init__(self, own: WeightGovernor, other: WeightGovernor) -> None:
        self.limit = own.limit
        self.waiting = 0  # who waits here waits at one of the two, and is counted there
        self.offset_s = 0.0
        self._own = own
        self._other = other

    async def admit(self, weight: int, urgent: bool = False) -> Ticket:
        """Wait for both; return the ticket of the own limit."""
        self._other.settle(await self._other.admit(0, urgent))
        return await self._own.admit(weight, urgent)

    def settle(self, ticket: Ticket, used: int | None = None) -> None:
        """Take the ticket back."""
        self._own.settle(ticket, used)

    def pause(self, seconds: float, banned: bool = False) -> None:
        """Let nothing out for a while."""
        self._other.pause(seconds, banned)
