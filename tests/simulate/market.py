"""A random market of minute candles: gaps, jumps, quiet and wild hours; the same for a seed every time."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import numpy as np

from tests.builders import START_MS
from tests.exchange.embedded.sources import TableSource
from tests.exchange.embedded.traders import entry as spot_entry
from tests.exchange.embedded.usdm_traders import entry as usdm_entry
from trader.core.candle import Candle
from trader.core.instrument import Instrument
from trader.core.settings import Market
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.market.instruments import filters_of
from trader.market.table import CandleTable

#: Quiet minutes before the play, and after it: for filters that look back, and to wind up.
BEFORE, AFTER = 10, 30
PLAY_MS = START_MS + BEFORE * MINUTE_MS
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
#: Steps of quantities, so that a position is of hundreds of steps or of a few.
STEPS = ("0.001", "0.001", "0.01", "0.1", "1")


class DrawnMarket(msgspec.Struct, frozen=True):
    """Candles by symbol, with what the exchange says of each; `minutes` is how long it is wild."""

    market: Market
    tables: dict[str, CandleTable]
    infos: dict[str, dict[str, Any]]
    minutes: int

    def source(self) -> TableSource:
        """Return what the embedded exchange plays."""
        symbols = {"symbols": list(self.infos.values())}
        return TableSource({self.market: list(self.tables.values())}, {self.market: symbols})

    def bases(self) -> dict[str, str]:
        """Return the coin of each symbol."""
        return {symbol: info["baseAsset"] for symbol, info in self.infos.items()}

    def instruments(self) -> dict[str, Instrument]:
        """Return the filters as the trader knows them."""
        return {name: Instrument.from_filters(name, filters_of(info)) for name, info in self.infos.items()}

    def closed_at(self, time_ms: int) -> tuple[Candle, ...]:
        """Return the candles that close at a time; a gap has none."""
        tables = (table.between(time_ms - MINUTE_MS, time_ms) for table in self.tables.values())
        return tuple(candle for table in tables for candle in table.candles())


def market_of(seed: int) -> Market:
    """Return where a seed trades: odd ones on spot, even ones on USD-M."""
    return "spot" if seed % 2 else "futures"


def drawn_market(seed: int, market: Market) -> DrawnMarket:
    """Return the market of a seed."""
    random = Random(f"{seed}/market")
    minutes = random.randint(15, 45)
    symbols = SYMBOLS[: random.randint(1, 3)]
    tables = {symbol: _table(symbol, minutes, random) for symbol in symbols}
    return DrawnMarket(market, tables, {symbol: _info(symbol, market, random) for symbol in symbols}, minutes)


def _table(symbol: str, minutes: int, random: Random) -> CandleTable:
    draw = np.random.default_rng(random.getrandbits(64))
    count = BEFORE + minutes + AFTER
    wild = np.zeros(count)
    wild[BEFORE : BEFORE + minutes] = 1.0
    sigma = random.choice([0.0008, 0.002, 0.004])
    moves = draw.normal(0, sigma, count) * (0.1 + 0.9 * wild)
    moves += (draw.random(count) < 0.04) * wild * draw.normal(0, 0.02, count)
    close = random.choice([3.0, 100.0, 250.0]) * np.exp(np.cumsum(moves))
    open = np.r_[close[:1], close[:-1]] * np.exp((draw.random(count) < 0.1) * wild * draw.normal(0, sigma, count))
    shadow = np.abs(draw.normal(0, sigma, (2, count))) * (0.1 + 0.9 * wild)
    prices = {
        "open": open,
        "high": np.maximum(open, close) * (1 + shadow[0]),
        "low": np.minimum(open, close) * (1 - shadow[1]),
        "close": close,
    }
    keep = np.flatnonzero((draw.random(count) >= 0.03) | (wild == 0.0))
    return _built(symbol, keep, {name: np.round(column[keep], 2) for name, column in prices.items()})


def _built(symbol: str, keep: Any, prices: dict[str, Any]) -> CandleTable:
    times = START_MS + keep.astype(np.int64) * MINUTE_MS
    volume = np.full(len(keep), 64.0)
    worth = volume * prices["close"]
    extra = {
        "quote_volume": worth,
        "count": volume,
        "taker_buy_volume": volume / 2,
        "taker_buy_quote_volume": worth / 2,
    }
    return CandleTable.build(symbol, Timeframe.MIN_1, times, **prices, volume=volume, **extra)


def _info(symbol: str, market: Market, random: Random) -> dict[str, Any]:
    """Return exchangeInfo: few orders may rest at times, and steps may be coarse."""
    step = random.choice(STEPS)
    few = random.random() < 0.15
    found = spot_entry(symbol) if market == "spot" else usdm_entry(symbol)
    found["filters"] = [_filter(each, step, few) for each in found["filters"]]
    return found


def _filter(known: dict[str, Any], step: str, few: bool) -> dict[str, Any]:
    kind = known["filterType"]
    if kind in ("LOT_SIZE", "MARKET_LOT_SIZE"):
        return known | {"stepSize": step, "minQty": step, "maxQty": "90000"}
    if kind == "MAX_POSITION":
        return known | {"maxPosition": "1000000"}
    most = next((name for name in known if name.startswith("maxNum") or (name == "limit" and "NUM" in kind)), "")
    return known if not most or few else known | {most: 50}
