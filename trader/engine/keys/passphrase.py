"""The passphrase of the file of keys: from the environment, from a file, or typed without echo."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.redaction import redactor

SHORTEST_NEW = 8
HOW = "allowed: KEYSTORE_PASSPHRASE in the environment, KEYSTORE_PASSPHRASE_FILE, or a terminal to type it on"


class Passphrase:
    """Gives the passphrase that the settings name; asks a person on a terminal for one that they do not."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings.KEYSTORE_PASSPHRASE.get_secret_value()
        self._file = settings.KEYSTORE_PASSPHRASE_FILE

    def __call__(self, new: bool) -> str:
        """Return it; a `new` one is asked for twice, and must not be too short. Raise `ConfigError` without any."""
        passphrase = self._given or self._from_file() or _typed(new)
        if new and len(passphrase) < SHORTEST_NEW:
            raise ConfigError(f"the passphrase is too short; allowed: {SHORTEST_NEW} characters or more")
        redactor.remember(passphrase)
        return passphrase

    def _from_file(self) -> str:
        if not self._file:
            return ""
        try:
            lines = Path(self._file).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ConfigError(f"KEYSTORE_PASSPHRASE_FILE {self._file} cannot be read: {reason}") from None
        if not lines or not lines[0]:
            raise ConfigError(f"KEYSTORE_PASSPHRASE_FILE {self._file}: its first line is empty")
        return lines[0]


def asked(question: str) -> str:
    """Ask a person on a terminal for something that is not shown; raise `ConfigError` where there is no terminal."""
    if not sys.stdin.isatty():
        raise ConfigError(f"{question}: there is nobody to ask; {HOW}")
    return getpass.getpass(f"{question}: ", stream=sys.stderr)


def _typed(new: bool) -> str:
    passphrase = asked("new passphrase of the file of keys" if new else "passphrase of the file of keys")
    if new and asked("the same again") != passphrase:
        raise ConfigError("the two passphrases differ; nothing was changed")
    if not passphrase:
        raise ConfigError(f"the passphrase is empty; {HOW}")
    return passphrase
