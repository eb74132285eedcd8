"""Keeps the accounts a second time, from fills and candles alone, and compares."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from trader.core.candle import Candle
from trader.core.events import FundingRate
from trader.core.instrument import Instrument
from trader.core.order import Fill, Role
from trader.core.settings import Settings
from trader.core.signal import Direction
from trader.core.trade import Trade
from trader.simulation.broker import BrokerState
from trader.trading.book import Book
from trader.trading.notes import FundingPaid, Note, PartClosed, StopMoved, TradeOpened

#: Float noise of thousands of bookings, as a share of the money that moved.
NOISE = 1e-9


def near(one: float, other: float, scale: float = 1.0) -> bool:
    """Tell whether two amounts are equal but for the noise of floats."""
    return abs(one - other) <= NOISE * max(1.0, abs(one), abs(other), scale)


class Account:
    """What one trade has cost and brought so far."""

    def __init__(self, fill: Fill) -> None:
        self.entry = fill
        self.stop = math.nan
        self.left = fill.quantity
        self.gross = 0.0
        self.fees = fill.fee
        self.funding = 0.0
        self.parts = 0.0


class Ledger:
    """The second accounts. `cash` is the capital with every result, fee and funding payment in it."""

    def __init__(self, settings: Settings, instruments: Mapping[str, Instrument]) -> None:
        self.settings = settings
        self.instruments = instruments
        self.cash = self.turnover = settings.BACKTEST_INITIAL_CAPITAL
        self.accounts: dict[int, Account] = {}
        self.candles: dict[str, Candle] = {}
        self.closes: dict[str, float] = {}
        self.rates: dict[tuple[str, int], float] = {}
        self.payments: dict[tuple[int, int], float] = {}
        self.stops_before: dict[int, float] = {}
        self.fills = self.trades = 0
        self.exits: Counter[str] = Counter()
        self.ended = 0.0

    def begin(self, candles: Mapping[str, Candle], funding: Sequence[FundingRate] = ()) -> None:
        """Take the exit streams' candles of an instant, by coin, before they fill anything, and the rates due."""
        self.candles = dict(candles)
        self.rates = {(rate.symbol, rate.time): rate.rate for rate in funding}

    def candles_end(self, book: Book) -> None:
        """The fills of the instant are done: its closes are the last ones, and funding falls due."""
        self.closes |= {symbol: candle.close for symbol, candle in self.candles.items()}
        self.stops_before = {trade: account.stop for trade, account in self.accounts.items()}
        self.payments = {
            (trade.id, time): self.accounts[trade.id].left * self.closes[symbol] * rate * trade.direction
            for (symbol, time), rate in self.rates.items()
            for trade in book.trades.values()
            if trade.symbol == symbol and self.accounts[trade.id].entry.time < time
        }

    def note(self, note: Note) -> None:
        """Book what the core tells, and check that it could be so."""
        if isinstance(note, TradeOpened):
            self._open(note.trade, note.fill)
        elif isinstance(note, PartClosed):
            self._close(note)
        elif isinstance(note, FundingPaid):
            account = self.accounts[note.trade.id]
            assert near(self.payments.pop((note.trade.id, note.time)), note.amount)
            account.funding += note.amount
            self.cash -= note.amount
        elif isinstance(note, StopMoved):
            self._move(note.trade, note.before)

    def _open(self, trade: Trade, fill: Fill) -> None:
        self.fills, self.trades = self.fills + 1, self.trades + 1
        assert trade.id not in self.accounts
        assert trade.hedge or trade.direction is Direction.LONG or self.settings.MARKET == "futures"
        account = self.accounts[trade.id] = Account(fill)
        account.stop = trade.stop
        self.cash -= fill.fee
        self.turnover += fill.quantity * fill.price
        instrument = self.instruments[fill.symbol]
        assert instrument.cut_quantity(fill.quantity) == fill.quantity
        if trade.hedge:
            assert math.isnan(trade.stop)
            assert not trade.targets
            return
        assert near(sum(target.quantity for target in trade.targets), trade.quantity)
        for level in (trade.stop, trade.take_profit, *(target.price for target in trade.targets)):
            assert instrument.level_towards(level, fill.price) == level
        prices = [trade.direction * target.price for target in trade.targets]
        assert prices == sorted(prices)
        assert trade.direction * trade.stop < trade.direction * fill.price < prices[0]

    def _close(self, note: PartClosed) -> None:
        trade, fill = note.trade, note.fill
        self.fills += 1
        self.exits[fill.reason] += 1
        account = self.accounts[trade.id]
        gross = (fill.price - account.entry.price) * fill.quantity * fill.direction
        account.gross += gross
        account.fees += fill.fee
        account.parts += note.part.net
        account.left = self.instruments[trade.symbol].cut_quantity(account.left - fill.quantity)
        self.cash += gross - fill.fee
        self.turnover += fill.quantity * fill.price
        assert near(account.left, trade.quantity_left)
        if trade.quantity_left <= 0:
            self._over(trade, account)

    def _over(self, trade: Trade, account: Account) -> None:
        """The parts of a trade sum to the trade, and trades to the pool."""
        scale = trade.quantity * trade.entry_price
        assert near(sum(part.quantity for part in trade.parts), trade.quantity)
        assert near(account.parts, account.gross - account.fees - account.funding, scale)
        assert near(trade.fees, account.fees, scale)
        assert near(trade.funding, account.funding, scale)
        self.ended += account.parts
        del self.accounts[trade.id]

    def _move(self, trade: Trade, before: float) -> None:
        """A stop moves towards profit only, on the tick grid."""
        account = self.accounts[trade.id]
        assert before == account.stop
        assert trade.direction * trade.stop > trade.direction * before
        assert self.instruments[trade.symbol].level_towards(trade.stop, trade.entry_price) == trade.stop
        account.stop = trade.stop

    def equity(self, book: Book) -> float:
        """Return what the pool is worth at the last closes."""
        unrealised = sum(
            (self.closes.get(trade.symbol, trade.entry_price) - account.entry.price) * account.left * trade.direction
            for trade in book.trades.values()
            for account in (self.accounts[trade.id],)
        )
        return self.cash + unrealised

    def check(self, book: Book, state: BrokerState) -> None:
        """Compare the books and the broker with these accounts; after every event."""
        scale = self.turnover * 1e-3
        reserved = sum(trade.quantity_left * trade.entry_price / trade.leverage for trade in book.trades.values())
        waiting = sum(
            pending.request.quantity * pending.price / pending.request.leverage for pending in book.pending.values()
        )
        assert near(book.pool.booked, self.cash, scale)
        assert near(book.pool.free + reserved + waiting, self.cash, scale)
        assert {trade.id for trade in book.trades.values()} == set(self.accounts)
        self._check_positions(book, state)

    def check_orders(self, book: Book, state: BrokerState) -> None:
        """What waits at the broker is what the books say: pending entries, one order for each trade to be closed."""
        orders = {order.order_id: order for order in state.waiting}
        assert len(orders) == len(state.waiting)
        closing = {trade.position_id for trade in book.trades.values() if trade.closing}
        assert {order.position_id for order in orders.values() if order.role is Role.CLOSE} == closing
        assert {order.order_id for order in orders.values() if order.role is Role.ENTRY} == set(book.pending)

    def _check_positions(self, book: Book, state: BrokerState) -> None:
        assert list(state.positions) == list(book.trades)
        for trade in book.trades.values():
            position, account = state.positions[trade.position_id], self.accounts[trade.id]
            assert (position.symbol, position.direction) == (trade.symbol, trade.direction)
            assert position.quantity == trade.quantity_left
            assert (position.entry, position.leverage) == (trade.entry_price, trade.leverage)
            assert [(t.order_id, t.price, t.quantity) for t in position.targets] == [
                (t.order_id, t.price, t.quantity) for t in trade.targets
            ]
            assert (position.stop is None) == trade.hedge
            if position.stop is not None:
                assert (position.stop.price, position.stop.reason) == (trade.stop, trade.stop_reason)
                assert trade.stop == account.stop
                assert trade.direction * trade.stop >= trade.direction * trade.first_stop
        hedges = [trade.symbol for trade in book.trades.values() if trade.hedge]
        hedges += [pending.request.symbol for pending in book.pending.values() if pending.hedge]
        assert len(hedges) == len(set(hedges))
