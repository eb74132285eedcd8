"""What an endpoint with a key is: its right, its weight, and an answer to one authenticated call; of both markets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trader.exchange.embedded.accounts.account import Account, ApiKey, Right
from trader.exchange.embedded.endpoints import Weight
from trader.exchange.embedded.params import Params


class Call(msgspec.Struct, frozen=True):
    """One request of an account: its parameters without the envelope (timestamp, signature and so on)."""

    account: Account
    key: ApiKey
    params: Params


class SignedEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. `changes` orders: it meets the faults of orders, tells the order counts, and costs no weight
    where it succeeds (if `free`). `signature` False needs the key alone."""

    method: str
    path: str
    right: Right
    answer: Callable[[Call], Any]
    weight: Weight
    changes: bool = False
    free: bool = False
    signature: bool = True
