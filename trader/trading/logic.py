"""TradingLogic: events in, commands out. No clock, no I/O; one pool of capital for all coins and timeframes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from trader.core.brackets import maintenance_rate
from trader.core.candle import Candle
from trader.core.commands import AmendStop, CancelOrder, Command, SubmitOrder
from trader.core.errors import ConfigError, InvariantError
from trader.core.events import Action, EndOfData, Event, FundingFee, Instant, ModelChange, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped, OrderRequest, Role
from trader.core.ports import Opinions
from trader.core.settings import Settings
from trader.core.signal import Direction, Reading, Refusal, Signal
from trader.core.timeframe import DAY_MS, MINUTE_MS, Timeframe
from trader.core.trade import Trade
from trader.trading import guards, hedging, pyramiding
from trader.trading.attention import is_held
from trader.trading.book import Book, Pending, Withdrawn
from trader.trading.changes import changed_settings, with_change, without_change
from trader.trading.checks import NO_PATTERN, WARMING_UP, RuleBook, quiet_refusal
from trader.trading.exits import advance_peak, raised_stop
from trader.trading.fills import book_entry, book_part, count_result, grow, new_hedge, new_trade
from trader.trading.funding import pay_rates, take_fee
from trader.trading.hourly import Hourly, needs_hours
from trader.trading.leverage import leverage_of
from trader.trading.limits.base import Proposal
from trader.trading.notes import (
    Audience,
    Dropped,
    GuardChanged,
    ModelChanged,
    Nobody,
    Note,
    Ordered,
    PartClosed,
    Refused,
    StopMoved,
    TradeGrown,
    TradeOpened,
)
from trader.trading.reversal import is_reversed
from trader.trading.sizing import Entry, Size, position_size, refusal_of
from trader.trading.targets import Levels, direction_of, distances_of, levels_at

#: The reason of what a person closes, and of the pending entries dropped with it.
MANUAL = "manual"
#: The reason of what is closed when no candle will follow.
END_OF_DATA = "end_of_data"
#: What became of an entry is told by then: it may have filled while the daemon was dead, and been asked for since.
TOLD_MS = DAY_MS


class TradingLogic:
    """The decision core: what it is told changes its `book`, what it wants comes back as commands.

    `exit_streams` maps each coin, in the order of `COINS`, to the timeframe on which its exits are judged.
    """

    def __init__(
        self,
        settings: Settings,
        exit_streams: Mapping[str, Timeframe],
        instruments: Mapping[str, Instrument],
        opinions: Opinions,
        audience: Audience | None = None,
        book: Book | None = None,
    ) -> None:
        self.book = book or Book.of(settings.BACKTEST_INITIAL_CAPITAL)
        self._exit_streams = exit_streams
        self._rank = {symbol: index for index, symbol in enumerate(exit_streams)}
        self._instruments = instruments
        self._opinions = opinions
        self._audience = audience or Nobody()
        self._at_rest = False
        self._hedges, self._all_hedged = hedging.open_hedges(self.book), False
        self._own = settings
        self._use(changed_settings(settings, self.book.changed))
        if not self._keeps_hours:
            self.book.hours.clear()  # saved by a run that kept them; without candles they would only grow stale

    def handle(self, event: Event) -> list[Command]:
        """Take one event and return the commands that follow; the books are checked at each that could change them."""
        if isinstance(event, Instant):
            return self._on_instant(event)
        self._at_rest = self._all_hedged = False
        commands = self._answer(event)
        self.book.check()
        return commands

    def _answer(
        self, event: Fill | OrderDropped | FundingFee | OperatorCommand | ModelChange | EndOfData
    ) -> list[Command]:
        if isinstance(event, Fill):
            return list(self._on_fill(event))
        if isinstance(event, OrderDropped):
            return self._on_dropped(event)
        if isinstance(event, FundingFee):
            self._tell(take_fee(self.book, event))
            return []
        if isinstance(event, OperatorCommand):
            self.book.commands.append(event)
            return []
        if isinstance(event, ModelChange):
            self._tell([ModelChanged(event.time, event.model, self.book.model)])
            self.book.model = event.model
            return []
        return self._on_end()

    def covers(self, request: OrderRequest, price: float, fee: float) -> bool:
        """Tell whether free capital pays for the fill, the order's own reserve given back (`core.ports.Funds`)."""
        pending = self.book.pending.get(request.position_id)
        reserve = pending.reserve if pending else 0.0
        return self.book.pool.free + reserve >= request.quantity * price / request.leverage + fee

    # --- one instant ------------------------------------------------------------------------------------------

    def _on_instant(self, instant: Instant) -> list[Command]:
        """Steps 2 (end of candle) to 5 of section 2; the fills of steps 1 and 2 came before as events."""
        book, time = self.book, instant.time
        commands = self._end_candles(instant)
        if instant.late:
            self._opinions.read(instant)
            return commands
        book.time = time
        readings = self._opinions.read(instant)
        if not self._at_rest or instant.funding or (time - 1) // DAY_MS != book.guards.day:
            commands += self._account(instant, readings)
        for reading in readings:
            commands += self._decide(reading, time)
        if commands or instant.funding:
            self._at_rest = False
            book.check()
        return commands

    def _end_candles(self, instant: Instant) -> list[Command]:
        """Follow trades and last closes to the ends of the exit streams' candles."""
        book, exits, time = self.book, self._exit_streams, instant.time
        kept = book.hours if self._keeps_hours else None
        commands: list[Command] = []
        for candle in instant.candles:
            symbol = candle.symbol
            if exits.get(symbol) is not candle.timeframe:
                continue
            book.last_close[symbol] = candle.close
            book.last_close_time[symbol] = time
            if kept is not None:
                hours = kept.get(symbol)
                if hours is None or time >= hours.ends or instant.late:
                    kept.setdefault(symbol, Hourly()).take(candle, time)
                elif candle.high > hours.high or candle.low < hours.low:
                    hours.widen(candle)
            for trade in book.trades.values():
                if trade.symbol == symbol and not trade.hedge:
                    commands += self.check_trade_exit(trade, candle)
        return commands

    def _account(self, instant: Instant, readings: Sequence[Reading]) -> list[Command]:
        """Steps 3 and 4. When nothing is open or waiting and no pause runs, they could only repeat themselves."""
        book, time = self.book, instant.time
        if instant.funding:
            self._tell(pay_rates(book, instant.funding, self._rank))
        guards.update_accounts(book, time)
        for key, stopped in book.stopped.items():
            book.stopped[key] = time if stopped is None else stopped
        commands = self._guard(time, readings)
        self._at_rest = not (book.trades or book.pending or guards.awaits_time(self.settings, book))
        return commands

    def check_trade_exit(self, trade: Trade, candle: Candle) -> Sequence[Command]:
        """Follow the trade's best price at a candle's end; a raised stop counts from the next candle on."""
        if not advance_peak(trade, candle) and candle.open_time != trade.entry_time and not self._may_climb(trade):
            return ()
        before = trade.stop
        trade.stop, trade.stop_reason = raised_stop(self.settings, trade, self._instruments[trade.symbol])
        if trade.stop == before:
            return ()
        self._audience.note(StopMoved(candle.close_time, trade, before))
        return [AmendStop(trade.position_id, trade.stop_order_id, trade.stop, trade.stop_reason)]

    def _may_climb(self, trade: Trade) -> bool:
        """Tell whether a stop may move without a new best price: a ladder's first target filled, settings changed."""
        return (self.settings.TARGET_LADDER.enable and bool(trade.parts)) or bool(self.book.changed)

    def _guard(self, time: int, readings: Sequence[Reading]) -> list[Command]:
        """Step 4, in its order: a person, cooldown, daily limit, drawdown, hedges, closing everything, reversal."""
        book = self.book
        commands: list[Command] = []
        for command in book.commands:
            commands += self._obey(command, time)
        book.commands.clear()
        settings = self.settings
        self._tell(guards.judge(settings, book, time))
        reason = guards.closes_everything(settings, book)
        if self._hedges or guards.drawdown_of(book) >= self._hedges_from:
            commands += self._hedge(time, may_open=not reason)
        if reason:
            commands += self._close(reason, time)
        if settings.REVERSAL.enable:
            commands += self._reverse(readings, time)
        return commands

    def _obey(self, command: OperatorCommand, time: int) -> Iterator[Command]:
        """Carry out a person's command."""
        if command.action in (Action.SET, Action.UNSET):
            self._tell([self._set(command, time)])
        elif command.action is Action.CLOSE:
            yield from self._close(MANUAL, time, command.name)
        elif command.action is Action.CLOSE_ALL:
            yield from self._close(MANUAL, time)
        else:
            self._tell(guards.obey(self.book, command.action, time, command.name))

    def _set(self, command: OperatorCommand, time: int) -> GuardChanged:
        """Change a setting, or say why not: two changes that were fine alone when they were asked for may clash."""
        try:
            if command.action is Action.UNSET:
                self.undo(command.name)
                return GuardChanged(time, "settings", True, f"{command.name} is again as the settings have it")
            self.change(command.name, command.value)
        except ConfigError as error:
            return GuardChanged(time, "settings", False, f"{command.name} stays as it is: {error}")
        return GuardChanged(time, "settings", True, f"{command.name} is {command.value} from now on")

    def change(self, name: str, value: str) -> None:
        """Put a setting that may change while running in force; raise `ConfigError` and change nothing if it cannot."""
        self._use(changed_settings(self.settings, {name: value}))
        self.book.changed = with_change(self.book.changed, name, value)

    def undo(self, name: str) -> None:
        """Take back what was changed of a setting; raise `ConfigError` and change nothing if that cannot be."""
        left = without_change(self.book.changed, name)
        self._use(changed_settings(self._own, left))
        self.book.changed = left

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self._rules = RuleBook(settings)
        self._keeps_hours = needs_hours(settings)
        self._thresholds: hedging.Thresholds = {}
        self._hedges_from = hedging.least_threshold(settings, self._exit_streams)

    def _hedge(self, time: int, may_open: bool) -> list[Command]:
        """Close the hedges that are over, and open those that are needed, coins in their order."""
        settings, book, hedges = self.settings, self.book, self._hedges
        if not (settings.HEDGING.enable and settings.MARKET == "futures"):
            return []
        recovered = guards.drawdown_of(book) <= settings.HEDGING.hedge_recovery_threshold
        if self._all_hedged and not recovered:
            return []
        own = hedging.own_coins(book)
        self._all_hedged = hedges.keys() == own
        commands: list[Command] = []
        for symbol in sorted(own.union(hedges), key=self._rank.__getitem__):
            hedge = hedges.get(symbol)
            if hedge is None and may_open and not hedging.awaits_hedge(book, symbol):
                commands += self._open_hedge(symbol, time)
            elif hedge is not None and (recovered or symbol not in own):
                commands += self.close_trade(hedge, "hedge_close", time)
        return commands

    def _open_hedge(self, symbol: str, time: int) -> Iterator[Command]:
        instrument = self._instruments[symbol]
        wanted = hedging.wanted_hedge(self.settings, self.book, symbol, instrument, self._thresholds)
        if wanted is None:
            return
        direction, quantity, reserve = wanted
        nan, price = float("nan"), self.book.last_close[symbol]
        reading = Reading(symbol, self._exit_streams[symbol], price, nan, nan, None)
        leverage = leverage_of(self.settings, self.book, symbol, None, instrument.brackets)
        request = self._entry_request(reading, direction, quantity, "hedge_open", time, leverage)
        yield self._submit(Pending(request, reading, price, nan, reserve, hedge=True))

    def _reverse(self, readings: Sequence[Reading], time: int) -> Iterator[Command]:
        by_stream = {(reading.symbol, reading.timeframe): reading for reading in readings}
        for trade in self.book.trades.values():
            reading = by_stream.get((trade.symbol, trade.timeframe))
            if reading is not None and is_reversed(self.settings, trade, reading):
                yield from self.close_trade(trade, "reversal", time)

    def _tell(self, notes: Iterable[Note]) -> None:
        for note in notes:
            self._audience.note(note)

    def _close(self, reason: str, time: int, symbol: str | None = None) -> Iterator[Command]:
        """Drop what is pending and order closed what is open: everything, or one symbol's, hedges included."""
        for pending in list(self.book.pending.values()):
            if symbol in (None, pending.request.symbol):
                self._drop(pending, reason, time)
                self._withdraw(pending, reason, time)
                yield CancelOrder(pending.request.position_id, pending.request.order_id)
        for trade in self.book.trades.values():
            if symbol in (None, trade.symbol):
                yield from self.close_trade(trade, reason, time)

    # --- a decision -------------------------------------------------------------------------------------------

    def _decide(self, reading: Reading, time: int) -> Sequence[Command]:
        answer = self.should_open_trade(reading, time)
        if isinstance(answer, Refusal):
            self.book.count(reading, answer.rule)
            self._audience.note(Refused(time, reading, answer))
            return ()
        self.book.count(reading, "opened")
        return [self.open_trade(answer)]

    def should_open_trade(self, reading: Reading, time: int) -> Refusal | Entry:
        """Make all checks of section 3 in their order; return the first "no", or the entry that passed."""
        quiet = quiet_refusal(reading, time, self.settings.TRADING_HOURS)
        if quiet is not None or reading.signal is None:
            return quiet or NO_PATTERN
        if reading.signal.held_only and not is_held(self.book, reading.symbol, reading.timeframe):
            return NO_PATTERN
        direction = direction_of(reading.signal, reading)
        if direction is None:
            return WARMING_UP
        proposal = self._propose(reading, reading.signal, direction, time)
        refusal = self._rules.before_size(proposal, self.book)
        if refusal is not None:
            return refusal
        proposal = structs.replace(proposal, stop=self.calculate_pattern_targets(proposal).stop)
        self._count_undefined(proposal)
        size = self.calculate_position_size(proposal)
        proposal = self._sized(proposal, size)
        refusal = self._rules.after_size(proposal, self.book) or refusal_of(size)
        return refusal or Entry(proposal, size)

    def _propose(self, reading: Reading, signal: Signal, direction: Direction, time: int) -> Proposal:
        brackets = self._instruments[reading.symbol].brackets
        leverage = leverage_of(self.settings, self.book, reading.symbol, signal.probability, brackets)
        return Proposal(time, reading, signal, direction, reading.close, float("nan"), leverage)

    def _sized(self, proposal: Proposal, size: Size) -> Proposal:
        """Return the proposal with its size, and the exchange's terms for it."""
        rate = maintenance_rate(self._instruments[proposal.symbol].brackets, size.quantity * proposal.price)
        return structs.replace(proposal, quantity=size.quantity, leverage=size.leverage, maintenance_rate=rate)

    def _count_undefined(self, proposal: Proposal) -> None:
        counts = self.book.undefined_correlations
        for pair in self._rules.undefined_correlations(proposal, self.book):
            counts[pair] = counts.get(pair, 0) + 1

    def calculate_pattern_targets(self, proposal: Proposal) -> Levels:
        """Return the estimated stop and take profit, the decision candle's close being the estimated entry."""
        distances = distances_of(self.settings, proposal.signal.pattern, proposal.reading.atr14)
        return levels_at(proposal.price, proposal.direction, distances, self._instruments[proposal.symbol])

    def calculate_position_size(self, proposal: Proposal) -> Size:
        """Return the quantity of section 4, with the factors that made it."""
        factors = self._rules.factors(proposal, self.book)
        return position_size(self.settings, self.book, self._instruments[proposal.symbol], proposal, factors)

    def open_trade(self, entry: Entry) -> Command:
        """Order the entry and move its estimated reserve from free to reserved."""
        proposal, size = entry.proposal, entry.size
        first = pyramiding.trade_to_add_to(self.settings, self.book, proposal.reading, proposal.direction)
        request = self._entry_request(
            proposal.reading, proposal.direction, size.quantity, "entry", proposal.time, proposal.leverage
        )
        linked_to = first.id if first else None
        pending = Pending(
            request, proposal.reading, proposal.price, proposal.stop, proposal.reserve, False, linked_to, size.factors
        )
        self._audience.note(Ordered(proposal.time, proposal.reading, request, proposal.stop, size.factors.risk))
        return self._submit(pending)

    def _entry_request(
        self, reading: Reading, direction: Direction, quantity: float, reason: str, time: int, leverage: float
    ) -> OrderRequest:
        order_id = self.book.next_order_id()
        patience = max(MINUTE_MS, self._exit_streams[reading.symbol].ms)
        expires = time + patience
        symbol, nan = reading.symbol, float("nan")
        return OrderRequest(
            order_id, order_id, symbol, Role.ENTRY, direction, quantity, nan, leverage, reason, time, expires
        )

    def _submit(self, pending: Pending) -> SubmitOrder:
        self.book.pool.free -= pending.reserve
        self.book.pending[pending.request.order_id] = pending
        return SubmitOrder(pending.request)

    def close_trade(self, trade: Trade, reason: str, time: int) -> Iterator[Command]:
        """Order the rest of a trade closed at the next open; the first order to close gives the reason."""
        if trade.closing:
            return
        trade.closing = reason
        yield SubmitOrder(
            OrderRequest(
                self.book.next_order_id(),
                trade.position_id,
                trade.symbol,
                Role.CLOSE,
                trade.direction,
                trade.quantity_left,
                float("nan"),
                trade.leverage,
                reason,
                time,
            )
        )

    # --- answers of the broker --------------------------------------------------------------------------------

    def _on_fill(self, fill: Fill) -> Iterator[Command]:
        if fill.role is Role.ENTRY:
            yield from self._enter(fill)
            return
        trade = self.book.trades.get(fill.position_id)
        if trade is None:
            raise InvariantError(f"order {fill.order_id} of {fill.symbol} filled for a trade that is not open")
        part = book_part(self.book, trade, fill, self._instruments[trade.symbol])
        self._audience.note(PartClosed(trade, part, fill))
        if trade.quantity_left <= 0:
            if trade.hedge:
                self._hedges.pop(trade.symbol, None)
            count_result(self.book, trade, max(self.settings.KELLY.window, self.settings.KELLY.min_trades))
            yield CancelOrder(trade.position_id, trade.stop_order_id)
            for target in trade.targets:
                yield CancelOrder(trade.position_id, target.order_id)

    def _enter(self, fill: Fill) -> Iterator[Command]:
        standing = self.book.trades.get(fill.position_id)
        if standing is not None:
            yield from self._grow(standing, fill)
            return
        withdrawn = self.book.withdrawn.pop(fill.position_id, None)
        if withdrawn is not None:
            self.book.pending[fill.position_id] = structs.replace(withdrawn.pending, reserve=0.0)
        pending = self.book.pending.get(fill.position_id)
        if pending is None:
            raise InvariantError(f"order {fill.order_id} of {fill.symbol} filled, but no entry was waiting")
        yield from self._open(pending, fill)
        if withdrawn is not None:
            yield from self.close_trade(self.book.trades[fill.position_id], withdrawn.rule, fill.time)

    def _open(self, pending: Pending, fill: Fill) -> Iterator[Command]:
        make = new_hedge if pending.hedge else new_trade
        trade = make(self.book, self.settings, pending, fill, self._instruments[fill.symbol])
        book_entry(self.book, pending, fill, trade)
        self._audience.note(TradeOpened(trade, fill))
        if trade.hedge:
            self._hedges[trade.symbol] = trade
            return
        yield self._order(trade, trade.stop_order_id, Role.STOP, trade.quantity, trade.stop, trade.stop_reason)
        for target in trade.targets:
            yield self._order(trade, target.order_id, Role.TARGET, target.quantity, target.price, target.reason)

    def _grow(self, trade: Trade, fill: Fill) -> Iterator[Command]:
        """Take a further part of an entry that an exchange fills in parts; stop and targets grow with it."""
        stop = trade.stop
        before = grow(self.book, self.settings, trade, fill, self._instruments[fill.symbol])
        self._audience.note(TradeGrown(trade, fill))
        if not trade.hedge and trade.stop != stop:
            yield AmendStop(trade.position_id, trade.stop_order_id, trade.stop, trade.stop_reason)
        kept = {target.order_id for target in trade.targets}
        for target in before:
            if target.order_id not in kept:
                yield CancelOrder(trade.position_id, target.order_id)
        known = {target.order_id for target in before}
        for target in trade.targets:
            if target.order_id not in known:
                yield self._order(trade, target.order_id, Role.TARGET, target.quantity, target.price, target.reason)

    def _order(
        self, trade: Trade, order_id: int, role: Role, quantity: float, price: float, reason: str
    ) -> SubmitOrder:
        return SubmitOrder(
            OrderRequest(
                order_id,
                trade.position_id,
                trade.symbol,
                role,
                trade.direction,
                quantity,
                price,
                trade.leverage,
                reason,
                trade.signal_time,
            )
        )

    def _on_dropped(self, event: OrderDropped) -> list[Command]:
        self.book.withdrawn.pop(event.order_id, None)
        pending = self.book.pending.get(event.order_id)
        if pending is not None:
            self._drop(pending, event.rule, event.time)
        return []

    def _withdraw(self, pending: Pending, rule: str, time: int) -> None:
        """Remember an entry that may be on its way to the exchange; those of which nobody will tell are forgotten."""
        withdrawn = self.book.withdrawn
        for position_id in [key for key, each in withdrawn.items() if each.pending.request.expires + TOLD_MS < time]:
            del withdrawn[position_id]
        withdrawn[pending.request.position_id] = Withdrawn(pending, rule)

    def _drop(self, pending: Pending, rule: str, time: int) -> None:
        del self.book.pending[pending.request.order_id]
        self.book.pool.free += pending.reserve
        if pending.hedge:
            return
        self.book.count_dropped(pending.reading, rule)
        self._audience.note(Dropped(time, pending.reading, rule))

    def _on_end(self) -> list[Command]:
        """Drop what is pending, and close what the broker has not closed by itself, as an exchange does not."""
        book = self.book
        commands: list[Command] = []
        for pending in book.pending.values():
            book.pool.free += pending.reserve
            self._withdraw(pending, END_OF_DATA, book.time)
            commands.append(CancelOrder(pending.request.position_id, pending.request.order_id))
        book.pending.clear()
        for trade in book.trades.values():
            commands += self.close_trade(trade, END_OF_DATA, book.time)
        book.pool.equity = book.worth()
        return commands
