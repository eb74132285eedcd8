"""What real orders on USD-M need beside those on spot: terms of trading, funding, warnings before a liquidation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from trader.core.account import AccountEvent, BalanceUpdate, ConfigUpdate, FundingUpdate, MarginCall
from trader.core.events import FundingFee
from trader.core.order import OrderRequest
from trader.exchange.binance.account_rest import AccountRest
from trader.execution.audit.auditor import Auditor
from trader.execution.audit.findings import Kind
from trader.execution.desk.desk import Desk
from trader.execution.funding_fees import FundingFees, Means
from trader.execution.terms import Terms

log = logging.getLogger(__name__)


class FuturesSide:
    """Of one account: `prepared` goes to the desk; `begin` once that is there, `run` beside the trading."""

    def __init__(self, account: AccountRest) -> None:
        self._account = account
        self._terms = Terms(account, log.warning)

    async def prepared(self, request: OrderRequest) -> str:
        """See to the terms of an entry; return "", or why it cannot leave."""
        return await self._terms.prepared(request)

    def begin(
        self,
        desk: Desk,
        auditor: Auditor,
        symbols: Collection[str],
        began: int,
        now: Callable[[], int],
        tell: Callable[[FundingFee], None],
    ) -> None:
        """Say whose positions these are; `began` is when the pool did, `now` the market's time (ms)."""

        def foreign(symbol: str) -> bool:
            return any(each.kind is Kind.SURPLUS and each.symbol == symbol for each in auditor.standing)

        def market_ms() -> int:
            return max(now(), began)

        self._desk = desk
        means = Means(self._account, symbols, began, market_ms, lambda: desk.holdings.values(), foreign, tell)
        self._fees = FundingFees(means)

    def hear(self, event: AccountEvent) -> None:
        """Take what the account's stream tells, beside orders."""
        if isinstance(event, BalanceUpdate | FundingUpdate):
            self._fees.hear(event)
        elif isinstance(event, ConfigUpdate):
            self._terms.hear(event)
        elif isinstance(event, MarginCall):
            for symbol, side in event.positions:
                self._desk.alarm(f"{symbol} {side}: the exchange warns that this position is near its liquidation")

    def missed(self) -> None:
        """Ask anew for all that may have been told unheard."""
        self._terms.forget()
        self._fees.wake()

    async def run(self) -> None:
        """Look after funding, until cancelled."""
        await self._fees.run()
