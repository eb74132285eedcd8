"""What all parts of the spot desk share: wallets, orders, numbers, and the way to tell an account."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from string import ascii_letters, digits

import msgspec

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import plain
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.accounts.ledger import Ledger
from trader.exchange.embedded.accounts.numbers import Numbers
from trader.exchange.embedded.faults import FaultPlan
from trader.exchange.embedded.filters import Filters, read_filters
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.matching.quotes import Quotes
from trader.exchange.embedded.spot.events import account_position, balance_update, execution_report, list_status
from trader.exchange.embedded.spot.orders import Order, OrderList, Trade
from trader.exchange.embedded.spot.shelf import Shelf

MARKET = "spot"


class Pair(msgspec.Struct, frozen=True):
    """What exchangeInfo says of a symbol."""

    base: str
    quote: str
    types: frozenset[str]
    filters: Filters

    @property
    def step(self) -> Decimal:
        """The unit of quantities."""
        return self.filters.get("LOT_SIZE", {}).get("stepSize", Decimal(0))


class Books:
    """The state of the market's trading side. `wall` in seconds since the epoch."""

    def __init__(
        self,
        floor: Floor,
        quotes: Quotes,
        accounts: Sequence[Account],
        events: UserEvents,
        plan: FaultPlan,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.floor = floor
        self.quotes = quotes
        self.plan = plan
        self.wall = wall
        self.shelf = Shelf()
        self.accounts = {account.uid: account for account in accounts}
        self.ledgers = {account.uid: Ledger(account.balances) for account in accounts}
        self.pairs = {symbol: _pair(tape.entry) for symbol, tape in floor.tapes.items()}
        self.order_ids, self.list_ids, self.trade_ids, self.report_ids = Numbers(), Numbers(), Numbers(), Numbers()
        self._events = events
        self._random = Random(f"{plan.seed}/client ids")

    def now(self) -> int:
        """Return the play's time, ms."""
        return self.floor.clock.now()

    def new_client_id(self) -> str:
        """Return an id for who sent none."""
        return "".join(self._random.choices(ascii_letters + digits, k=22))

    def report(self, order: Order, kind: str, trade: Trade | None = None, cancelled_by: str = "") -> None:
        """Tell the owner what happened to an order, and keep it among the open ones or not."""
        self.shelf.settle(order)
        event = execution_report(order, kind, self.now(), next(self.report_ids), trade, cancelled_by)
        self._events.publish(order.uid, MARKET, event)

    def report_list(self, listed: OrderList) -> None:
        """Tell the owner how a list stands."""
        self._events.publish(listed.uid, MARKET, list_status(listed, self.now()))

    def report_balances(self, uid: int) -> None:
        """Tell the owner which balances have changed since the last time."""
        ledger = self.ledgers[uid]
        if assets := ledger.changed():
            self._events.publish(uid, MARKET, account_position(ledger, assets, self.now()))

    def deposit(self, uid: int, asset: str, amount: Decimal) -> None:
        """Add to a wallet (take from it, when negative) from outside the exchange."""
        ledger = self.ledgers[uid]
        if amount >= 0:
            ledger.receive(asset, amount)
        else:
            ledger.pay(asset, -amount)
        self._events.publish(uid, MARKET, balance_update(asset, plain(amount), self.now()))
        self.report_balances(uid)


def _pair(entry: dict[str, object]) -> Pair:
    filters = entry["filters"]
    assert isinstance(filters, list)
    types = entry.get("orderTypes")
    names = frozenset(types) if isinstance(types, list) else frozenset()
    return Pair(str(entry["baseAsset"]), str(entry["quoteAsset"]), names, read_filters(filters))
