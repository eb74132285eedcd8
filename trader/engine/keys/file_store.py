"""Keys in an encrypted file that its owner alone may read."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from trader.core.errors import ConfigError
from trader.engine.keys.key import Entry, Key
from trader.engine.keys.sealed import COST, Sealed, WrongPassphrase, seal, unseal
from trader.market.durable import locked, write_atomic

WHAT, VERSION = "keys of trader", 1
OWNER_ONLY = 0o600

#: Gives the passphrase; asks twice for a new one.
AskPassphrase = Callable[[bool], str]


class _Body(msgspec.Struct, frozen=True):
    """The file without its checksum: `entries` can be read without the passphrase, `box` has the keys."""

    what: str
    version: int
    entries: tuple[Entry, ...]
    box: Sealed


class _File(msgspec.Struct, frozen=True):
    """The checksum tells damage from a wrong passphrase; against people who change the file the box guards itself."""

    body: _Body
    checksum: str


class FileStore:
    """The keys in `path`. Each opening asks for the passphrase once; `cost` is scrypt's, of what is written."""

    def __init__(self, path: Path, passphrase: AskPassphrase, cost: int = COST) -> None:
        self.path = path
        self._ask = passphrase
        self._cost = cost

    def __str__(self) -> str:
        return f"the encrypted file {self.path}"

    def entries(self) -> list[Entry]:
        """Return what may be shown of the keys, without the passphrase."""
        body = self._body()
        return list(body.entries) if body else []

    def get(self, name: str) -> Key | None:
        """Return a key, None when there is none of that name."""
        if name not in {entry.name for entry in self.entries()}:
            return None
        return self._opened(self._ask(False)).get(name)

    def put(self, key: Key) -> None:
        """Store a key, in place of one of the same name."""
        with locked(self.path.parent):
            passphrase = self._ask(self._body() is None)
            self._write({**self._opened(passphrase), key.name: key}, passphrase)

    def remove(self, name: str) -> None:
        """Remove a key."""
        with locked(self.path.parent):
            passphrase = self._ask(False)
            keys = self._opened(passphrase)
            keys.pop(name, None)
            self._write(keys, passphrase)

    @property
    def open_to_others(self) -> bool:
        """Whether others than the owner may read the file."""
        return self.path.exists() and bool(stat.S_IMODE(self.path.stat().st_mode) & 0o077)

    def _body(self) -> _Body | None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"KEY_FILE {self.path} cannot be read: {error.strerror or error}") from None
        try:
            file = msgspec.json.decode(content, type=_File)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._damaged("it is no file of keys") from None
        if file.body.what != WHAT or file.body.version != VERSION:
            raise self._damaged(f"it is of version {file.body.version}, this program reads {VERSION}")
        if _checksum(file.body) != file.checksum:
            raise self._damaged("its checksum does not fit")
        return file.body

    def _opened(self, passphrase: str) -> dict[str, Key]:
        body = self._body()
        if body is None:
            return {}
        try:
            keys = msgspec.json.decode(unseal(body.box, passphrase), type=list[Key])
        except WrongPassphrase:
            raise ConfigError(f"the passphrase does not open {self.path}; nothing was changed") from None
        except (ValueError, UnicodeDecodeError) as error:  # msgspec's errors are ValueErrors, and may quote
            raise self._damaged(str(error) if type(error) is ValueError else "its keys cannot be read") from None
        if [key.entry for key in keys] != list(body.entries):
            raise self._damaged("its list of names is not that of its keys")
        return {key.name: key for key in keys}

    def _write(self, keys: dict[str, Key], passphrase: str) -> None:
        ordered = [keys[name] for name in sorted(keys)]
        box = seal(msgspec.json.encode(ordered), passphrase, self._cost)
        body = _Body(WHAT, VERSION, tuple(key.entry for key in ordered), box)
        content = msgspec.json.format(msgspec.json.encode(_File(body, _checksum(body))))
        write_atomic(self.path, lambda file: file.write(content), OWNER_ONLY)

    def _damaged(self, why: str) -> ConfigError:
        return ConfigError(
            f"KEY_FILE {self.path} is damaged ({why}); nothing was changed: put a copy of it back, or move it away and "
            "add the keys anew"
        )


def _checksum(body: _Body) -> str:
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()
