"""All that waits for a price on USD-M, as the matcher sees it: orders, conditional orders, positions."""

from __future__ import annotations

from trader.exchange.embedded.accounts.decimals import of_float
from trader.exchange.embedded.matching.touch import Resting, Touch
from trader.exchange.embedded.usdm import forced
from trader.exchange.embedded.usdm.algo_desk import AlgoDesk
from trader.exchange.embedded.usdm.margin import liquidation_price
from trader.exchange.embedded.usdm.orders import Algo, Order
from trader.exchange.embedded.usdm.positions import Position


class FloorDesk:
    """`trader.exchange.embedded.matching.matcher.Desk` of this market."""

    def __init__(self, algos: AlgoDesk) -> None:
        self._algos = algos
        self._orders = algos.orders
        self._books = algos.books

    def symbols(self) -> list[str]:
        """Return the symbols on which anything waits."""
        return list(self._books.shelf.symbols() | self._books.symbols_held())

    def waiting(self, symbol: str) -> list[Resting]:
        """Return the prices that are waited for, those of liquidations among them."""
        books = self._books
        orders = [order.resting() for order in books.shelf.resting(symbol)]
        algos = [algo.resting() for algo in books.shelf.waiting(symbol)]
        return orders + algos + [self._liquidation(position) for position in books.held(symbol)]

    def meet(self, symbol: str, touch: Touch, settled_ms: int) -> None:
        """Do what a touch does, unless its order or position has ended or changed meanwhile."""
        number = touch.resting.order_id
        if number < 0:
            self._meet_position(symbol, number, touch)
        elif number in self._books.shelf.algos:
            self._meet_algo(self._books.shelf.algos[number], touch, settled_ms)
        else:
            self._meet_order(self._books.shelf.orders[number], touch, settled_ms)

    def _meet_position(self, symbol: str, number: int, touch: Touch) -> None:
        position = next((each for each in self._books.held(symbol) if each.id == number), None)
        if position is not None:
            forced.liquidate(self._books, position, touch.time)

    def _meet_algo(self, algo: Algo, touch: Touch, settled_ms: int) -> None:
        """Trigger a conditional order; a price that has passed the liquidation too is met by that first."""
        position = self._position(algo)
        price = of_float(touch.price)
        if algo.open and algo.wish.reduces and forced.passed(self._books, position, price):
            forced.liquidate(self._books, position, touch.time)
        if not algo.open or algo.resting() != touch.resting:
            return
        order = self._algos.trigger(algo, price, touch.time)
        if order is not None:
            self._judge_from(order, settled_ms)

    def _meet_order(self, order: Order, touch: Touch, settled_ms: int) -> None:
        if not order.open or order.resting() != touch.resting:
            return
        price = order.price or of_float(touch.price)
        self._orders.fill(order, self._orders.parts(order)[0], price, True, touch.time)
        self._judge_from(order, settled_ms)

    def _judge_from(self, order: Order, settled_ms: int) -> None:
        """Let an order that goes on, and a position that it opened, see prices of the next bar on: what of this one
        came later, nobody knows."""
        order.since = max(order.since, settled_ms)
        if not order.wish.reduces:
            position = self._position(order)
            position.since = max(position.since, settled_ms)

    def _position(self, each: Order | Algo) -> Position:
        return self._books.position(each.uid, each.wish.symbol, each.wish.position_side)

    def _liquidation(self, position: Position) -> Resting:
        level = float(liquidation_price(self._books, position))
        return Resting(position.id, not position.long, level, False, True, position.since)
