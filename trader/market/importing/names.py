"""What the name of a file and of its folders say: coin, timeframe, market, kind, span.

>>> names_of(PurePath("futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01.zip")).symbol
'BTCUSDT'
>>> names_of(PurePath("usdm/trades-BTC_USDT-2024-08-08.parquet")).market
'futures'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath
from typing import Literal

import msgspec
import numpy as np

from trader.core.errors import ConfigError, DataError
from trader.core.settings import Market
from trader.core.timeframe import Timeframe

Kind = Literal["candles", "trades", "aggtrades", "funding"]

#: Words of names and folders that tell the market.
MARKET_WORDS: dict[str, Market] = {"spot": "spot", "futures": "futures", "usdm": "futures", "um": "futures"}
FOREIGN_WORDS = ("cm", "coinm")
KIND_WORDS: dict[str, Kind] = {"trades": "trades", "aggtrades": "aggtrades", "fundingrate": "funding"}
#: Quote currencies, by which a coin's name is known; those of the second list in small letters too.
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "GBP")
PLAIN_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD")

_LENGTH = re.compile(r"\d+(s|m|min|h|H|d|D|w|M|mo)")
_SUFFIXES = re.compile(r"(\.(csv|tsv|txt|zip|gz|parquet|pq|json))+$", re.IGNORECASE)
_ARCHIVE = re.compile(r"[^-]+-(?:trades|aggTrades)-(\d{4}-\d{2}(?:-\d{2})?)")


class Names(msgspec.Struct, frozen=True):
    """What a path says; None where it says nothing. `span_ms` is `[start, end)` of an archive of trades."""

    symbol: str | None = None
    timeframe: Timeframe | None = None
    market: Market | None = None
    kind: Kind | None = None
    span_ms: tuple[int, int] | None = None


def names_of(path: PurePath) -> Names:
    """Return what `path` says; the file's own name first, then the nearest folder.

    Raise `DataError` for what we cannot keep: an unknown timeframe, COIN-M futures.
    """
    stem, *folders = (_SUFFIXES.sub("", part) for part in reversed(path.parts))
    own_words = list(_words(stem.lower()))
    kind = next((KIND_WORDS[word] for word in own_words if word in KIND_WORDS), None)
    return Names(
        symbol=_symbol(stem, folders),
        timeframe=_timeframe([stem, *folders]),
        market=_market([stem, *folders]),
        kind="candles" if any(map(_LENGTH.fullmatch, own_words)) else kind,
        span_ms=_span(stem),
    )


def _words(part: str) -> Iterator[str]:
    return (word for word in re.split(r"[-_ .]+", part) if word)


def _market(parts: list[str]) -> Market | None:
    for part in parts:
        words = [re.sub(r"\d+$", "", word) for word in _words(part.lower())]  # spot12 is spot
        if any(word in FOREIGN_WORDS for word in words):
            raise DataError(f"{part}: COIN-M futures are not kept; allowed: spot and USD-M futures")
        for word in words:
            if word in MARKET_WORDS:
                return MARKET_WORDS[word]
    return None


def _timeframe(parts: list[str]) -> Timeframe | None:
    for part in parts:
        lengths = [word for word in _words(part) if _LENGTH.fullmatch(word)]
        if lengths:
            return _parsed(lengths[0])
    return None


def _parsed(word: str) -> Timeframe:
    try:
        return Timeframe.parse(word.lower() if word[-1] in "HD" else word)
    except ConfigError as error:
        raise DataError(str(error)) from error


def _symbol(stem: str, folders: list[str]) -> str | None:
    words = list(_words(stem))
    whole = [word for word in words if _is_coin(word)]
    pairs = [first + second for first, second in pairwise(words) if second in QUOTES]
    small = [word.upper() for word in words if word.upper().endswith(PLAIN_QUOTES) and len(word) > 5]
    above = [word for folder in folders for word in _words(folder) if _is_coin(word)]
    bare = [word for word in words if word.isupper() and len(word) > 1 and not _LENGTH.fullmatch(word)]
    return next(iter([*whole, *pairs, *small, *above, *bare]), None)


def _is_coin(word: str) -> bool:
    return word == word.upper() and any(word.endswith(quote) and len(word) > len(quote) for quote in QUOTES)


def tidy_symbol(text: str) -> str:
    """Return a coin's name as Binance writes it.

    >>> tidy_symbol("btc/usdt:USDT"), tidy_symbol("BTC-USDT")
    ('BTCUSDT', 'BTCUSDT')
    """
    return re.sub(r"[/\- ]", "", text.partition(":")[0]).upper()


def _span(stem: str) -> tuple[int, int] | None:
    dated = _ARCHIVE.fullmatch(stem)
    if not dated:
        return None
    try:
        first = np.datetime64(dated[1])
    except ValueError:
        return None
    start, end = (each.astype("datetime64[ms]").astype(np.int64) for each in (first, first + 1))
    return int(start), int(end)
