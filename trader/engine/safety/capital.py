"""The capital with which a pool of real orders begins."""

from __future__ import annotations

from trader.core.account import ZERO
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.settings.model import BINANCE_ORDERS
from trader.core.venue import Account


def free_quote(settings: Settings, account: Account) -> float:
    """Return what the account has free of `QUOTE`."""
    held = account.balances.get(settings.QUOTE)
    return float(held.free if held is not None else ZERO)


def pool_start(settings: Settings, account: Account) -> float:
    """Return the capital of a new pool: `MAX_CAPITAL`, or what is free in the account where that is less.

    At the embedded exchange it is `BACKTEST_INITIAL_CAPITAL`, so that a backtest can be compared. Raise `ConfigError`
    when there is none.
    """
    if settings.MODE not in BINANCE_ORDERS:
        return settings.BACKTEST_INITIAL_CAPITAL
    free = free_quote(settings, account)
    if free <= 0:
        raise ConfigError(
            f"the account has no {settings.QUOTE} to trade with: transfer some to its {settings.MARKET} wallet"
        )
    return free if settings.MAX_CAPITAL is None else min(settings.MAX_CAPITAL, free)
