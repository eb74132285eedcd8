"""The simulated broker: market orders fill at the next open, stops and targets inside candles.

It is pessimistic where a candle cannot tell: one that holds both stop and target takes the stop (section 6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from trader.core.brackets import maintenance_rate
from trader.core.candle import Candle
from trader.core.commands import AmendStop, CancelOrder, Command, SubmitOrder
from trader.core.events import Instant, exit_candles
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped, OrderRequest, Role
from trader.core.ports import Funds
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.simulation.costs import Costs
from trader.simulation.position import Position, RestingStop
from trader.trading.margin import bankruptcy_price, liquidation_price


class BrokerState(msgspec.Struct):
    """All that the simulated exchange remembers: waiting market orders in the order of their decisions, positions."""

    waiting: list[OrderRequest] = []
    positions: dict[int, Position] = {}


class SimulatedBroker:
    """Fills orders from the exit streams' candles of each instant.

    `coins` is the order in which coins are served; `exit_streams` says on which timeframe each is judged.
    """

    def __init__(
        self,
        settings: Settings,
        exit_streams: Mapping[str, Timeframe],
        instruments: Mapping[str, Instrument],
        funds: Funds,
        state: BrokerState | None = None,
    ) -> None:
        self._costs = Costs.of(settings)
        self._maintenance = settings.MAINTENANCE_MARGIN_RATE if settings.MARKET == "futures" else math.nan
        self._exit_streams = exit_streams
        self._rank = {symbol: index for index, symbol in enumerate(exit_streams)}
        self._instruments = instruments
        self._funds = funds
        self._state = state or BrokerState()

    @property
    def state(self) -> BrokerState:
        """All that it remembers."""
        return self._state

    def send(self, command: Command) -> None:
        """Accept one command; orders for positions that are gone are void."""
        if isinstance(command, SubmitOrder):
            self._submit(command.request)
        elif isinstance(command, AmendStop):
            self._amend(command)
        else:
            self._cancel(command)

    def _submit(self, request: OrderRequest) -> None:
        if request.role in (Role.ENTRY, Role.CLOSE):
            self._state.waiting.append(request)
            return
        position = self._state.positions.get(request.position_id)
        if position is None:
            return
        if request.role is Role.STOP:
            position.stop = RestingStop(request.order_id, request.price, request.reason)
        else:
            position.targets.append(request)
            position.targets.sort(key=lambda target: position.direction * target.price)
        position.arm()

    def _amend(self, command: AmendStop) -> None:
        position = self._state.positions.get(command.position_id)
        if position is not None and position.stop is not None:
            position.stop = RestingStop(command.order_id, command.price, command.reason)
            position.arm()

    def _cancel(self, command: CancelOrder) -> None:
        self._state.waiting = [order for order in self._state.waiting if order.order_id != command.order_id]
        position = self._state.positions.get(command.position_id)
        if position is None:
            return
        position.targets = [target for target in position.targets if target.order_id != command.order_id]
        if position.stop is not None and position.stop.order_id == command.order_id:
            position.stop = None
        position.arm()

    def match(self, instant: Instant) -> Iterable[Fill | OrderDropped]:
        """Yield what the instant's exit-stream candles do: first the waiting orders, then each coin's positions."""
        state = self.state
        if not state.waiting and not (state.positions and self._reaches(instant.candles)):
            return ()
        return self._match(exit_candles(instant.candles, self._exit_streams, self._rank))

    def _reaches(self, candles: Sequence[Candle]) -> bool:
        """Tell whether a candle, of whatever timeframe, reaches a level of a position: most do not."""
        for position in self._state.positions.values():
            for candle in candles:
                if candle.symbol == position.symbol and not position.below < candle.low <= candle.high < position.above:
                    return True
        return False

    def _match(self, candles: Sequence[Candle]) -> Iterator[Fill | OrderDropped]:
        by_symbol = {candle.symbol: candle for candle in candles}
        for order in list(self._state.waiting):
            candle = by_symbol.get(order.symbol)
            if candle is not None and candle.open_time >= order.decided and order in self._state.waiting:
                self._state.waiting.remove(order)
                yield from self._fill_market(order, candle)
        for candle in candles:
            for position in self._positions_of(candle.symbol):
                if candle.low > position.below and candle.high < position.above:
                    continue
                yield from self._match_position(position, candle)

    def _positions_of(self, symbol: str) -> list[Position]:
        return [position for position in self._state.positions.values() if position.symbol == symbol]

    def _fill_market(self, order: OrderRequest, candle: Candle) -> Iterator[Fill | OrderDropped]:
        if order.role is Role.ENTRY:
            yield self._enter(order, candle)
            return
        position = self._state.positions.get(order.position_id)
        if position is not None:
            yield self._take(position, candle.open, candle.open_time, order.order_id, Role.CLOSE, order.reason)

    def _enter(self, order: OrderRequest, candle: Candle) -> Fill | OrderDropped:
        if order.expires and candle.open_time > order.expires:
            return OrderDropped(candle.open_time, order.order_id, order.symbol, "expired")
        price = self._costs.taken(candle.open, order.direction > 0)
        fee = order.quantity * price * self._costs.taker_fee
        if not self._funds.covers(order, price, fee):
            return OrderDropped(candle.open_time, order.order_id, order.symbol, "insufficient_capital")
        liquidation = self._liquidation(order, price)
        position = Position(
            order.position_id, order.symbol, order.direction, order.quantity, price, order.leverage, liquidation
        )
        position.arm()
        self._state.positions[order.position_id] = position
        slippage = order.quantity * abs(price - candle.open)
        return Fill(
            candle.open_time,
            order.order_id,
            order.position_id,
            order.symbol,
            Role.ENTRY,
            order.direction,
            order.quantity,
            price,
            fee,
            slippage,
            order.reason,
        )

    def _liquidation(self, order: OrderRequest, price: float) -> float:
        """Return the liquidation price of a position entered at `price`, by its bracket where that is known."""
        rate = maintenance_rate(self._instruments[order.symbol].brackets, order.quantity * price)
        kept = self._maintenance if rate is None else rate
        return liquidation_price(price, order.direction, order.leverage, kept)

    def _match_position(self, position: Position, candle: Candle) -> Iterator[Fill]:
        """Walk section 6 for one position; each step sees what the one before it left."""
        up = position.direction > 0
        worst, best, sign = (candle.low, candle.high, 1) if up else (candle.high, candle.low, -1)
        if self._liquidates(position, candle.open, worst, sign):
            at_open = sign * candle.open <= sign * position.liquidation
            yield self._liquidate(position, candle.open_time if at_open else candle.close_time)
            return
        stop = position.stop
        if stop is not None and sign * candle.open <= sign * stop.price:
            yield self._take(position, candle.open, candle.open_time, stop.order_id, Role.STOP, stop.reason)
            return
        yield from self._reach_targets(position, candle.open, candle.open_time)
        if position.quantity <= 0:
            return
        if stop is not None and sign * worst <= sign * stop.price:
            yield self._take(position, stop.price, candle.close_time, stop.order_id, Role.STOP, stop.reason)
            return
        yield from self._reach_targets(position, best, candle.close_time)

    def _liquidates(self, position: Position, open_: float, worst: float, sign: int) -> bool:
        if math.isnan(position.liquidation):
            return False
        seen = open_ if position.stop_comes_first() else worst
        return sign * seen <= sign * position.liquidation or sign * open_ <= sign * position.liquidation

    def _reach_targets(self, position: Position, price: float, time: int) -> Iterator[Fill]:
        sign = int(position.direction)
        while position.targets and sign * price >= sign * position.targets[0].price:
            target = position.targets.pop(0)
            yield self._close(
                position, target.quantity, target.price, time, target.order_id, Role.TARGET, target.reason
            )

    def _take(self, position: Position, price: float, time: int, order_id: int, role: Role, reason: str) -> Fill:
        taken = self._costs.taken(price, position.direction < 0)
        return self._close(position, position.quantity, taken, time, order_id, role, reason, price)

    def _liquidate(self, position: Position, time: int) -> Fill:
        price = bankruptcy_price(position.entry, position.direction, position.leverage)
        return self._close(position, position.quantity, price, time, 0, Role.LIQUIDATION, "liquidation")

    def _close(
        self,
        position: Position,
        quantity: float,
        price: float,
        time: int,
        order_id: int,
        role: Role,
        reason: str,
        reference: float = math.nan,
    ) -> Fill:
        """Reduce the position; `reference` is the price before slippage of a taker fill, NaN for others."""
        taker = not math.isnan(reference)
        rates = {Role.LIQUIDATION: 0.0, Role.TARGET: self._costs.maker_fee}
        fee = quantity * price * rates.get(role, self._costs.taker_fee)
        left = self._instruments[position.symbol].cut_quantity(position.quantity - quantity)
        position.quantity = left
        if left <= 0:
            self._forget(position)
        else:
            position.arm()
        slippage = quantity * abs(price - reference) if taker else 0.0
        return Fill(
            time,
            order_id,
            position.position_id,
            position.symbol,
            role,
            position.direction,
            quantity,
            price,
            fee,
            slippage,
            reason,
        )

    def _forget(self, position: Position) -> None:
        self._state.positions.pop(position.position_id, None)
        self._state.waiting = [order for order in self._state.waiting if order.position_id != position.position_id]

    def close_out(self, last_close: Mapping[str, float], last_close_time: Mapping[str, int]) -> Iterator[Fill]:
        """Close what is open at each coin's last close (`end_of_data`), coins in their order, oldest first."""
        self._state.waiting = []
        for symbol in self._rank:
            for position in self._positions_of(symbol):
                price = last_close.get(symbol, position.entry)
                yield self._take(position, price, last_close_time.get(symbol, 0), 0, Role.CLOSE, "end_of_data")
