"""The subscriptions of one connection to accounts: they die with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.api_error import ApiError

Json = dict[str, Any]


class UserStreams:
    """At most one subscription for each account. `put` sends a message; `now` is the play's time, ms."""

    def __init__(self, events: UserEvents, market: str, put: Callable[[Json], None], now: Callable[[], int]) -> None:
        self._events = events
        self._market = market
        self._put = put
        self._now = now
        self._ids = count()
        self._open: dict[int, Subscription] = {}

    def subscribe(self, uid: int) -> Json:
        """Let the connection hear an account; -2035 where it does already."""
        if any(each.uid == uid for each in self._open.values()):
            raise ApiError(-2035, "User Data Stream subscription already active.")
        subscription = Subscription(next(self._ids), uid, self._put, self._now, self._open)
        self._open[subscription.id] = subscription
        self._events.join(uid, self._market, subscription)
        return {"subscriptionId": subscription.id}

    def unsubscribe(self, values: dict[str, str]) -> Json:
        """End one subscription, or all; -2036 where there is no such."""
        wanted = values.get("subscriptionId")
        ids = [id for id in self._open if wanted in (None, str(id))]
        if not ids:
            raise ApiError(-2036, "User Data Stream subscription not active.")
        for id in ids:
            self._end(id)
        return {}

    def rows(self) -> list[Json]:
        """Return the subscriptions."""
        return [{"subscriptionId": id} for id in self._open]

    def close(self) -> None:
        """End all subscriptions: the connection has ended."""
        for id in list(self._open):
            self._end(id)

    def _end(self, id: int) -> None:
        subscription = self._open.pop(id)
        self._events.leave(subscription.uid, self._market, subscription)


class Subscription:
    """One account on one connection; `among` is where it is kept while it lives."""

    def __init__(
        self,
        id: int,
        uid: int,
        put: Callable[[Json], None],
        now: Callable[[], int],
        among: dict[int, Subscription],
    ) -> None:
        self.id = id
        self.uid = uid
        self._put = put
        self._now = now
        self._among = among

    def hear(self, event: Json) -> None:
        """Send one event; one that was held back until after the end is lost."""
        if self.id in self._among:
            self._put({"subscriptionId": self.id, "event": event})

    def over(self, told: bool) -> None:
        """Die while the socket lives."""
        if told:
            self.hear({"e": "eventStreamTerminated", "E": self._now()})
        self._among.pop(self.id, None)
