"""Keys, passphrases and keyrings of tests."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from trader.engine.keys.file_store import FileStore
from trader.engine.keys.key import Key
from trader.engine.keys.sealed import LEAST_COST

PASSPHRASE = "a passphrase of tests"
SECRET = "planted-secret-0123456789abcdefghijklmnop"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key(name: str = "main", secret: str = SECRET) -> Key:
    """Return a key."""
    return Key(name, f"api-key-of-{name}", secret, "2026-01-05")


def file_store(folder: Path, passphrase: str = PASSPHRASE) -> FileStore:
    """Return a store that works as little for its key as is allowed."""
    return FileStore(folder / "keys.json", lambda new: passphrase, LEAST_COST)


class MemoryRing(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


class ForgetfulRing(MemoryRing):
    """A keyring that keeps nothing and says nothing of it."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


class LockedRing(MemoryRing):
    """A keyring that is locked, and repeats what it was given."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"locked: {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"locked: {password}")
