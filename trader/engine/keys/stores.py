"""Which store keys are kept in, and the key that the settings name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.keys.file_store import FileStore
from trader.engine.keys.key import PEM_HEAD, Entry, Key, checked_secret, listed
from trader.engine.keys.passphrase import Passphrase
from trader.engine.keys.ring_store import RingStore, usable_backend
from trader.engine.redaction import redactor
from trader.exchange.binance.trade_client import Credentials


class KeyStore(Protocol):
    """Keeps keys by name; its text says where. Every method raises `ConfigError` with what to do."""

    def entries(self) -> list[Entry]: ...
    def get(self, name: str) -> Key | None: ...
    def put(self, key: Key) -> None: ...
    def remove(self, name: str) -> None: ...


def stores(settings: Settings) -> list[KeyStore]:
    """Return the stores that `KEY_STORE` allows; new keys go into the first."""
    file = FileStore(Path(settings.KEY_FILE), Passphrase(settings))
    backend = usable_backend() if settings.KEY_STORE != "file" else None
    ring: list[KeyStore] = [RingStore(backend)] if backend is not None else []
    if settings.KEY_STORE == "keyring" and not ring:
        raise ConfigError(
            "KEY_STORE = keyring: this machine has no keyring that keeps secrets well; allowed: file (KEY_FILE, "
            "encrypted)"
        )
    return ring if settings.KEY_STORE == "keyring" else [*ring, file]


def holder_of(settings: Settings, name: str) -> KeyStore:
    """Return the store that has a key of that name; raise `ConfigError` when none has, or two have."""
    every = stores(settings)
    holders = [store for store in every if name in {entry.name for entry in store.entries()}]
    if len(holders) > 1:
        raise ConfigError(f"key {name!r} is in {holders[0]} and in {holders[1]}; say which: KEY_STORE=keyring or file")
    if not holders:
        known = [entry.name for store in every for entry in store.entries()]
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(
            f"KEY_NAME = {name}: there is no such key{meant}; stored are: {listed(known)}; "
            f"python start.py keys add {name} stores it"
        )
    return holders[0]


def find(settings: Settings, name: str) -> Key:
    """Return a stored key; nothing that is written shows it from now on."""
    key = holder_of(settings, name).get(name)
    if key is None:
        raise ConfigError(f"KEY_NAME = {name}: the store lists it and does not have it; add it anew")
    redactor.remember(key.api_key)
    redactor.remember(key.secret)
    return key


def unlocked(settings: Settings) -> Settings:
    """Return the settings with the key that `KEY_NAME` names as `BINANCE_API_KEY` and `BINANCE_API_SECRET`.

    It may ask for a passphrase on a terminal. Raise `ConfigError` for two keys, or one that cannot be.
    """
    secret = settings.BINANCE_API_SECRET.get_secret_value()
    if not settings.KEY_NAME:
        if not secret.strip().startswith(PEM_HEAD):
            return settings
        redactor.remember(secret.replace("\\n", "\n"))
        return _with(settings, settings.BINANCE_API_KEY.get_secret_value(), checked_secret(secret))
    if secret or settings.BINANCE_API_KEY.get_secret_value():
        raise ConfigError(
            f"KEY_NAME = {settings.KEY_NAME} and BINANCE_API_KEY are two keys; allowed: one of them (empty the other)"
        )
    key = find(settings, settings.KEY_NAME)
    return _with(settings, key.api_key, key.secret)


def credentials_of(settings: Settings) -> Credentials:
    """Return what signs requests, by settings that are `unlocked`."""
    key, secret = settings.BINANCE_API_KEY.get_secret_value(), settings.BINANCE_API_SECRET.get_secret_value()
    if secret.startswith(PEM_HEAD):
        return Credentials(key, private_key=secret)
    return Credentials(key, secret)


def _with(settings: Settings, key: str, secret: str) -> Settings:
    redactor.remember(secret)
    taken = {"BINANCE_API_KEY": SecretStr(key), "BINANCE_API_SECRET": SecretStr(secret), "KEY_NAME": ""}
    return settings.model_copy(update=taken)
