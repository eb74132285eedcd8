"""No position is opened whose stops the exchange would not take."""

from __future__ import annotations

from decimal import Decimal

from tests.execution.desk.rigs import SYMBOL, bench
from tests.trading.worlds import wish
from trader.core.order import OrderRequest, Role
from trader.core.signal import Direction, Pattern
from trader.core.timeframe import Timeframe
from trader.execution.desk.holding import Holding, Stop, new_holding
from trader.execution.desk.stop_places import StopPlaces, most_stops

TWO_A_TRADE = StopPlaces({SYMBOL: 5}, each=2)


def request(number: int, role: Role = Role.ENTRY, symbol: str = SYMBOL) -> OrderRequest:
    return OrderRequest(number, number, symbol, role, Direction.LONG, 1.0, 110.0, 1.0, "", 0)


def entered(number: int, targets: int, symbol: str = SYMBOL) -> Holding:
    holding = new_holding(request(number, symbol=symbol), "BTC")
    holding.entered = Decimal(1)
    holding.stop = Stop(number, 90.0, "stop_loss") if targets else None
    holding.targets = {each: request(each, Role.TARGET) for each in range(targets)}
    return holding


def test_a_position_needs_a_place_for_the_stop_of_each_of_its_targets() -> None:
    entering = new_holding(request(9), "BTC")
    assert TWO_A_TRADE.lacking(entering, [entering, entered(1, 2), entered(2, 1)]) == ""
    assert "lets 5 rest on BTCUSDT" in TWO_A_TRADE.lacking(entering, [entering, entered(1, 2), entered(2, 2)])


def test_entries_that_wait_hedges_and_other_coins_count_for_what_they_need() -> None:
    entering, waiting = new_holding(request(9), "BTC"), new_holding(request(8), "BTC")
    hedge, other = entered(3, 0), entered(4, 2, "ETHUSDT")
    assert TWO_A_TRADE.lacking(entering, [entering, entered(1, 1), waiting, hedge, other]) == ""
    assert TWO_A_TRADE.lacking(entering, [entering, entered(1, 2), waiting, hedge, other])
    assert StopPlaces().lacking(entering, [entered(each, 2) for each in range(50)]) == ""


def test_the_limit_is_the_one_that_the_exchange_names() -> None:
    spot = {"symbol": "A", "filters": [{"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5}]}
    futures = {"symbol": "B", "filters": [{"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10}]}
    assert most_stops({"symbols": [spot, futures, {"symbol": "C"}]}) == {"A": 5, "B": 10}


async def test_an_entry_whose_stops_would_find_no_place_is_dropped_and_the_standing_trade_stays_guarded() -> None:
    quiet = (100.0, 100.1, 99.9, 100.0)
    async with bench(quiet, quiet, quiet, places=StopPlaces({SYMBOL: 3}, each=2)) as world:
        trade = await world.enter()
        again = wish(pattern=Pattern.DOUBLE_BOTTOM, timeframe=Timeframe.MIN_5)
        await world.minute(*quiet, sees=[again])
        assert world.dropped() == ["unfilled"]
        assert list(world.logic.book.trades.values()) == [trade]
        assert not world.desk.unguarded
