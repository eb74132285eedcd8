"""What only a test may do on USD-M: see everything of an account, and be the stranger, or the exchange, that acts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from trader.core.errors import ConfigError
from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import parse_decimal, plain
from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.usdm import account_answers, answers, endings, events, forced, refusals
from trader.exchange.embedded.usdm.algo_desk import AlgoDesk
from trader.exchange.embedded.usdm.books import MARKET
from trader.exchange.embedded.usdm.listen_keys import ListenKeys
from trader.exchange.embedded.usdm.orders import AlgoStatus, Side, Status, Type, Wish
from trader.exchange.embedded.usdm.parse import parse_algo, parse_order
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.wallet import Kind

Json = dict[str, Any]
Values = dict[str, str]
#: How client ids of orders begin that somebody gave by hand.
BY_HAND = "web_"


class Judge:
    """The view and the hands of a test, past all faults."""

    def __init__(self, algos: AlgoDesk, user_events: UserEvents, keys: ListenKeys) -> None:
        self._algos = algos
        self._orders = algos.orders
        self._books = algos.books
        self._events = user_events
        self._keys = keys
        self._acts = {
            "order": self._order,
            "algo": self._algo,
            "cancel": self._cancel,
            "cancel_algo": self._cancel_algo,
            "close": self._close,
            "deposit": self._deposit,
            "liquidate": self._liquidate,
            "adl": self._deleverage,
            "expire_key": self._expire_key,
        }

    def ledger(self, account: Account) -> Json:
        """Return wallets (first and now), positions, orders, conditional ones, executions, income, every event."""
        books, uid = self._books, account.uid
        shelf, wallet = books.shelf, books.wallets[uid]
        orders = [order for order in shelf.orders.values() if order.uid == uid]
        return {
            "began": {asset: plain(amount) for asset, amount in account.balances.items()},
            "balances": {asset: plain(amount) for asset, amount in wallet.amounts.items()},
            "hedge": books.hedge[uid],
            "positions": account_answers.position_rows(books, uid, "", 3),
            "orders": [answers.order_row(books, order) | {"algoId": order.algo_id} for order in orders],
            "algos": [answers.algo_full(books, algo) for algo in shelf.all_algos(uid)],
            "trades": [
                answers.trade_row(books, symbol, trade, shelf.orders[trade.order_id])
                for symbol, trade in shelf.all_trades(uid)
            ],
            "income": [account_answers.income_row(each) for each in wallet.incomes],
            "events": [msgspec.to_builtins(record) for record in self._events.records[uid] if record.market == MARKET],
        }

    def stranger(self, account: Account, wish: Json) -> Json:
        """Do by hand what `do` says: `order`, `algo` (with their parameters), `cancel` (`orderId`), `cancel_algo`
        (`algoId`), `close` (all of `symbol`), `deposit` (`asset`, `amount`, maybe negative); or as the exchange
        `liquidate` and `adl` (`symbol`, `positionSide`, of the latter maybe `quantity`), `expire_key`."""
        act = self._acts.get(str(wish.get("do", "order")))
        if act is None:
            raise ConfigError(f"a stranger cannot {wish.get('do')!r}; allowed: {', '.join(self._acts)}")
        values = {name: _text(value) for name, value in wish.items() if name not in ("do", "key", "market")}
        return act(account, values)

    def _order(self, account: Account, values: Values) -> Json:
        params = Params(self._books.floor, {"newClientOrderId": self._name()} | values)
        order = self._orders.place(account, parse_order(params, self._books.hedge[account.uid]), counted=False)
        return answers.order_row(self._books, order)

    def _algo(self, account: Account, values: Values) -> Json:
        named = {"clientAlgoId": self._name(), "algoType": "CONDITIONAL"} | values
        wish = parse_algo(Params(self._books.floor, named), self._books.hedge[account.uid])
        return answers.algo_row(self._books, self._algos.place(account, wish))

    def _cancel(self, account: Account, values: Values) -> Json:
        order = self._books.shelf.orders.get(int(values.get("orderId", "-1")))
        if order is None or order.uid != account.uid or not order.open:
            raise refusals.unknown_order()
        endings.end(self._books, order, Status.CANCELED)
        return answers.order_row(self._books, order)

    def _cancel_algo(self, account: Account, values: Values) -> Json:
        algo = self._books.shelf.find_algo(account.uid, int(values.get("algoId", "-1")), "")
        if algo is None or not algo.open:
            raise refusals.unknown_order()
        endings.change(self._books, algo, AlgoStatus.CANCELED)
        return answers.algo_full(self._books, algo)

    def _close(self, account: Account, values: Values) -> Json:
        """Close all positions of a symbol at the price of now; orders stay but for those that only closed them."""
        done = [self._closed(account, each) for each in self._books.positions(account.uid, self._symbol(values))]
        return {"orders": done}

    def _closed(self, account: Account, position: Position) -> Json:
        wish = Wish(
            symbol=position.symbol,
            side=Side.SELL if position.long else Side.BUY,
            type=Type.MARKET,
            quantity=abs(position.quantity),
            position_side=position.side,
            client_id=self._name(),
        )
        return answers.order_row(self._books, self._orders.place(account, wish, counted=False))

    def _deposit(self, account: Account, values: Values) -> Json:
        books, text, asset = self._books, values.get("amount", ""), values.get("asset", "USDT")
        amount = parse_decimal("amount", text.lstrip("-")) * (-1 if text.startswith("-") else 1)
        books.wallets[account.uid].move(Kind.TRANSFER, asset, amount, books.now())
        reason = "DEPOSIT" if amount > 0 else "WITHDRAW"
        books.tell(account.uid, events.account_event(books, account.uid, reason, asset, amount, []))
        return {}

    def _liquidate(self, account: Account, values: Values) -> Json:
        forced.liquidate(self._books, self._position(account, values), self._books.now())
        return {}

    def _deleverage(self, account: Account, values: Values) -> Json:
        position = self._position(account, values)
        wanted = Decimal(values.get("quantity") or abs(position.quantity))
        forced.deleverage(self._books, position, min(wanted, abs(position.quantity)), self._books.now())
        return {}

    def _expire_key(self, account: Account, _: Values) -> Json:
        return {"expired": self._keys.expire(account.uid)}

    def _position(self, account: Account, values: Values) -> Position:
        found = self._books.positions(account.uid, self._symbol(values))
        side = values.get("positionSide", "")
        position = next((each for each in found if side in ("", each.side)), None)
        if position is None:
            raise ConfigError(f"there is no position {values.get('symbol')} {side}; allowed: one that is held")
        return position

    def _symbol(self, values: Values) -> str:
        symbol = values.get("symbol", "")
        if symbol not in self._books.contracts:
            raise ConfigError(f"the symbol {symbol!r} is not played; allowed: {', '.join(self._books.contracts)}")
        return symbol

    def _name(self) -> str:
        return BY_HAND + self._books.new_client_id()


def _text(value: Any) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)
