"""An account, its keys, and what each key may do."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec
from Crypto.PublicKey.ECC import EccKey

from trader.exchange.embedded.accounts.order_count import OrderCount


class Right(StrEnum):
    """What a key may do; `withdraw` is a flag that a careful client refuses to see."""

    READ = "read"
    SPOT = "spot"
    FUTURES = "futures"
    WITHDRAW = "withdraw"


#: The rights of a key where nothing else is said.
USUAL_RIGHTS = frozenset({Right.READ, Right.SPOT, Right.FUTURES})


class ApiKey(msgspec.Struct, frozen=True):
    """A key: `secret` of HMAC keys, `public` of Ed25519 ones."""

    key: str
    secret: str = ""
    public: EccKey | None = None
    rights: frozenset[Right] = USUAL_RIGHTS


class Rates(msgspec.Struct, frozen=True):
    """Commissions as fractions of what is traded."""

    maker: Decimal
    taker: Decimal

    def of(self, maker: bool) -> Decimal:
        """Return the rate of one side of a trade."""
        return self.maker if maker else self.taker


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One client: `balances` is what each wallet begins with; `rates` and `counts` by market.

    Wallets, orders and trades belong to the market's desk, by `uid`.
    """

    uid: int
    keys: tuple[ApiKey, ...]
    balances: dict[str, Decimal]
    rates: dict[str, Rates]
    counts: dict[str, OrderCount]
    pays_in_bnb: bool = False
