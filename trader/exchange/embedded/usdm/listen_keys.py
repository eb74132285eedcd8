"""Listen keys: who knows one hears its account, for an hour unless it is prolonged. On wall time."""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import Callable
from typing import Any, Protocol

from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.signed import Call

LETTERS = string.ascii_letters + string.digits


class Hearer(Protocol):
    """A socket that listens by a key."""

    def key_expired(self, key: str) -> None:
        """Take notice that the key is gone: the socket lives, and nothing comes any more."""
        ...


class ListenKeys:
    """At most one key for each account. `seconds` tells how long keys live from now on."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._keys: dict[int, str] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._hearers: dict[str, dict[Hearer, None]] = {}

    def make(self, call: Call) -> dict[str, Any]:
        """Follow `POST listenKey`: the key that stands is prolonged."""
        uid = call.account.uid
        if uid not in self._keys:
            self._keys[uid] = "".join(secrets.choice(LETTERS) for _ in range(64))
        self._prolong(self._keys[uid])
        return {"listenKey": self._keys[uid]}

    def keep(self, call: Call) -> dict[str, Any]:
        """Follow `PUT listenKey`: -1125 where there is none any more."""
        key = self._keys.get(call.account.uid)
        if key is None:
            raise ApiError(-1125, "This listenKey does not exist.")
        self._prolong(key)
        return {"listenKey": key}

    def end(self, call: Call) -> dict[str, Any]:
        """Follow `DELETE listenKey`."""
        key = self._keys.get(call.account.uid)
        if key is not None:
            self._expire(key)
        return {}

    def owner(self, key: str) -> int | None:
        """Return whose key it is, None for one that is not, or not any more."""
        return next((uid for uid, each in self._keys.items() if each == key), None)

    def join(self, key: str, hearer: Hearer) -> None:
        """Let a socket be told when a key ends."""
        self._hearers.setdefault(key, {})[hearer] = None

    def leave(self, key: str, hearer: Hearer) -> None:
        """Take a socket out."""
        self._hearers.get(key, {}).pop(hearer, None)

    def expire(self, uid: int) -> bool:
        """End the key of an account now; tell whether there was one."""
        key = self._keys.get(uid)
        if key is not None:
            self._expire(key)
        return key is not None

    def _prolong(self, key: str) -> None:
        running = self._ends.pop(key, None)
        if running is not None:
            running.cancel()
        self._ends[key] = asyncio.get_running_loop().call_later(self._seconds(), self._expire, key)

    def _expire(self, key: str) -> None:
        running = self._ends.pop(key, None)
        if running is not None:
            running.cancel()
        uid = self.owner(key)
        if uid is not None:
            del self._keys[uid]
        for hearer in list(self._hearers.pop(key, {})):
            hearer.key_expired(key)
