"""Text under a passphrase: scrypt makes the key, Fernet (AES and HMAC) encrypts, both the library's."""

from __future__ import annotations

import base64
import binascii
import os

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

#: Scrypt's work factor: 128 MB and some tenths of a second for each guess.
COST, BLOCK, LANES = 2**17, 8, 1
#: What is not believed of a file: less is too weak, more would take all memory.
LEAST_COST, MOST_COST = 2**14, 2**20
SALT_BYTES, KEY_BYTES = 16, 32


class WrongPassphrase(Exception):
    """The passphrase does not open the box, or the box was changed by somebody."""


class Sealed(msgspec.Struct, frozen=True):
    """A box: `salt` in base64 and `cost` are scrypt's, `token` is Fernet's."""

    salt: str
    cost: int
    token: str


def seal(content: bytes, passphrase: str, cost: int = COST) -> Sealed:
    """Encrypt `content`, with a new salt each time."""
    salt = os.urandom(SALT_BYTES)
    token = Fernet(_key(passphrase, salt, cost)).encrypt(content)
    return Sealed(base64.b64encode(salt).decode(), cost, token.decode())


def unseal(box: Sealed, passphrase: str) -> bytes:
    """Return what is in a box; raise `WrongPassphrase`, or `ValueError` for what is no box."""
    if not LEAST_COST <= box.cost <= MOST_COST or box.cost & (box.cost - 1):
        raise ValueError(f"its scrypt cost is {box.cost}")
    try:
        salt = base64.b64decode(box.salt, validate=True)
    except binascii.Error:
        raise ValueError("its salt is no base64") from None
    if len(salt) != SALT_BYTES:
        raise ValueError("its salt is too short")
    try:
        return Fernet(_key(passphrase, salt, box.cost)).decrypt(box.token.encode())
    except InvalidToken:
        raise WrongPassphrase from None


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    scrypt = Scrypt(salt=salt, length=KEY_BYTES, n=cost, r=BLOCK, p=LANES)
    return base64.urlsafe_b64encode(scrypt.derive(passphrase.encode()))
