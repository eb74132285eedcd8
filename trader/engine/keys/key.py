"""An API key with what signs for it: an HMAC secret, or the private key of an Ed25519 pair."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trader.core.errors import ConfigError
from trader.engine.redaction import SHORTEST

HMAC, ED25519 = "HMAC", "Ed25519"
PEM_HEAD = "-----BEGIN"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


class Key(msgspec.Struct, frozen=True):
    """A named key; `secret` is the HMAC secret, or the private key as PEM text. Never shown."""

    name: str
    api_key: str
    secret: str
    added: str

    @property
    def kind(self) -> str:
        """How it signs."""
        return kind_of(self.secret)

    @property
    def entry(self) -> Entry:
        """What may be shown of it."""
        return Entry(self.name, self.kind, self.added)

    def __repr__(self) -> str:
        return f"Key({self.name}, ***)"


class Entry(msgspec.Struct, frozen=True):
    """A key as a list of keys has it: `added` is the day, UTC."""

    name: str
    kind: str
    added: str


def kind_of(secret: str) -> str:
    """Tell how a secret signs."""
    return ED25519 if secret.startswith(PEM_HEAD) else HMAC


def checked_name(name: str) -> str:
    """Return `name`; raise `ConfigError` for one that a key cannot have."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            "a key's name has letters, digits and . _ - in it, 1 to 32 of them, and a letter or digit first"
        )
    return name


def checked_api_key(text: str) -> str:
    """Return an API key without what surrounds it; raise `ConfigError` for what cannot be one."""
    return _one_word(text, "the API key")


def checked_secret(text: str) -> str:
    r"""Return a secret as the signer takes it; raise `ConfigError`, not quoting it, for what cannot be one.

    PEM text may have its line breaks as they are or written as `\n`, as a line of `.env` has them; an Ed25519 private
    key in any of the usual forms is brought into one.
    """
    if not text.strip().startswith(PEM_HEAD):
        return _one_word(text, "the secret")
    try:
        key = serialization.load_pem_private_key(text.strip().replace("\\n", "\n").encode(), password=None)
    except TypeError:
        raise ConfigError("the private key has a passphrase of its own; allowed: one without, as `openssl pkey -in "
                          "key.pem -out plain.pem` writes it (the key store encrypts it)") from None  # fmt: skip
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError("the private key cannot be read; allowed: the PEM text of an Ed25519 private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("the private key is no Ed25519 key; allowed: Ed25519 (PEM), or the secret of an HMAC key")
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode().strip()


def public_text(secret: str) -> str:
    """Return the public key of an Ed25519 secret as PEM text: what Binance wants to see."""
    key = serialization.load_pem_private_key(secret.encode(), password=None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode().strip()


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence."""
    return ", ".join(names) or "none"


def _one_word(text: str, what: str) -> str:
    word = text.strip()
    if len(word) < SHORTEST or len(word.split()) > 1 or not word.isascii() or not word.isprintable():
        raise ConfigError(f"{what} is no key of Binance's; allowed: one word of {SHORTEST} or more letters and digits")
    return word
