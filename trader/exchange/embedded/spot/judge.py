"""What only a test may do on spot: see everything of an account, and be the stranger who trades on it too."""

from __future__ import annotations

from typing import Any

import msgspec

from trader.core.errors import ConfigError
from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import ZERO, cut, plain
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.spot import answers, endings
from trader.exchange.embedded.spot.books import MARKET
from trader.exchange.embedded.spot.desk import SpotDesk
from trader.exchange.embedded.spot.orders import Side, Type, Wish
from trader.exchange.embedded.spot.parse import parse_wish

Json = dict[str, Any]
#: How client ids of orders begin that somebody gave by hand.
BY_HAND = "web_"


class Judge:
    """The view and the hands of a test, past all faults."""

    def __init__(self, desk: SpotDesk, events: UserEvents) -> None:
        self._desk = desk
        self._events = events

    def ledger(self, account: Account) -> Json:
        """Return balances (first and now), orders, executions, lists and every event as it was made."""
        books, uid = self._desk.books, account.uid
        ledger, shelf = books.ledgers[uid], books.shelf
        orders = [order for order in shelf.orders.values() if order.uid == uid]
        return {
            "began": {asset: plain(amount) for asset, amount in account.balances.items()},
            "balances": {
                asset: {"free": plain(ledger.free[asset]), "locked": plain(ledger.locked[asset])}
                for asset in ledger.assets()
            },
            "orders": [answers.order_row(order) for order in orders],
            "trades": [
                answers.trade_row(symbol, trade, shelf.orders[trade.order_id])
                for symbol, trade in shelf.all_trades(uid)
            ],
            "lists": [answers.list_row(listed) for listed in shelf.lists_of(uid)],
            "events": [msgspec.to_builtins(record) for record in self._events.records[uid] if record.market == MARKET],
        }

    def stranger(self, account: Account, wish: Json) -> Json:
        """Do by hand what `do` says: `order` (with an order's parameters), `cancel` (`orderId`), `close` (sell all of
        the base asset of `symbol`, its orders cancelled), `deposit` (`asset`, `amount`, which may be negative)."""
        acts = {"order": self._order, "cancel": self._cancel, "close": self._close, "deposit": self._deposit}
        act = acts.get(str(wish.get("do", "order")))
        if act is None:
            raise ConfigError(f"a stranger cannot {wish.get('do')!r}; allowed: {', '.join(acts)}")
        values = {name: str(value) for name, value in wish.items() if name not in ("do", "key", "market")}
        return act(account, values)

    def _order(self, account: Account, values: dict[str, str]) -> Json:
        named = {"newClientOrderId": self._name()} | values
        order = self._desk.place(account, parse_wish(Params(self._desk.books.floor, named)))
        return answers.order_full(order)

    def _cancel(self, account: Account, values: dict[str, str]) -> Json:
        order = self._desk.books.shelf.orders.get(int(values.get("orderId", "-1")))
        if order is None or order.uid != account.uid or not order.open:
            raise ApiError(-2011, "Unknown order sent.")
        endings.cancel(self._desk.books, order, self._name())
        self._desk.books.report_balances(account.uid)
        return answers.order_row(order)

    def _close(self, account: Account, values: dict[str, str]) -> Json:
        books, symbol = self._desk.books, values.get("symbol", "")
        if symbol not in books.pairs:
            raise ConfigError(f"the symbol {symbol!r} is not played; allowed: {', '.join(books.pairs)}")
        for order in books.shelf.open_orders(account.uid, symbol):
            if order.open:
                endings.cancel(books, order, self._name())
        pair = books.pairs[symbol]
        quantity = cut(books.ledgers[account.uid].free.get(pair.base, ZERO), pair.step)
        books.report_balances(account.uid)
        if quantity <= 0:
            return {}
        wish = Wish(symbol=symbol, side=Side.SELL, type=Type.MARKET, quantity=quantity, client_id=self._name())
        return answers.order_full(self._desk.place(account, wish))

    def _deposit(self, account: Account, values: dict[str, str]) -> Json:
        amount = Params(self._desk.books.floor, {"amount": values.get("amount", "").lstrip("-")}).decimal("amount")
        sign = -1 if values.get("amount", "").startswith("-") else 1
        self._desk.books.deposit(account.uid, values.get("asset", ""), sign * (amount or ZERO))
        return {}

    def _name(self) -> str:
        return BY_HAND + self._desk.books.new_client_id()
