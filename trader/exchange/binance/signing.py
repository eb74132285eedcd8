"""Parameters -> the signed text of a request, exactly as it goes to the wire: what is signed is what is sent."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

#: What names and values may hold without a percent: all of ours do but symbols beyond ASCII.
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
#: What is left of a text of names and values without those.
_SKELETON = b"=&" * 64


def form(params: Mapping[str, object]) -> str:
    """Return `params` as a form or query, percent-encoded where need be; None is left out.

    >>> form({"symbol": "BTCUSDT", "price": None, "quantity": "0.5"}), form({"symbol": "A&B=C"})
    ('symbol=BTCUSDT&quantity=0.5', 'symbol=A%26B%3DC')
    """
    parts = [f"{name}={value}" for name, value in params.items() if value is not None]
    text = "&".join(parts)
    if text.encode().translate(None, _PLAIN) == _SKELETON[: max(0, 2 * len(parts) - 1)]:
        return text
    return urlencode({name: value for name, value in params.items() if value is not None}, quote_via=quote)


class HmacSigner:
    """Signs with HMAC-SHA256; the key is prepared once."""

    def __init__(self, secret: str) -> None:
        self._keyed = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def signed(self, params: Mapping[str, object]) -> str:
        """Return `params` as text, the signature at its end."""
        text = form(params)
        keyed = self._keyed.copy()
        keyed.update(text.encode())
        return f"{text}&signature={keyed.hexdigest()}"
