"""Sections 5 and 6 of the rules a second time: what the candles of one instant do to orders and trades."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.long.terms import kept
from trader.core.candle import Candle
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderRequest, Role
from trader.core.settings import Settings
from trader.core.signal import Pattern
from trader.core.trade import Trade
from trader.simulation.broker import BrokerState
from trader.trading.book import Book
from trader.trading.notes import Note, PartClosed, TradeOpened


class Standing(NamedTuple):
    """What stands of a trade when a candle begins; `closing` is the reason of an order that fills at its open.

    `worth` is what it was worth at its entry.
    """

    symbol: str
    sign: int
    entry: float
    leverage: float
    left: float
    stop: float
    stop_reason: str
    targets: list[tuple[float, float, str]]
    closing: str
    worth: float


class Exit(NamedTuple):
    """One part that closes: the price before slippage, and the role that says what it costs."""

    role: Role
    reason: str
    quantity: float
    price: float


def standing(trade: Trade, closing: str = "") -> Standing:
    """Return what stands of a trade now; a hedge has no stop."""
    targets = [(target.price, target.quantity, target.reason) for target in trade.targets]
    return Standing(
        *(trade.symbol, int(trade.direction), trade.entry_price, trade.leverage, trade.quantity_left),
        *(trade.stop, trade.stop_reason, targets, closing, trade.quantity * trade.entry_price),
    )


def exits(before: Standing, candle: Candle, settings: Settings, instrument: Instrument) -> Iterator[Exit]:
    """Yield the parts that close in `candle`, in their order; an order to close has filled at its open."""
    sign, left, stop = before.sign, before.left, before.stop
    worst, best = (candle.low, candle.high) if sign > 0 else (candle.high, candle.low)
    if _liquidated(before, candle.open, worst, settings, instrument):
        yield Exit(Role.LIQUIDATION, "liquidation", left, before.entry * (1 - sign / before.leverage))
        return
    if sign * candle.open <= sign * stop:
        yield Exit(Role.STOP, before.stop_reason, left, candle.open)
        return
    targets = list(before.targets)
    passed = [target for target in targets if sign * candle.open >= sign * target[0]]
    reached = [target for target in targets if target not in passed and sign * best >= sign * target[0]]
    for price, quantity, reason in passed:
        yield Exit(Role.TARGET, reason, quantity, price)
        left = instrument.cut_quantity(left - quantity)
    if left > 0 and sign * worst <= sign * stop:
        yield Exit(Role.STOP, before.stop_reason, left, stop)
        return
    for price, quantity, reason in reached:
        yield Exit(Role.TARGET, reason, quantity, price)


def _liquidated(before: Standing, open: float, worst: float, settings: Settings, instrument: Instrument) -> bool:
    if settings.MARKET == "spot":
        return False
    sign, stop = before.sign, before.stop
    rate = kept(instrument.brackets, before.worth, settings)
    price = before.entry * (1 - sign * (1 / before.leverage - rate))
    stop_comes_first = not math.isnan(stop) and sign * stop > sign * price
    return sign * open <= sign * price or (not stop_comes_first and sign * worst <= sign * price)


def planned(trade: Trade, settings: Settings, instrument: Instrument) -> Iterator[tuple[float, float, str]]:
    """Yield (price, quantity, reason) of the targets of a trade that has just opened, nearest first."""
    entry, sign, quantity = trade.entry_price, int(trade.direction), trade.quantity
    *steps, (target, _) = _steps(trade, settings)
    last = instrument.level_towards(target, entry)
    left, carried = quantity, 0.0
    for raw, share in steps:
        price = instrument.level_towards(raw, entry)
        if sign * price >= sign * last:
            continue
        part = instrument.cut_quantity(quantity * share) + carried
        rest = instrument.cut_quantity(left - part)
        if not instrument.tradable(part, price):
            carried = part
        elif not instrument.tradable(rest, price):
            yield price, left, "partial_tp"
            return
        else:
            yield price, part, "partial_tp"
            left, carried = rest, 0.0
    yield last, left, "take_profit"


def _steps(trade: Trade, settings: Settings) -> list[tuple[float, float]]:
    """Return (price before rounding, share) of every target, the take profit last."""
    entry, sign, ladder = trade.entry_price, int(trade.direction), settings.TARGET_LADDER
    target = settings.PATTERN_TARGETS[Pattern(trade.pattern)].tp_pct
    steps = [(1.0, 1.0)]
    if ladder.enable:
        steps = [(at, share) for at, share in zip(ladder.at, ladder.close_ratios, strict=True) if at < 1] + steps
    if settings.STOP_MODE == "atr":
        distance = settings.ATR_STOP.target_atr * trade.atr14
        prices = [(entry + sign * at * distance, share) for at, share in steps]
    else:
        prices = [(entry * (1 + sign * at * target), share) for at, share in steps]
    if settings.PARTIAL_TP.enable and not ladder.enable:
        levels = [(entry * (1 + sign * level.pct), level.close_ratio) for level in settings.PARTIAL_TP.levels]
        prices = levels + prices
    return prices


class Matching:
    """Expects the fills of each instant, and compares. `coins` in their order."""

    def __init__(self, settings: Settings, instruments: Mapping[str, Instrument]) -> None:
        self.settings = settings
        self.instruments = instruments
        self.candles: Mapping[str, Candle] = {}
        self.due: list[OrderRequest] = []
        self.standing: dict[int, Standing] = {}
        self.fills: list[Fill] = []

    def begin(self, candles: Mapping[str, Candle], book: Book, state: BrokerState) -> None:
        """An instant begins: market orders of its coins are due, trades stand as they do."""
        self.candles = candles
        self.due = [
            order
            for order in state.waiting
            if order.symbol in candles and candles[order.symbol].open_time >= order.decided
        ]
        closing = {order.position_id: order.reason for order in self.due if order.role is Role.CLOSE}
        self.standing = {
            trade.position_id: standing(trade, closing.get(trade.position_id, "")) for trade in book.trades.values()
        }
        self.fills = []

    def note(self, note: Note) -> None:
        """Take the fills that the core was told of."""
        if isinstance(note, TradeOpened):
            self._opened(note.trade)
        if isinstance(note, TradeOpened | PartClosed):
            self.fills.append(note.fill)

    def _opened(self, trade: Trade) -> None:
        """A trade opened: its targets are those planned from its fill."""
        self.standing[trade.position_id] = now = standing(trade)
        wanted = [] if trade.hedge else list(planned(trade, self.settings, self.instruments[trade.symbol]))
        assert [(price, reason) for price, _, reason in now.targets] == [(price, reason) for price, _, reason in wanted]
        for (_, quantity, _), (_, other, _) in zip(now.targets, wanted, strict=True):
            assert math.isclose(quantity, other, rel_tol=1e-12)

    def end(self, book: Book) -> None:
        """Compare all fills of the instant: first what was due, in the order of decisions, then coin by coin."""
        opened = {fill.position_id for fill in self.fills if fill.role is Role.ENTRY}
        entries = {order.position_id for order in self.due if order.role is Role.ENTRY}
        assert not entries & set(book.pending), "an entry that was due still waits"
        expected = list(self._due(opened))
        for symbol, candle in sorted(self.candles.items(), key=lambda item: list(self.instruments).index(item[0])):
            for position, before in self.standing.items():
                if before.symbol == symbol and not before.closing:
                    found = exits(before, candle, self.settings, self.instruments[symbol])
                    expected += [(position, exit) for exit in found]
        assert [(fill.position_id, fill.reason) for fill in self.fills] == [
            (position, exit.reason) for position, exit in expected
        ]
        for fill, (_, exit) in zip(self.fills, expected, strict=True):
            self._compare(fill, exit)

    def _due(self, opened: set[int]) -> Iterator[tuple[int, Exit]]:
        for order in self.due:
            candle = self.candles[order.symbol]
            if order.role is Role.ENTRY:
                expired = candle.open_time > order.decided + max(60_000, candle.timeframe.ms)
                assert not (expired and order.position_id in opened)
                if order.position_id not in opened:
                    continue
            left = order.quantity if order.role is Role.ENTRY else self.standing[order.position_id].left
            yield order.position_id, Exit(order.role, order.reason, left, candle.open)

    def _compare(self, fill: Fill, exit: Exit) -> None:
        """Compare price, slippage and fee of a fill (section 5)."""
        settings, candle = self.settings, self.candles[fill.symbol]
        slip = {Role.TARGET: 0.0, Role.LIQUIDATION: 0.0}.get(exit.role, settings.SLIPPAGE_PCT)
        rate = {Role.TARGET: settings.maker_fee, Role.LIQUIDATION: 0.0}.get(exit.role, settings.taker_fee)
        buys = (fill.direction > 0) == (exit.role is Role.ENTRY)
        assert fill.role is exit.role
        assert math.isclose(fill.quantity, exit.quantity, rel_tol=1e-12)
        assert math.isclose(fill.price, exit.price * (1 + slip if buys else 1 - slip), rel_tol=1e-12)
        assert math.isclose(fill.fee, fill.quantity * fill.price * rate, rel_tol=1e-12)
        assert math.isclose(fill.slippage, fill.quantity * exit.price * slip, rel_tol=1e-6)
        assert fill.time in (candle.open_time, candle.close_time)
        assert fill.time == candle.open_time or exit.role in (Role.STOP, Role.TARGET, Role.LIQUIDATION)
