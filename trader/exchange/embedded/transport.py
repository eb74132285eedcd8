"""What belongs to the wire and runs on wall time: the server's clock, and the budgets of each market."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from trader.exchange.embedded.accounts.order_count import Window
from trader.exchange.embedded.faults import FaultPlan
from trader.exchange.embedded.options import ORDER_WINDOWS, Limits
from trader.exchange.embedded.source import MARKETS
from trader.exchange.embedded.weights import WeightMeter


class Transport:
    """The clock (with the skew of the fault plan) and the meters; `wall` in seconds since the epoch.

    `orders`: how many an account may send, by market.
    """

    def __init__(
        self,
        limits: Limits,
        plan: FaultPlan,
        wall: Callable[[], float] = time.time,
        orders: Mapping[str, tuple[Window, ...]] = ORDER_WINDOWS,
    ) -> None:
        self.limits = limits
        self.orders = orders
        self.plan = plan
        self._wall = wall
        self.meters = {market: self._meter(limits.weight.of(market), limits.window_s) for market in MARKETS}
        self.funding_meter = self._meter(limits.funding_requests, limits.funding_window_s)

    def time_ms(self) -> int:
        """Return the server's time, ms UTC."""
        return int(self._wall() * 1000) + self.plan.skew_ms

    def weight_limit(self, market: str) -> int:
        """Return the weight that may be used in a window."""
        return self.limits.weight.of(market)

    def _meter(self, limit: int, window_s: float) -> WeightMeter:
        return WeightMeter(limit, window_s, self.limits.ban_after, self.limits.ban_s, self._wall)
