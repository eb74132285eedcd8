"""Signatures over the bytes that a client sent: HMAC-SHA256 in hex, Ed25519 in base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa

from trader.exchange.embedded.accounts.account import ApiKey


def signed_text(query: str, body: str) -> str:
    """Return what was signed: query and body as they were sent, one behind the other, without the signature.

    >>> signed_text("symbol=LTCBTC&side=BUY", "quantity=1&timestamp=9&signature=ab")
    'symbol=LTCBTC&side=BUYquantity=1&timestamp=9'
    """
    return _without_signature(query) + _without_signature(body)


def sent_values(query: str, body: str) -> dict[str, str]:
    """Return the parameters of query and body; one that is in both counts as in the query."""
    pairs = parse_qsl(body, keep_blank_values=True) + parse_qsl(query, keep_blank_values=True)
    return dict(pairs)


def socket_texts(values: Mapping[str, str]) -> tuple[str, str]:
    """Return what may have been signed of a WebSocket request: sorted by name, as it is and percent-encoded."""
    pairs = sorted((name, value) for name, value in values.items() if name != "signature")
    raw = "&".join(f"{name}={value}" for name, value in pairs)
    return raw, "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)


def verified(key: ApiKey, text: str, signature: str) -> bool:
    """Tell whether `signature` is that of `text` by this key."""
    if key.public is not None:
        return _verified_ed25519(key.public, text, signature)
    expected = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


def _verified_ed25519(public: EccKey, text: str, signature: str) -> bool:
    try:
        eddsa.new(public, "rfc8032").verify(text.encode(), base64.b64decode(signature, validate=True))
    except (binascii.Error, ValueError):
        return False
    return True


def _without_signature(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))
