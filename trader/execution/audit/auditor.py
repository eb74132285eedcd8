"""The auditor: looks at the account each minute, after each reconnect and when something is doubted.

What is found once may be under way: the desk looks again, and only what is found a second time is acted upon. Orders
and positions of strangers are said once and never touched.
"""

from __future__ import annotations

import asyncio

from trader.core.account import AccountEvent, AlgoUpdate, Forced, OrderUpdate
from trader.core.errors import Rejected, TraderError
from trader.execution.audit.compare import Own, compare
from trader.execution.audit.findings import REPORTED, Finding, Kind, standing
from trader.execution.audit.inquiry import Inquiry, Means
from trader.execution.audit.seen import Seen, look
from trader.execution.desk.desk import Desk

EVERY_S = 60.0
#: Between two looks of which only what both find is acted upon.
CONFIRM_S = 1.0
#: Looks after the first, at most: as long as something is new, or moves.
LOOKS = 3


class Auditor:
    """Audits the account of `desk`. `standing` is what the newest audit could not put right, `looks` counts audits."""

    def __init__(self, desk: Desk, means: Means) -> None:
        self.standing: list[Finding] = []
        self.looks = 0
        self._desk = desk
        self._means = means
        self._wake = asyncio.Event()
        self._said: set[tuple[str, ...]] = set()
        self._clean_ms = 0
        self._trouble = ""
        self._inquiry = Inquiry(desk, means)
        desk.doubted = self.wake

    # --- when -------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look soon: after a reconnect, or when something does not fit."""
        self._wake.set()

    async def run(self) -> None:
        """Audit for ever; nothing raises: what cannot be asked now is asked later, and said once."""
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.audit()
                self._trouble = ""
            except (TraderError, OSError, TimeoutError) as error:
                self._troubled(str(error) or type(error).__name__)

    def _troubled(self, words: str) -> None:
        if words != self._trouble:
            self._desk.alarm(f"the account could not be audited: {words}")
        self._trouble = words

    def hear(self, event: AccountEvent) -> None:
        """Take an event that the desk does not know: the venue's own orders are booked at once, others looked into."""
        if not isinstance(event, OrderUpdate) or event.symbol not in self._means.instruments:
            return
        if event.forced is not Forced.NONE and event.executions:
            self._inquiry.forced(event)
        elif event.cumulative > 0:
            self.wake()

    # --- an audit ---------------------------------------------------------------------------------------------------

    async def audit(self) -> list[Finding]:
        """Look once, and again as long as there is something new; act on what stands, and return all that was found."""
        self.looks += 1
        acted: list[Finding] = []
        first, seen, moved = await self._look()
        for _ in range(LOOKS):
            doubted = [each for each in first if each.key not in self._said]
            if not doubted and not moved:
                break
            await self._settle({each.symbol for each in doubted})
            second, seen, moved = await self._look()
            for finding in standing(doubted, second):
                await self._act(finding, seen)
                acted.append(finding)
            first = [each for each in second if each not in doubted or each.key in self._said]
        self.standing = first
        done = {each.key for each in acted}
        return [*acted, *(each for each in first if each.key not in done)]

    async def _look(self) -> tuple[list[Finding], Seen, set[str]]:
        """Look at the account; symbols of which something changed meanwhile, the last value, are left out."""
        before = self._fingerprints()
        seen = await look(self._means.market, self._means.orders, self._means.holdings)
        after = self._fingerprints()
        moved = {symbol for symbol in {*before, *after} if before.get(symbol) != after.get(symbol)}
        found = [each for each in compare(self._own(), seen) if each.symbol not in moved]
        if not moved and not any(each.kind is Kind.SHORTFALL for each in found):
            self._clean_ms = self._means.now()
        return found, seen, moved

    def _own(self) -> Own:
        means = self._means
        dust = self._desk.dust.balances
        return Own(means.run, means.given(), self._desk.holdings, means.instruments, means.bases, dust)

    def _fingerprints(self) -> dict[str, list[tuple[object, ...]]]:
        found: dict[str, list[tuple[object, ...]]] = {}
        for key, holding in sorted(self._desk.holdings.items()):
            resting = tuple(each.client_id for each in holding.sent.values() if each.rests)
            found.setdefault(holding.symbol, []).append((key, holding.owned, *resting))
        return found

    async def _settle(self, symbols: set[str]) -> None:
        """Let the desk look again, and give events time to come."""
        for symbol in symbols:
            self._desk.look_again(symbol)
        await self._means.sleep(CONFIRM_S)
        try:
            async with asyncio.timeout(self._means.settle_s):
                await self._desk.idle()
        except TimeoutError:
            return

    # --- acts -------------------------------------------------------------------------------------------------------

    async def _act(self, finding: Finding, seen: Seen) -> None:
        if finding.kind in REPORTED:
            if finding.key not in self._said:
                self._desk.alarm(finding.text)
            self._said.add(finding.key)
            return
        self._desk.alarm(finding.text)
        if finding.kind is Kind.LEFTOVER:
            await self._cancel(finding)
        elif finding.kind is Kind.UNKNOWN:
            self._adopt(finding, seen)
        elif finding.kind is Kind.SHORTFALL:
            await self._inquiry.explain(finding, self._clean_ms)
        elif finding.kind is Kind.DUST_GONE:
            self._desk.lose_dust(finding.symbol, finding.what, finding.quantity)

    async def _cancel(self, finding: Finding) -> None:
        """Cancel a leftover; one that has gone meanwhile is no matter."""
        orders = self._means.orders
        try:
            if finding.conditional:
                await orders.cancel_stop(finding.what)
            else:
                await orders.cancel(finding.symbol, finding.what)
        except Rejected:
            return

    def _adopt(self, finding: Finding, seen: Seen) -> None:
        every: list[OrderUpdate | AlgoUpdate] = [*seen.orders, *seen.stops]
        for update in every:
            if update.client_id == finding.what:
                self._inquiry.take_up(update)
