"""Why no hedge was opened is said as it was, nearest miss first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import settings
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest, Role
from trader.core.signal import Direction, Reading
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.engine.hedge_watch import HedgeWatch
from trader.trading.book import Book, Pending
from trader.trading.hourly import Hourly

M1 = Timeframe.MIN_1
GRID = Instrument.from_filters(
    "BTCUSDT", {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}
)


def watch(**rules: Any) -> HedgeWatch:
    rule = {"enable": True, "coin_overrides": {"BTCUSDT": {"hedge_threshold": 0.18}}, **rules}
    return HedgeWatch(settings(MARKET="futures", HEDGING=rule), {"BTCUSDT": GRID})


def trade(id: int = 1, direction: Direction = Direction.LONG, quantity: float = 10.0) -> Trade:
    nan = float("nan")
    return Trade(
        id=id, position_id=id, symbol="BTCUSDT", timeframe=M1, strategy="geometry", pattern="double_bottom",
        direction=direction, probability=0.9, strength=0.9, signal_time=0, entry_time=0, entry_price=100.0,
        quantity=quantity, leverage=1.0, atr14=nan, stop=nan, stop_reason="", stop_order_id=0, first_stop=nan,
        take_profit=nan, targets=[], peak=100.0, quantity_left=quantity, reserved=100.0, entry_fee=0.0, fees=0.0,
    )  # fmt: skip


def book(drawdown: float, *trades: Trade, price: float = 90.0) -> Book:
    """Return books in a drawdown with open trades at a last close."""
    book = Book.of(10_000.0)
    book.pool.equity = 10_000.0 * (1 - drawdown)
    book.trades = {trade.position_id: trade for trade in trades}
    book.last_close = {"BTCUSDT": price}
    return book


def said(watched: HedgeWatch, *books: Book) -> str:
    for each in books:
        watched.look(each)
    return watched.reason()


def test_a_run_whose_trades_saw_no_drawdown_says_so() -> None:
    assert said(watch(), book(0.0, trade())) == "no trade was open while the pool was in drawdown"


def test_the_nearest_miss_is_named() -> None:
    text = said(watch(), book(0.05, trade()), book(0.123, trade()), book(0.08, trade()))
    assert text == "the drawdown never reached a threshold: nearest was 12.30%, needed were 18.00% for BTCUSDT"


@pytest.mark.parametrize(
    ("books", "reason"),
    [
        (book(0.2, trade(), price=101.0), "the coin's own trades were not at a loss"),
        (book(0.2, trade(), trade(2, Direction.SHORT)), "the coin's own trades cancelled each other out"),
        (book(0.4, trade()), "everything was being closed"),
        (book(0.2, trade(quantity=0.002)), "the hedge would have been below the exchange's minimum"),
        (book(0.2, trade(quantity=1e6)), "free capital, or the exchange's brackets, left no room for the hedge"),
    ],
    ids=["at a profit", "no net exposure", "closing", "too small", "too dear"],
)
def test_what_stood_against_a_hedge_is_said(books: Book, reason: str) -> None:
    books.guards.drawdown_pause = "close"
    text = said(watch(), books, books)
    assert text.startswith("the drawdown reached ")
    assert text.endswith(f"needed were 18.00% for BTCUSDT, but {reason} (2 times)")


def test_a_hedge_that_was_ordered_and_never_filled_is_told_apart() -> None:
    waiting = book(0.2, trade())
    nan, price = float("nan"), 90.0
    reading = Reading("BTCUSDT", M1, price, nan, nan, None)
    request = OrderRequest(7, 7, "BTCUSDT", Role.ENTRY, Direction.SHORT, 3.5, nan, 1.0, "hedge_open", 0, 60_000)
    waiting.pending = {7: Pending(request, reading, price, nan, 315.0, hedge=True)}
    text = said(watch(), book(0.1, trade()), waiting, book(0.3, trade()))
    assert text.startswith("one was ordered, but free capital did not cover it")


def test_a_miss_that_a_wild_market_brought_nearer_is_the_nearest() -> None:
    calm, wild = book(0.15, trade()), book(0.14, trade())
    for each, present in ((calm, 0.01), (wild, 0.02)):
        ranges = {hour: 0.01 for hour in range(200)} | {200: present}
        each.hours = {"BTCUSDT": Hourly(ranges=ranges, count=round(present * 1_000))}
    text = said(watch(dynamic_hedge=True, hedge_threshold=0.9), calm, wild)
    assert text.startswith("the drawdown reached 14.00%, needed were 12.60% for BTCUSDT, but ")
