"""What is traded on the generated market: prices, characters, ticks and steps."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from trader.market.synthetic.noise import key_of, uniform

#: Price at the market's start, how large its moves are (1 is BTC's), and the mean worth of a trade, quote currency.
KNOWN = {
    "BTCUSDT": (97_000.0, 1.0, 300.0),
    "ETHUSDT": (3_350.0, 1.25, 250.0),
    "BNBUSDT": (650.0, 1.05, 150.0),
    "SOLUSDT": (190.0, 1.5, 180.0),
    "XRPUSDT": (2.3, 1.45, 150.0),
}
#: Decimals of tick and step where Binance's are not what `decimals` gives.
DECIMALS = {
    ("spot", "BTCUSDT"): (2, 5),
    ("futures", "BTCUSDT"): (1, 3),
    ("spot", "ETHUSDT"): (2, 4),
    ("futures", "ETHUSDT"): (2, 3),
}
LEAST_NOTIONAL = {("futures", "BTCUSDT"): "50", ("futures", "ETHUSDT"): "20"}
QUOTES = ("USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "EUR", "TRY")


class Listing(msgspec.Struct, frozen=True):
    """One symbol; tick and step are `10 ** -price_decimals` and `10 ** -quantity_decimals`.

    `price` at the market's start, quote currency. `scale`: how large its moves are. `worth`: the mean of a trade, quote
    currency. `least_notional`: of an order, as a decimal string.
    """

    symbol: str
    price: float
    scale: float
    worth: float
    price_decimals: int
    quantity_decimals: int
    least_notional: str

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote asset."""
        return split_symbol(self.symbol)


def listing(symbol: str, market: str) -> Listing:
    """Return the listing of a symbol; one that is not known has a price and a character by its name."""
    luck = uniform(key_of(symbol, "listing"), np.arange(3, dtype=np.int64)).tolist()
    made = (float(f"{0.05 * 10 ** (4 * luck[0]):.3g}"), 1.2 + 0.6 * luck[1], 80 + 120 * luck[2])
    price, scale, worth = KNOWN.get(symbol, made)
    tick, step = DECIMALS.get((market, symbol)) or decimals(price)
    return Listing(symbol, price, scale, worth, tick, step, LEAST_NOTIONAL.get((market, symbol), "5"))


def decimals(price: float) -> tuple[int, int]:
    """Return decimals of tick and step: ticks of about 1e-4 of the price, steps of some units of quote currency.

    >>> decimals(190.0), decimals(0.05)
    ((2, 2), (6, 0))
    """
    order = math.floor(math.log10(price))
    return max(0, 4 - order), max(0, order)


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote asset.

    >>> split_symbol("ETHBTC")
    ('ETH', 'BTC')
    """
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, "USDT"
