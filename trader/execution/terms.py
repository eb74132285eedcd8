"""The terms on which a futures account trades: hedge mode, isolated margin, leverage. Seen to before an entry leaves.

Leverage belongs to a coin at the exchange, not to a trade (trading rules, 10): it is set while the coin is flat, and an
entry on an open coin takes the standing one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from trader.core.account import ConfigUpdate
from trader.core.errors import ExchangeError
from trader.core.order import OrderRequest
from trader.core.venue import AccountConfig, Position, SymbolConfig
from trader.execution.outcomes import Act, Ask, Outcome, outcome_of

#: How often a setting that did nothing is sent again.
TRIES = 3


class Settable(Protocol):
    """The terms of one futures account (`exchange.binance.account_rest.AccountRest`)."""

    async def config(self) -> AccountConfig: ...
    async def symbol_configs(self, symbol: str = "") -> dict[str, SymbolConfig]: ...
    async def positions(self, symbol: str = "") -> list[Position]: ...
    async def set_leverage(self, symbol: str, leverage: int) -> int: ...
    async def set_isolated(self, symbol: str) -> bool: ...
    async def set_hedge_mode(self, hedge: bool) -> bool: ...


class Terms:
    """Sees to the terms through `account`; `tell` takes what a person should know. `prepared` goes to the desk.

    What was seen once is not asked again, so an entry on a known coin waits for nothing; `forget` it after a reconnect,
    and when somebody has changed the account's configuration.
    """

    def __init__(self, account: Settable, tell: Callable[[str], None]) -> None:
        self._account = account
        self._tell = tell
        self._turn = asyncio.Lock()
        self._hedges = False
        self._known: dict[str, SymbolConfig] = {}
        self._asked: dict[str, int] = {}

    def forget(self, symbol: str = "") -> None:
        """Ask anew before the next entry of `symbol`, or of any."""
        if symbol:
            self._known.pop(symbol, None)
        else:
            self._known.clear()
            self._hedges = False

    def hear(self, event: ConfigUpdate) -> None:
        """Take a change of the account's configuration: our own comes back too, and changes nothing."""
        if event.multi_assets is not None:
            self._tell(f"the account's multi-assets mode is {'on' if event.multi_assets else 'off'} from now on")
            self.forget()
        known = self._known.get(event.symbol)
        if known is not None and event.leverage not in (known.leverage, self._asked.get(event.symbol)):
            self._tell(f"somebody has set the leverage of {event.symbol} to {event.leverage}")
            self.forget(event.symbol)

    async def prepared(self, request: OrderRequest) -> str:
        """Bring the terms to what an entry wants; return "", or in words why it cannot be sent."""
        wanted = int(request.leverage)
        known = self._known.get(request.symbol)
        if self._hedges and known is not None and known.isolated and known.leverage == wanted:
            return ""
        try:
            async with self._turn:
                return await self._prepare(request.symbol, wanted)
        except (ExchangeError, OSError, TimeoutError) as error:
            self.forget(request.symbol)
            return _words("the terms", outcome_of("futures", error, Ask.SETTING))

    async def _prepare(self, symbol: str, leverage: int) -> str:
        if not self._hedges and (why := await self._hedge()):
            return why
        known = self._known.get(symbol) or await self._read(symbol)
        if known.isolated and known.leverage == leverage:
            return ""
        if await self._account.positions(symbol):
            return self._standing(known, leverage)
        if not known.isolated and (why := await self._isolate(symbol)):
            return why
        return "" if known.leverage == leverage else await self._lever(symbol, leverage)

    async def _hedge(self) -> str:
        """See to hedge mode, once; the account's own word is what counts."""
        if not (await self._account.config()).hedge_mode:
            for _ in range(TRIES):
                failure = await self._tried(self._account.set_hedge_mode(True))
                if failure is None or (await self._account.config()).hedge_mode:
                    break
                if not _again(failure):
                    return _words("hedge mode", failure)
            else:
                return "hedge mode could not be set"
            self._tell("the account is in hedge mode from now on")
        self._hedges = True
        return ""

    async def _read(self, symbol: str) -> SymbolConfig:
        configs = await self._account.symbol_configs(symbol)
        self._known[symbol] = configs.get(symbol, SymbolConfig(symbol, 0, False))
        return self._known[symbol]

    def _standing(self, known: SymbolConfig, leverage: int) -> str:
        """Let an entry on an open coin go with the leverage that stands there; never with cross margin."""
        if not known.isolated:
            return "the coin is open with cross margin"
        self._tell(f"{known.symbol} is open at leverage {known.leverage}: an entry that wanted {leverage} takes that")
        return ""

    async def _isolate(self, symbol: str) -> str:
        for _ in range(TRIES):
            failure = await self._tried(self._account.set_isolated(symbol))
            if failure is None or (await self._read(symbol)).isolated:
                return ""
            if not _again(failure):
                return _words("isolated margin", failure)
        return "isolated margin could not be set"

    async def _lever(self, symbol: str, leverage: int) -> str:
        self._asked[symbol] = leverage
        for _ in range(TRIES):
            failure = await self._tried(self._account.set_leverage(symbol, leverage))
            if (await self._read(symbol)).leverage == leverage:
                return ""
            if failure is not None and not _again(failure):
                return _words(f"leverage {leverage}", failure)
        return f"leverage {leverage} could not be set"

    @staticmethod
    async def _tried(setting: Awaitable[object]) -> Outcome | None:
        """Return what to do about a setting that failed; None when it is so, by whoever's doing."""
        try:
            await setting
        except (ExchangeError, OSError, TimeoutError) as error:
            outcome = outcome_of("futures", error, Ask.SETTING)
            return None if outcome.act is Act.ALREADY_DONE else outcome
        return None


def _again(failure: Outcome) -> bool:
    """Tell whether a setting may be sent again: what it does twice is the same as once."""
    return failure.act in (Act.RETRY_SAME_ID, Act.LOOK_UP, Act.RESYNC_CLOCK)


def _words(what: str, failure: Outcome) -> str:
    return f"{what} refused: {failure.code} {failure.text}".strip()
