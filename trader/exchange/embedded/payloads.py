"""Rows and events as Binance words them: pure functions from candles, trades, books and days to JSON values.

Shapes are those of recorded answers. `unit` is how many of the wire's time units make a millisecond.
"""

from __future__ import annotations

import math
from typing import Any

from trader.core.candle import Candle
from trader.exchange.embedded.book import Book
from trader.exchange.embedded.tape import Day, Tape
from trader.exchange.embedded.wire import Decimals, number
from trader.market.trades import TradeTable

MILLISECOND = 1
MICROSECOND = 1_000
Json = dict[str, Any]


def kline_row(candle: Candle, decimals: Decimals, unit: int = MILLISECOND) -> list[Any]:
    """Return a row of `klines`."""
    price, quantity, quote = decimals.price, decimals.quantity, decimals.quote
    return [
        candle.open_time * unit,
        number(candle.open, price),
        number(candle.high, price),
        number(candle.low, price),
        number(candle.close, price),
        number(candle.volume, quantity),
        candle.close_time * unit - 1,
        number(candle.quote_volume, quote),
        whole(candle.count),
        number(candle.taker_buy_volume, quantity),
        number(candle.taker_buy_quote_volume, quote),
        "0",
    ]


def agg_trade_rows(trades: TradeTable, tape: Tape, unit: int = MILLISECOND) -> list[Json]:
    """Return rows of `aggTrades`."""
    return [_agg_trade(tape, unit, *row) for row in _rows(trades)]


def agg_trade_events(trades: TradeTable, tape: Tape, unit: int = MILLISECOND) -> list[Json]:
    """Return `aggTrade` events, each at the time of its trade."""
    if tape.market == "spot":
        return [{"e": "aggTrade", "E": row["T"], "s": tape.symbol, **row} for row in agg_trade_rows(trades, tape, unit)]
    rows = agg_trade_rows(trades, tape, unit)
    return [{"e": "aggTrade", "E": row["T"], "a": row["a"], "s": tape.symbol} | row | {"st": 1} for row in rows]


def trade_rows(trades: TradeTable, tape: Tape, unit: int = MILLISECOND) -> list[Json]:
    """Return rows of `trades` and `historicalTrades`."""
    return [_trade(tape, unit, *row) for row in _rows(trades)]


def price_row(tape: Tape, now: int) -> Json:
    """Return `ticker/price`."""
    row = {"symbol": tape.symbol, "price": number(tape.last_price(), tape.decimals.price)}
    return row if tape.market == "spot" else row | {"time": now}


def book_row(tape: Tape, book: Book, now: int) -> Json:
    """Return `ticker/bookTicker`."""
    bid, ask = _best(tape, book)
    row = {"symbol": tape.symbol, "bidPrice": bid[0], "bidQty": bid[1], "askPrice": ask[0], "askQty": ask[1]}
    return row if tape.market == "spot" else row | {"time": now}


def book_event(tape: Tape, book: Book, now: int) -> Json:
    """Return a `bookTicker` event; spot's has neither name nor times."""
    (bid, bid_size), (ask, ask_size) = _best(tape, book)
    row: Json = {"u": book.update_id, "s": tape.symbol, "b": bid, "B": bid_size, "a": ask, "A": ask_size}
    return row if tape.market == "spot" else {"e": "bookTicker", **row, "T": now, "E": now, "st": 1}


def depth_row(tape: Tape, book: Book, now: int) -> Json:
    """Return `depth`."""
    head: Json = {"lastUpdateId": book.update_id}
    if tape.market == "futures":
        head |= {"E": now, "T": now}
    return head | {
        "bids": [_level(tape, each) for each in book.bids],
        "asks": [_level(tape, each) for each in book.asks],
    }


def day_row(tape: Tape, day: Day, book: Book, unit: int = MILLISECOND) -> Json:
    """Return `ticker/24hr`."""
    price, quantity = tape.decimals.price, tape.decimals.quantity
    bid, ask = _best(tape, book)
    change = {
        "symbol": tape.symbol,
        "priceChange": number(round(day.last - day.open, 8), price),
        "priceChangePercent": percent(day),
        "weightedAvgPrice": number(average(day), price),
    }
    before = {"prevClosePrice": number(day.open, price)}
    last = {"lastPrice": number(day.last, price), "lastQty": bid[1]}
    best = {"bidPrice": bid[0], "bidQty": bid[1], "askPrice": ask[0], "askQty": ask[1]}
    rest = {
        "openPrice": number(day.open, price),
        "highPrice": number(day.high, price),
        "lowPrice": number(day.low, price),
        "volume": number(day.volume, quantity),
        "quoteVolume": number(day.quote_volume, tape.decimals.quote),
        "openTime": day.open_time * unit,
        "closeTime": day.close_time * unit,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.count,
    }
    return change | before | last | best | rest if tape.market == "spot" else change | last | rest


def rolling_row(tape: Tape, day: Day, unit: int = MILLISECOND) -> Json:
    """Return spot's `ticker` over the last day."""
    full = day_row(tape, day, Book(0, [], []), unit)
    absent = ("prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty")
    return {name: value for name, value in full.items() if name not in absent}


def mini_ticker_event(tape: Tape, day: Day, unit: int = MILLISECOND) -> Json:
    """Return a `24hrMiniTicker` event."""
    price = tape.decimals.price
    row = {
        "e": "24hrMiniTicker",
        "E": day.close_time * unit,
        "s": tape.symbol,
        "c": number(day.last, price),
        "o": number(day.open, price),
        "h": number(day.high, price),
        "l": number(day.low, price),
        "v": number(day.volume, tape.decimals.quantity),
        "q": number(day.quote_volume, tape.decimals.quote),
    }
    return row if tape.market == "spot" else row | {"st": 1}


def premium_row(tape: Tape, rate: float | None, next_funding_ms: int, now: int) -> Json:
    """Return `premiumIndex`; mark, index and settlement price are the last price. Without funding, `rate` is None."""
    price = number(tape.last_price(), 8)
    return {
        "symbol": tape.symbol,
        "markPrice": price,
        "indexPrice": price,
        "estimatedSettlePrice": price,
        "lastFundingRate": "" if rate is None else number(rate, 8),
        "interestRate": "0.00010000",
        "nextFundingTime": next_funding_ms,
        "time": now,
    }


def mark_price_event(tape: Tape, rate: float | None, next_funding_ms: int, now: int) -> Json:
    """Return a `markPriceUpdate` event; `rate` is that of the payment at `next_funding_ms`, None without funding."""
    price = number(tape.last_price(), 8)
    return {
        "e": "markPriceUpdate",
        "E": now,
        "s": tape.symbol,
        "p": price,
        "i": price,
        "P": price,
        "r": "" if rate is None else number(rate, 8),
        "T": next_funding_ms,
        "st": 1,
    }


def funding_row(symbol: str, time: int, rate: float) -> Json:
    """Return a row of `fundingRate`; its mark price is unknown, as Binance's is of old payments."""
    return {"symbol": symbol, "fundingTime": time, "fundingRate": number(rate, 8), "markPrice": ""}


def percent(day: Day) -> str:
    """Return the day's change in percent, with three digits."""
    change = (day.last / day.open - 1) * 100 if day.open > 0 else 0.0
    return f"{0.0 if math.isnan(change) else change:.3f}"


def average(day: Day) -> float:
    """Return the day's price weighted by volume; the last price where quote volumes are unknown."""
    known = day.volume > 0 and day.quote_volume > 0
    return round(day.quote_volume / day.volume, 8) if known else day.last


def whole(count: float) -> int:
    """Return a count as an integer, 0 where it is unknown."""
    return 0 if math.isnan(count) else int(count)


def _rows(trades: TradeTable) -> Any:
    columns = (trades.ids, trades.times_ms, trades.prices, trades.quantities, trades.is_buyer_maker)
    return zip(*(column.tolist() for column in columns), strict=True)


def _agg_trade(tape: Tape, unit: int, id: int, time: int, price: float, quantity: float, sold: bool) -> Json:
    row: Json = {
        "a": id,
        "p": number(price, tape.decimals.price),
        "q": number(quantity, tape.decimals.quantity),
        "f": id,
        "l": id,
        "T": time * unit,
        "m": sold,
    }
    return row | {"M": True} if tape.market == "spot" else row


def _trade(tape: Tape, unit: int, id: int, time: int, price: float, quantity: float, sold: bool) -> Json:
    row: Json = {
        "id": id,
        "price": number(price, tape.decimals.price),
        "qty": number(quantity, tape.decimals.quantity),
        "quoteQty": number(round(price * quantity, 8), tape.decimals.quote),
        "time": time * unit,
        "isBuyerMaker": sold,
    }
    return row | {"isBestMatch": True} if tape.market == "spot" else row


def _level(tape: Tape, level: tuple[float, float]) -> tuple[str, str]:
    return number(level[0], tape.decimals.price), number(level[1], tape.decimals.quantity)


def _best(tape: Tape, book: Book) -> tuple[tuple[str, str], tuple[str, str]]:
    nothing = (0.0, 0.0)
    return _level(tape, book.bids[0] if book.bids else nothing), _level(tape, book.asks[0] if book.asks else nothing)
