"""The part of `/control/` for tests of trading: the judge's view, strangers, restarts, lockstep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from trader.core.errors import ConfigError
from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.control import Handler, number
from trader.exchange.embedded.outage import Outage
from trader.exchange.embedded.play import Play
from trader.exchange.embedded.sockets import Sockets
from trader.exchange.embedded.venue import Venue

Json = dict[str, Any]


class TradingControl:
    """`guarded` makes a handler of a wish's follower; see `Control`."""

    def __init__(
        self,
        play: Play,
        accounts: Sequence[Account],
        venues: Mapping[str, Venue],
        sockets: Sockets,
        outage: Outage,
    ) -> None:
        self._play = play
        self._accounts = accounts
        self._venues = venues
        self._sockets = sockets
        self._outage = outage

    def routes(self, guarded: Callable[[Callable[[Json], Json]], Handler]) -> list[web.RouteDef]:
        """Return the routes below `/control/`."""
        return [
            web.get("/control/ledger", guarded(self._ledger)),
            web.post("/control/stranger", guarded(self._stranger)),
            web.post("/control/restart", guarded(self._restart)),
            web.post("/control/lockstep", guarded(self._lockstep)),
            web.post("/control/go", guarded(self._go)),
        ]

    def _ledger(self, wish: Json) -> Json:
        """Answer all accounts, or that of `key`, on all markets."""
        with self._play.clock.still() as now:
            for venue in self._venues.values():
                venue.advance(now)
            accounts = [self._account(wish)] if "key" in wish else self._accounts
            return {"now": now, "held": self._play.lockstep.held, "accounts": [self._seen(each) for each in accounts]}

    def _seen(self, account: Account) -> Json:
        markets = {market: venue.ledger(account) for market, venue in self._venues.items()}
        return {"uid": account.uid, "keys": [key.key for key in account.keys], "markets": markets}

    def _stranger(self, wish: Json) -> Json:
        venue = self._venues.get(str(wish.get("market", "spot")))
        if venue is None:
            raise ConfigError(f"the market {wish.get('market')!r} is unknown; allowed: {', '.join(self._venues)}")
        with self._play.clock.still() as now:
            venue.advance(now)
            try:
                return venue.stranger(self._account(wish), wish)
            except ApiError as error:
                raise ConfigError(f"the exchange refuses: {error.code} {error}") from None

    def _restart(self, wish: Json) -> Json:
        """Cut all connections and let nobody in for `seconds`; accounts and orders stay."""
        seconds = number(wish, "seconds") or 0.0
        self._outage.begin(seconds)
        return {"dropped": self._sockets.drop_all(), "seconds": seconds}

    def _lockstep(self, wish: Json) -> Json:
        on = wish.get("on", True)
        if not isinstance(on, bool):
            raise ConfigError(f"on {on!r} is impossible; allowed: true, false")
        self._play.lockstep.switch(on)
        return {"on": on, "held": self._play.lockstep.held}

    def _go(self, wish: Json) -> Json:
        """Let the play pass `time`, the instant whose orders are all in."""
        time = number(wish, "time")
        if time is None:
            raise ConfigError("time is missing; allowed: the instant that is done with, ms UTC")
        self._play.lockstep.go(int(time))
        return {"now": self._play.clock.now(), "held": self._play.lockstep.held}

    def _account(self, wish: Json) -> Account:
        if "key" not in wish and self._accounts:
            return self._accounts[0]
        for account in self._accounts:
            if any(key.key == wish.get("key") for key in account.keys):
                return account
        known = ", ".join(key.key for account in self._accounts for key in account.keys)
        raise ConfigError(f"the key {wish.get('key')!r} is unknown; allowed: {known}")
