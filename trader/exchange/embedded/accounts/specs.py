"""Accounts as people describe them: keys, secrets, rights, balances."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

import msgspec
from Crypto.PublicKey import ECC
from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa

from trader.core.errors import ConfigError
from trader.exchange.embedded.accounts.account import USUAL_RIGHTS, Account, ApiKey, Rates, Right
from trader.exchange.embedded.accounts.order_count import OrderCount, Window

#: What an account begins with where nothing else is said.
DEFAULT_BALANCE = "USDT=10000"
ED25519 = "ed25519:"
LETTERS = string.ascii_letters + string.digits
#: The number of the first account.
FIRST_UID = 10_001
T = TypeVar("T")


class AccountSpec(msgspec.Struct, frozen=True):
    """An account to open. `secret`: of an HMAC key, or `ed25519:` with the raw public key in base64 or a PEM file.

    `balances`: amounts by asset, in each market's wallet.
    """

    key: str
    secret: str
    balances: dict[str, Decimal] = msgspec.field(default_factory=lambda: parse_balances(DEFAULT_BALANCE))
    rights: frozenset[Right] = USUAL_RIGHTS
    pays_in_bnb: bool = False


def parse_balances(text: str) -> dict[str, Decimal]:
    """Return the amounts that `ASSET=AMOUNT,…` says.

    >>> parse_balances("USDT=10000,BTC=0.5")
    {'USDT': Decimal('10000'), 'BTC': Decimal('0.5')}
    """
    balances: dict[str, Decimal] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        asset, _, amount = part.partition("=")
        balances[asset.strip().upper()] = _amount(part, amount)
    return balances


def parse_rights(text: str) -> frozenset[Right]:
    """Return the rights that a list with commas names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in set(Right)]:
        raise ConfigError(f"the right {unknown[0]!r} is unknown; allowed: {', '.join(Right)}")
    return frozenset(Right(name) for name in names)


def account_specs(
    keys: Sequence[str], key_secrets: Sequence[str], balances: Sequence[str], rights: Sequence[str], pays_in_bnb: bool
) -> tuple[AccountSpec, ...]:
    """Return the accounts of lists that belong together by place; a short list's last value counts for the rest.

    Without a key one account is made, with a new HMAC key.
    """
    if len(keys) != len(key_secrets):
        raise ConfigError(f"{len(keys)} keys have {len(key_secrets)} secrets; allowed: one --secret for each --key")
    if len(set(keys)) < len(keys):
        raise ConfigError("a key is given twice; allowed: one account for each key")
    pairs = list(zip(keys, key_secrets, strict=True)) or [(_random_text(), _random_text())]
    money = [parse_balances(text) for text in balances] or [parse_balances(DEFAULT_BALANCE)]
    allowed = [parse_rights(text) for text in rights] or [USUAL_RIGHTS]
    return tuple(
        AccountSpec(key, secret, _at(money, place), _at(allowed, place), pays_in_bnb)
        for place, (key, secret) in enumerate(pairs)
    )


def opened(spec: AccountSpec, number: int, rates: dict[str, Rates], windows: dict[str, tuple[Window, ...]]) -> Account:
    """Return the account that `spec` describes, the `number`-th; rates and order limits by market."""
    return Account(
        uid=FIRST_UID + number,
        keys=(_api_key(spec),),
        balances=spec.balances,
        rates=rates,
        counts={market: OrderCount(some) for market, some in windows.items()},
        pays_in_bnb=spec.pays_in_bnb,
    )


def _at(values: Sequence[T], place: int) -> T:
    return values[min(place, len(values) - 1)]


def _api_key(spec: AccountSpec) -> ApiKey:
    if not spec.secret.startswith(ED25519):
        return ApiKey(spec.key, spec.secret, None, spec.rights)
    return ApiKey(spec.key, "", _public_key(spec.secret.removeprefix(ED25519)), spec.rights)


def _public_key(text: str) -> EccKey:
    try:
        if text.endswith(".pem"):
            return ECC.import_key(Path(text).read_text())
        return eddsa.import_public_key(base64.b64decode(text, validate=True))
    except (OSError, ValueError, binascii.Error) as error:
        raise ConfigError(
            f"the public key {text!r} cannot be used ({error}); allowed: 32 bytes in base64, or a .pem file"
        ) from None


def _amount(part: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"the balance {part!r} is impossible; allowed: ASSET=AMOUNT, an amount of 0 or more")
    return amount


def _random_text() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(64))
