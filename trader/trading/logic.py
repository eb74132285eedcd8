"""TradingLogic: events in, commands out. No clock, no I/O; one pool of capital for all coins and timeframes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from trader.core.candle import Candle
from trader.core.commands import AmendStop, CancelOrder, Command, SubmitOrder
from trader.core.errors import InvariantError
from trader.core.events import EndOfData, Event, FundingRate, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped, OrderRequest, Role
from trader.core.ports import Opinions
from trader.core.settings import Settings
from trader.core.signal import Reading, Refusal
from trader.core.timeframe import DAY_MS, MINUTE_MS, Timeframe
from trader.core.trade import Part, Target, Trade
from trader.trading import guards
from trader.trading.book import Book, Pending
from trader.trading.checks import PORTFOLIO_LIMITS, Wish, quiet_refusal, refusal_of, wish_of
from trader.trading.exits import advance_peak, raised_stop
from trader.trading.limits.base import Proposal
from trader.trading.notes import (
    Audience,
    Dropped,
    FundingPaid,
    Nobody,
    Ordered,
    PartClosed,
    Refused,
    StopMoved,
    TradeOpened,
)
from trader.trading.sizing import Size, position_size
from trader.trading.targets import Levels, distances_of, levels_at, plan_targets


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
        self.settings = settings
        self.book = book or Book.of(settings.BACKTEST_INITIAL_CAPITAL)
        self._exit_streams = exit_streams
        self._rank = {symbol: index for index, symbol in enumerate(exit_streams)}
        self._instruments = instruments
        self._opinions = opinions
        self._audience = audience or Nobody()
        self._at_rest = False

    def handle(self, event: Event) -> list[Command]:
        """Take one event and return the commands that follow; the books are checked at each that could change them."""
        if isinstance(event, Instant):
            return self._on_instant(event)
        self._at_rest = False
        commands = self._answer(event)
        self.book.check()
        return commands

    def _answer(self, event: Fill | OrderDropped | OperatorCommand | EndOfData) -> list[Command]:
        if isinstance(event, Fill):
            return list(self._on_fill(event))
        if isinstance(event, OrderDropped):
            return self._on_dropped(event)
        if isinstance(event, OperatorCommand):
            self.book.commands.append(event.action)
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
        if not self._at_rest or instant.funding or (time - 1) // DAY_MS != book.guards.day:
            commands += self._account(instant)
        for reading in self._opinions.read(instant):
            commands += self._decide(reading, time)
        if commands or instant.funding:
            self._at_rest = False
            book.check()
        return commands

    def _end_candles(self, instant: Instant) -> list[Command]:
        """Follow trades and last closes to the ends of the exit streams' candles."""
        book, exits = self.book, self._exit_streams
        commands: list[Command] = []
        for candle in instant.candles:
            symbol = candle.symbol
            if exits.get(symbol) is not candle.timeframe:
                continue
            book.last_close[symbol] = candle.close
            book.last_close_time[symbol] = instant.time
            for trade in book.trades.values():
                if trade.symbol == symbol and not trade.hedge:
                    commands += self.check_trade_exit(trade, candle)
        return commands

    def _account(self, instant: Instant) -> list[Command]:
        """Steps 3 and 4. When nothing is open or waiting and no pause runs, they could only repeat themselves."""
        book, time = self.book, instant.time
        if instant.funding:
            self._pay_funding(instant.funding)
        guards.update_accounts(book, time)
        for change in guards.judge(self.settings, book, time):
            self._audience.note(change)
        reason = guards.closes_everything(self.settings, book)
        commands = list(self._close_everything(reason, time)) if reason else []
        self._at_rest = not (book.trades or book.pending or guards.awaits_time(self.settings, book))
        return commands

    def check_trade_exit(self, trade: Trade, candle: Candle) -> Sequence[Command]:
        """Follow the trade's best price at a candle's end; a raised stop counts from the next candle on."""
        if not advance_peak(trade, candle) and candle.open_time != trade.entry_time:
            return ()
        before = trade.stop
        trade.stop, trade.stop_reason = raised_stop(self.settings, trade, self._instruments[trade.symbol])
        if trade.stop == before:
            return ()
        self._audience.note(StopMoved(candle.close_time, trade, before))
        return [AmendStop(trade.position_id, trade.stop_order_id, trade.stop, trade.stop_reason)]

    def _pay_funding(self, due: tuple[FundingRate, ...]) -> None:
        for rate in sorted(due, key=lambda rate: (rate.time, self._rank.get(rate.symbol, -1))):
            for trade in self.book.trades.values():
                if trade.symbol == rate.symbol and trade.entry_time < rate.time:
                    price = self.book.last_close.get(trade.symbol, trade.entry_price)
                    amount = trade.quantity_left * price * rate.rate * trade.direction
                    trade.funding += amount
                    self.book.pool.gain(-amount)
                    self._audience.note(FundingPaid(rate.time, trade, amount))

    def _close_everything(self, reason: str, time: int) -> Iterator[Command]:
        for pending in list(self.book.pending.values()):
            self._drop(pending, reason, time)
            yield CancelOrder(pending.request.position_id, pending.request.order_id)
        for trade in self.book.trades.values():
            yield from self.close_trade(trade, reason, time)

    # --- a decision -------------------------------------------------------------------------------------------

    def _decide(self, reading: Reading, time: int) -> Sequence[Command]:
        answer = self.should_open_trade(reading, time)
        if isinstance(answer, Refusal):
            self.book.count(reading, answer.rule)
            self._audience.note(Refused(time, reading, answer))
            return ()
        self.book.count(reading, "opened")
        return [self.open_trade(*answer)]

    def should_open_trade(self, reading: Reading, time: int) -> Refusal | tuple[Wish, Levels, Size]:
        """Make all checks of section 3 in their order; return the first "no", or the entry that passed."""
        quiet = quiet_refusal(reading, time, self.settings.TRADING_HOURS)
        if quiet is not None or reading.signal is None:
            return quiet or Refusal("signal", "no_pattern")
        wish = wish_of(reading, reading.signal, time)
        refusal = refusal_of(wish, self.book, self.settings)
        if refusal is not None:
            return refusal
        levels = self.calculate_pattern_targets(wish)
        size = self.calculate_position_size(wish, levels)
        return self._limit(wish, levels, size) or (wish, levels, size)

    def calculate_pattern_targets(self, wish: Wish) -> Levels:
        """Return the estimated stop and take profit, the decision candle's close being the estimated entry."""
        reading = wish.reading
        distances = distances_of(self.settings, wish.signal.pattern, reading.atr14)
        return levels_at(reading.close, wish.direction, distances, self._instruments[reading.symbol])

    def calculate_position_size(self, wish: Wish, levels: Levels) -> Size:
        """Return the quantity of section 4, with the factors that made it."""
        reading = wish.reading
        distance = (reading.close - levels.stop) * wish.direction
        instrument = self._instruments[reading.symbol]
        return position_size(self.settings, self.book, instrument, reading.close, distance, wish.signal.probability)

    def _limit(self, wish: Wish, levels: Levels, size: Size) -> Refusal | None:
        proposal = Proposal(
            wish.time,
            wish.reading.symbol,
            wish.direction,
            wish.reading.close,
            levels.stop,
            size.quantity,
            self.settings.leverage,
        )
        for limit in PORTFOLIO_LIMITS:
            values = limit.check(proposal, self.book, self.settings)
            if values is not None:
                return Refusal("portfolio", limit.rule, values)
        if size.refusal:
            return Refusal("size", size.refusal, {"wanted": size.wanted, "affordable": size.affordable})
        return None

    def open_trade(self, wish: Wish, levels: Levels, size: Size) -> Command:
        """Order the entry and move its estimated reserve from free to reserved."""
        reading, leverage = wish.reading, self.settings.leverage
        order_id = self.book.next_order_id()
        patience = max(MINUTE_MS, self._exit_streams[reading.symbol].ms)
        request = OrderRequest(
            order_id,
            order_id,
            reading.symbol,
            Role.ENTRY,
            wish.direction,
            size.quantity,
            float("nan"),
            leverage,
            "entry",
            wish.time,
            wish.time + patience,
        )
        reserve = size.quantity * reading.close / leverage
        self.book.pool.free -= reserve
        self.book.pending[order_id] = Pending(request, reading, reading.close, levels.stop, reserve)
        self._audience.note(Ordered(wish.time, reading, request, levels.stop, size.risk))
        return SubmitOrder(request)

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
        yield from self._book_part(trade, fill)

    def _enter(self, fill: Fill) -> Iterator[Command]:
        book = self.book
        pending = book.pending.pop(fill.position_id, None)
        if pending is None:
            raise InvariantError(f"order {fill.order_id} of {fill.symbol} filled, but no entry was waiting")
        reserve = fill.quantity * fill.price / pending.request.leverage
        book.pool.free += pending.reserve - reserve
        book.pool.gain(-fill.fee)
        trade = self._new_trade(pending, fill, reserve)
        book.trades[trade.position_id] = trade
        self._audience.note(TradeOpened(trade, fill))
        yield self._order(trade, trade.stop_order_id, Role.STOP, trade.quantity, trade.stop, trade.stop_reason)
        for target in trade.targets:
            yield self._order(trade, target.order_id, Role.TARGET, target.quantity, target.price, target.reason)

    def _new_trade(self, pending: Pending, fill: Fill, reserve: float) -> Trade:
        book, reading, instrument = self.book, pending.reading, self._instruments[fill.symbol]
        signal = reading.signal
        if signal is None:
            raise InvariantError(f"entry {fill.order_id} of {fill.symbol} has no signal")
        distances = distances_of(self.settings, signal.pattern, reading.atr14)
        levels = levels_at(fill.price, fill.direction, distances, instrument)
        planned = plan_targets(self.settings, fill.price, fill.quantity, fill.direction, levels.take_profit, instrument)
        book.trade_count += 1
        return Trade(
            id=book.trade_count,
            position_id=fill.position_id,
            symbol=fill.symbol,
            timeframe=reading.timeframe,
            strategy=self.settings.STRATEGY,
            pattern=signal.pattern,
            direction=fill.direction,
            probability=signal.probability,
            strength=signal.strength,
            signal_time=pending.request.decided,
            entry_time=fill.time,
            entry_price=fill.price,
            quantity=fill.quantity,
            leverage=pending.request.leverage,
            atr14=reading.atr14,
            stop=levels.stop,
            stop_reason="stop_loss",
            stop_order_id=book.next_order_id(),
            first_stop=levels.stop,
            take_profit=levels.take_profit,
            targets=[Target(book.next_order_id(), t.price, t.quantity, t.reason) for t in planned],
            peak=fill.price,
            quantity_left=fill.quantity,
            reserved=reserve,
            entry_fee=fill.fee,
            fees=fill.fee,
        )

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

    def _book_part(self, trade: Trade, fill: Fill) -> Iterator[Command]:
        """Give back the reserve of the closed part with its result; end the trade when nothing is left."""
        book = self.book
        left = self._instruments[trade.symbol].cut_quantity(trade.quantity_left - fill.quantity)
        gross = (fill.price - trade.entry_price) * fill.quantity * trade.direction
        released = trade.reserved * (fill.quantity / trade.quantity_left) if left > 0 else trade.reserved
        entry_fee, funding = _shares(trade, fill.quantity, left)
        trade.quantity_left = left
        trade.reserved -= released
        trade.fees += fill.fee
        trade.targets = [target for target in trade.targets if target.order_id != fill.order_id]
        book.pool.free += released
        book.pool.gain(gross - fill.fee)
        if left <= 0:
            del book.trades[trade.position_id]
        book.part_count += 1
        part = Part(
            sequence=book.part_count,
            time=fill.time,
            quantity=fill.quantity,
            price=fill.price,
            reason=fill.reason,
            fees=entry_fee + fill.fee,
            funding=funding,
            net=gross - fill.fee - entry_fee - funding,
            equity_after=book.worth(),
        )
        trade.parts = [*trade.parts, part]
        self._audience.note(PartClosed(trade, part, fill))
        if left <= 0:
            self._count_result(trade)
            yield CancelOrder(trade.position_id, trade.stop_order_id)
            for target in trade.targets:
                yield CancelOrder(trade.position_id, target.order_id)

    def _count_result(self, trade: Trade) -> None:
        if trade.hedge:
            return
        if trade.net > 0:
            self.book.won += 1
            self.book.guards.streak = 0
        else:
            self.book.lost += 1
            self.book.guards.streak += 1

    def _on_dropped(self, event: OrderDropped) -> list[Command]:
        pending = self.book.pending.get(event.order_id)
        if pending is not None:
            self._drop(pending, event.rule, event.time)
        return []

    def _drop(self, pending: Pending, rule: str, time: int) -> None:
        del self.book.pending[pending.request.order_id]
        self.book.pool.free += pending.reserve
        self.book.count_dropped(pending.reading, rule)
        self._audience.note(Dropped(time, pending.reading, rule))

    def _on_end(self) -> list[Command]:
        """Drop what is pending; the broker has closed what was open."""
        for pending in self.book.pending.values():
            self.book.pool.free += pending.reserve
        self.book.pending.clear()
        self.book.pool.equity = self.book.worth()
        return []


def _shares(trade: Trade, quantity: float, left: float) -> tuple[float, float]:
    """Return the part's shares of entry fee and funding; the last part takes what is not yet given out."""
    given_fee = sum(_entry_fee_share(trade, part.quantity) for part in trade.parts)
    given_funding = sum(part.funding for part in trade.parts)
    if left <= 0:
        return trade.entry_fee - given_fee, trade.funding - given_funding
    share = quantity / trade.quantity_left
    return _entry_fee_share(trade, quantity), (trade.funding - given_funding) * share


def _entry_fee_share(trade: Trade, quantity: float) -> float:
    return trade.entry_fee * (quantity / trade.quantity)
