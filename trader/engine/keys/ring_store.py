"""Keys in the system's keyring, by the library `keyring`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import keyring
import msgspec
from keyring.backend import KeyringBackend

from trader.core.errors import ConfigError
from trader.engine.keys.key import Entry, Key

SERVICE = "trader"
#: Keyrings cannot list what they hold: the names are an entry of their own.
LIST = "names of keys"
#: The library's own measure: less is for backends that keep nothing, or keep it in the clear.
LEAST_PRIORITY = 1
T = TypeVar("T")


class RingStore:
    """The keys in `backend`."""

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

    def __str__(self) -> str:
        return f"the keyring {self._backend.name}"

    def entries(self) -> list[Entry]:
        """Return what may be shown of the keys."""
        with self._translating():
            text = self._backend.get_password(SERVICE, LIST)
        return self._decoded(text, list[Entry], LIST) if text else []

    def get(self, name: str) -> Key | None:
        """Return a key, None when there is none of that name."""
        with self._translating():
            text = self._backend.get_password(SERVICE, _user(name))
        return self._decoded(text, Key, name) if text else None

    def put(self, key: Key) -> None:
        """Store a key, in place of one of the same name; see that it is there."""
        others = [entry for entry in self.entries() if entry.name != key.name]
        self._set(_user(key.name), msgspec.json.encode(key).decode())
        self._set_list([*others, key.entry])
        if self.get(key.name) != key:
            raise ConfigError(f"{self} did not keep the key; KEY_STORE=file keeps keys in KEY_FILE")

    def remove(self, name: str) -> None:
        """Remove a key."""
        self._set_list([entry for entry in self.entries() if entry.name != name])
        with self._translating():
            if self._backend.get_password(SERVICE, _user(name)) is not None:
                self._backend.delete_password(SERVICE, _user(name))

    def _set_list(self, entries: list[Entry]) -> None:
        ordered = sorted(entries, key=lambda entry: entry.name)
        self._set(LIST, msgspec.json.encode(ordered).decode())

    def _set(self, user: str, text: str) -> None:
        with self._translating():
            self._backend.set_password(SERVICE, user, text)

    def _decoded(self, text: str, kind: type[T], what: str) -> T:
        try:
            return msgspec.json.decode(text, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ConfigError(f"{self}: the entry {what!r} of {SERVICE!r} is damaged; add the key anew") from None

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Turn whatever a backend raises into words without what it was given."""
        try:
            yield
        except Exception as error:
            raise ConfigError(
                f"{self} does not answer ({type(error).__name__}): unlock it, or use KEY_STORE=file"
            ) from None


def usable_backend() -> KeyringBackend | None:
    """Return this machine's keyring; None where there is none that keeps secrets well."""
    try:
        backend = keyring.get_keyring()
        return backend if backend.priority >= LEAST_PRIORITY else None
    except Exception:  # a backend that is misconfigured, of whatever kind
        return None


def _user(name: str) -> str:
    return f"key {name}"
