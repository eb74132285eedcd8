"""A person's word for real money: asked once, and again when the terms have changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from trader.core.settings import Settings
from trader.exchange.binance.endpoints import Endpoints
from trader.market.durable import write_atomic

FILE_NAME = "confirmed.json"
OWNER_ONLY = 0o600


class Terms(msgspec.Struct, frozen=True):
    """What was confirmed. `account` is a digest of the API key: it tells one key from another and nothing else."""

    venue: str
    market: str
    account: str
    coins: tuple[str, ...]
    max_capital: float
    leverage: float
    risk_per_trade: float
    hedging: bool


def terms_of(settings: Settings, endpoints: Endpoints) -> Terms:
    """Return the terms of a start; `settings` are unlocked."""
    key = settings.BINANCE_API_KEY.get_secret_value()
    return Terms(
        endpoints.rest,
        settings.MARKET,
        hashlib.sha256(key.encode()).hexdigest()[:16],
        settings.COINS,
        settings.MAX_CAPITAL or 0.0,
        max(settings.leverage_of(coin) for coin in settings.COINS),
        settings.RISK_PER_TRADE,
        settings.HEDGING.enable,
    )


class Confirmation:
    """The record in a daemon's home."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME

    def changed(self, terms: Terms) -> list[str]:
        """Return in words how `terms` differ from those confirmed: nothing when they do not."""
        try:
            before = msgspec.json.decode(self.path.read_bytes(), type=Terms)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return ["nothing was confirmed here before"]
        names = [name for name in Terms.__struct_fields__ if getattr(before, name) != getattr(terms, name)]
        shown = [name for name in names if name != "account"]
        words = [f"{name} was {getattr(before, name)} and is {getattr(terms, name)}" for name in shown]
        return [*words, *(["it is another key"] if "account" in names else [])]

    def write(self, terms: Terms) -> None:
        """Remember that `terms` were confirmed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = msgspec.json.format(msgspec.json.encode(terms))
        write_atomic(self.path, lambda file: file.write(content), OWNER_ONLY)
