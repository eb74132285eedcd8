"""Reads the rules a second time while the core runs, and compares what it decides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.long.decision import Facts, decide, side
from tests.long.guards import SecondGuards
from tests.long.hours import SecondHours
from tests.long.ledger import Ledger, near
from tests.long.terms import allowed, held
from trader.core.candle import Candle
from trader.core.commands import Command, SubmitOrder
from trader.core.events import Action, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.order import Role
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.trading.book import Book
from trader.trading.notes import Dropped, Note, Ordered, PartClosed, Refused, TradeOpened


class Oracle:
    """What the rules say of each instant. `coins` in their order; `rules` counts what ended decisions."""

    def __init__(
        self, settings: Settings, coins: Sequence[str], instruments: Mapping[str, Instrument], ledger: Ledger
    ) -> None:
        self.settings = settings
        self.instruments = instruments
        self.ledger = ledger
        self.guards = SecondGuards(settings.BACKTEST_INITIAL_CAPITAL)
        self.hours = {symbol: SecondHours() for symbol in coins}
        self.adds: dict[int, int] = {}
        self.stops: dict[tuple[str, Timeframe, int], int] = {}
        self.stopped_now: list[tuple[str, Timeframe, int]] = []
        self.results: list[float] = []
        self.commands: list[OperatorCommand] = []
        self.closing: dict[int, str] = {}
        self.peaks: dict[int, float] = {}
        self.rules: Counter[str] = Counter()
        self.judged = True
        self.orders: list[tuple[int, str]] = []
        self.hedges: list[tuple[str, int, float]] = []
        self.drops: list[int] = []
        self.waiting: dict[int, str] = {}
        self.waiting_hedges: dict[int, str] = {}
        self.reserves: dict[int, float] = {}

    # --- one instant ------------------------------------------------------------------------------------------

    def begin(self, instant: Instant, book: Book, readings: Sequence[Reading]) -> None:
        """An instant begins; its fills come first."""
        self.instant, self.book, self.readings = instant, book, readings
        self.judged = instant.late
        self.decided = 0
        self.orders, self.hedges, self.drops = [], [], []

    def candles_end(self, candles: Mapping[str, Candle], settings: Settings) -> None:
        """The fills of the instant are done, its candles end: hours are completed, best prices move."""
        self.settings_before = settings
        self.ended = candles
        for candle in candles.values():
            self.hours[candle.symbol].take(candle)

    def judge(self, settings: Settings) -> None:
        """Steps 3 and 4: once an instant, before its first decision or at its end."""
        if self.judged:
            return
        self.judged, self.settings = True, settings
        time, book, guards = self.instant.time, self.book, self.guards
        for stream in self.stopped_now:
            self.stops[stream] = time
        self.stopped_now = []
        equity = self.ledger.equity(book)
        assert near(book.pool.equity, equity, self.ledger.turnover * 1e-3)
        guards.account(time, book.pool.equity)
        for command in self.commands:
            guards.obey(command.action)
            self._close_by_hand(command)
        self.commands = []
        guards.judge(settings, time)
        reason = guards.closes_everything(settings)
        if settings.HEDGING.enable and settings.MARKET == "futures":
            self._hedge(bool(reason))
        if reason:
            self._close_all(reason)
        if settings.REVERSAL.enable:
            self._reverse()

    def _close_by_hand(self, command: OperatorCommand) -> None:
        if command.action in (Action.CLOSE, Action.CLOSE_ALL):
            every = command.action is Action.CLOSE_ALL
            self._close_all("manual", None if every else command.name)

    def _close_all(self, reason: str, symbol: str | None = None) -> None:
        self.drops += [number for number, waits in self.waiting.items() if symbol in (None, waits)]
        self.waiting = {number: waits for number, waits in self.waiting.items() if number not in self.drops}
        for trade in self.book.trades.values():
            if symbol in (None, trade.symbol):
                self._close(trade, reason)

    def _close(self, trade: Trade, reason: str) -> None:
        if trade.position_id not in self.closing:
            self.closing[trade.position_id] = reason
            self.orders.append((trade.position_id, reason))

    def _reverse(self) -> None:
        wishes = {(reading.symbol, reading.timeframe): reading for reading in self.readings if reading.signal}
        for trade in self.book.trades.values():
            reading = wishes.get((trade.symbol, trade.timeframe))
            if reading is None or reading.signal is None or trade.hedge or not side(reading):
                continue
            signal, rules = reading.signal, self.settings
            if side(reading) == trade.direction:
                reverses = signal.probability < rules.REVERSAL.min_probability
            else:
                reverses = signal.probability >= rules.MIN_PROBABILITY and signal.strength >= rules.MIN_STRENGTH
            if reverses:
                self._close(trade, "reversal")

    # --- hedges -----------------------------------------------------------------------------------------------

    def _hedge(self, everything_closes: bool) -> None:
        rule, drawdown = self.settings.HEDGING, self.guards.drawdown
        reserved = sum(trade.quantity_left * trade.entry_price / trade.leverage for trade in self.book.trades.values())
        free = self.ledger.cash - reserved - sum(self.reserves[number] for number in self.waiting)
        for symbol in self.hours:
            own = [trade for trade in self.book.trades.values() if trade.symbol == symbol and not trade.hedge]
            hedges = [trade for trade in self.book.trades.values() if trade.symbol == symbol and trade.hedge]
            for hedge in hedges:
                if drawdown <= rule.hedge_recovery_threshold or not own:
                    self._close(hedge, "hedge_close")
            if hedges or everything_closes or symbol in self.hedges_waiting() or not own:
                continue
            free -= self._wanted_hedge(symbol, own, free)

    def hedges_waiting(self) -> set[str]:
        """Return the coins whose hedge waited before this instant's guards, and was not dropped by them."""
        return {symbol for number, symbol in self.waiting_hedges.items() if number in self.waiting}

    def _wanted_hedge(self, symbol: str, own: list[Trade], free: float) -> float:
        rule, price = self.settings.HEDGING, self.ledger.closes[symbol]
        net = sum(trade.quantity_left * trade.direction for trade in own)
        lost = sum((price - trade.entry_price) * trade.quantity_left * trade.direction for trade in own) < 0
        if not lost or net == 0 or self.guards.drawdown < self._threshold(symbol):
            return 0.0
        leverage, way = own[0].leverage, -1 if net > 0 else 1
        room = allowed(self.instruments[symbol].brackets, leverage) - held(self.book, symbol, way)
        quantity = self.instruments[symbol].cut_quantity(max(0.0, min(rule.hedge_ratio * abs(net), room / price)))
        reserve = quantity * price / own[0].leverage
        if not self.instruments[symbol].tradable(quantity, price) or reserve > free:
            return 0.0
        self.hedges.append((symbol, way, quantity))
        return reserve

    def _threshold(self, symbol: str) -> float:
        rule = self.settings.HEDGING
        override = rule.coin_overrides.get(symbol)
        threshold = override.hedge_threshold if override else rule.hedge_threshold
        calm = self.hours[symbol].calm() if rule.dynamic_hedge else 1.0
        return threshold * min(1.3, max(0.7, calm))

    # --- what the core says -----------------------------------------------------------------------------------

    def note(self, note: Note, settings: Settings) -> None:
        """Take what the core tells; decisions are compared as they are made."""
        if isinstance(note, Refused | Ordered):
            self.judge(settings)
            self._compare(note)
        elif isinstance(note, TradeOpened):
            self.peaks[note.trade.id] = note.trade.entry_price
            if note.trade.linked_to is not None:
                self.adds[note.trade.linked_to] = self.adds.get(note.trade.linked_to, 0) + 1
        elif isinstance(note, PartClosed):
            if note.trade.quantity_left <= 0:
                self._ended(note.trade)
        elif isinstance(note, Dropped):
            self.rules[note.rule] += 1

    def _ended(self, trade: Trade) -> None:
        self.closing.pop(trade.position_id, None)
        del self.peaks[trade.id]
        if trade.hedge:
            return
        net = sum(part.net for part in trade.parts)
        self.guards.result(net)
        self.results.append(net / (trade.quantity * trade.entry_price / trade.leverage))
        if trade.parts[-1].reason == "stop_loss":
            self.stopped_now.append((trade.symbol, trade.timeframe, int(trade.direction)))

    def _compare(self, note: Refused | Ordered) -> None:
        """Compare one decision with the rules; one on what is no number must end with a refusal."""
        assert not self.instant.late
        reading, time = note.reading, self.instant.time
        rule = note.refusal.rule if isinstance(note, Refused) else "opened"
        self.rules[rule] += 1
        self.decided += 1
        values = [reading.close, reading.atr14, reading.ema50]
        if not all(map(math.isfinite, values)):
            by_trend = self.settings.TREND_ALIGNMENT or (reading.signal is not None and not side(reading))
            looks_at = values if by_trend else values[:2]
            assert rule != "opened" or all(map(math.isfinite, looks_at))
            return
        verdict = decide(
            Facts(
                *(self.settings, self.book, self.guards, self.hours, self.instruments[reading.symbol]),
                *(self.adds, self.stops, self.results, reading, time),
            )
        )
        assert rule == verdict.rule, (note, verdict)
        if isinstance(note, Ordered):
            request = note.request
            assert near(request.quantity, verdict.quantity), (note, verdict)
            assert request.leverage == verdict.leverage
            assert request.direction == side(reading)
            self._compare_terms(note)

    def _compare_terms(self, note: Ordered) -> None:
        """No side of a coin is worth more than the exchange's brackets allow at its leverage, at the prices decided."""
        request, instrument = note.request, self.instruments[note.request.symbol]
        worth = request.quantity * note.reading.close + held(self.book, request.symbol, request.direction)
        assert worth <= allowed(instrument.brackets, request.leverage) * (1 + 1e-9) + 1e-6 * note.reading.close

    # --- the end of an instant --------------------------------------------------------------------------------

    def end(self, commands: Sequence[Command], settings: Settings) -> None:
        """The instant is over: compare the guards, what was ordered closed or hedged or dropped, and the stops."""
        self.judge(settings)
        submitted = [command.request for command in commands if isinstance(command, SubmitOrder)]
        closings = [(order.position_id, order.reason) for order in submitted if order.role is Role.CLOSE]
        assert sorted(closings) == sorted(self.orders)
        hedges = [
            (order.symbol, int(order.direction), order.quantity) for order in submitted if order.reason == "hedge_open"
        ]
        assert hedges == self.hedges
        assert not set(self.drops) & set(self.book.pending)
        assert set(self.waiting) <= set(self.book.pending)
        assert {t.position_id: t.closing for t in self.book.trades.values() if t.closing} == self.closing
        if not self.instant.late:
            assert self.decided == len(self.readings)
            self.guards.compare(self.book.guards)
        self._compare_stops()

    def before_guards(self) -> None:
        """Write down what waits when the fills of the instant are done, before its guards."""
        self.waiting = {number: pending.request.symbol for number, pending in self.book.pending.items()}
        hedges = {number for number, pending in self.book.pending.items() if pending.hedge}
        self.waiting_hedges = {number: symbol for number, symbol in self.waiting.items() if number in hedges}
        self.reserves = {number: pending.reserve for number, pending in self.book.pending.items()}

    def _compare_stops(self) -> None:
        for trade in self.book.trades.values():
            candle = self.ended.get(trade.symbol)
            if candle is None:
                continue
            best = candle.high if trade.direction > 0 else candle.low
            peak = self.peaks[trade.id] = (max if trade.direction > 0 else min)(self.peaks[trade.id], best)
            if not trade.hedge:
                assert trade.peak == peak
                self._compare_stop(trade, peak)

    def _compare_stop(self, trade: Trade, peak: float) -> None:
        """No rule of the end of a candle calls for a stop nearer than the one that stands; one set it."""
        levels = {}
        for reason, price in self._raised(trade, peak).items():
            levels[reason] = self.instruments[trade.symbol].level_towards(price, trade.entry_price)
            assert trade.direction * levels[reason] <= trade.direction * trade.stop
        moved = trade.stop != self.ledger.stops_before.get(trade.id, trade.first_stop)
        if moved:
            assert trade.stop in levels.values()
            assert levels[trade.stop_reason] == trade.stop

    def _raised(self, trade: Trade, peak: float) -> dict[str, float]:
        rules, sign, entry = self.settings_before, int(trade.direction), trade.entry_price
        ahead = sign * (peak - entry) / entry
        even, trail, ladder = rules.BREAKEVEN_STOP, rules.TRAILING_STOP, rules.TARGET_LADDER
        levels = {}
        if even.enable and sign * peak >= sign * entry * (1 + sign * even.activation_pct):
            costs = (2 * rules.taker_fee + rules.SLIPPAGE_PCT) * even.cover_costs
            levels["breakeven"] = entry * (1 + sign * (even.buffer_pct + costs))
        trails = []
        first_target = bool(trade.parts)
        if ladder.enable and first_target:
            trails.append(peak - sign * ladder.trail_atr * trade.atr14)
        if trail.enable and (first_target or not ladder.enable) and ahead >= trail.activation_pct:
            trails.append(peak * (1 - sign * trail.trail_pct))
        if trails:
            levels["trailing_stop"] = max(trails, key=lambda price: sign * price)
        return levels
