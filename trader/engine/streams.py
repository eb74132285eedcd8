"""Which streams a run has: what is wanted, less what the data is too coarse for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.market.resample import base_timeframe


class StreamPlan(msgspec.Struct, frozen=True):
    """The streams of a run, fixed until it ends.

    `exits`: each coin in the order of `COINS` with its finest stream, the base of the others, on which exits are
    judged. `streams`: those that decide, in the order of decisions. `notes`: what was dropped and why.
    """

    exits: dict[str, Timeframe]
    streams: list[tuple[str, Timeframe]]
    notes: list[str]


def plan_streams(settings: Settings, finest: Mapping[str, Timeframe | None]) -> StreamPlan:
    """Plan the streams of the coins, given the finest timeframe of which each has data; None is no data at all.

    Raise `ConfigError` when nothing is left.
    """
    exits: dict[str, Timeframe] = {}
    streams: list[tuple[str, Timeframe]] = []
    notes: list[str] = []
    for symbol in settings.COINS:
        least = finest.get(symbol)
        if least is None:
            notes.append(f"{symbol} is left out: there is no data of it")
            continue
        wanted = [timeframe for timeframe in settings.TIMEFRAMES if timeframe.ms >= least.ms]
        dropped = [timeframe for timeframe in settings.TIMEFRAMES if timeframe.ms < least.ms]
        if dropped:
            notes.append(f"{symbol} is not traded on {', '.join(dropped)}: its data begins at {least}")
        if not wanted:
            continue
        extra = settings.EXIT_TIMEFRAME
        if extra is not None and extra.ms < least.ms:
            notes.append(f"{symbol}: exits cannot be judged on {extra}, its data begins at {least}")
            extra = None
        exits[symbol] = base_timeframe(wanted, extra)
        streams += [(symbol, timeframe) for timeframe in wanted]
    if not streams:
        raise ConfigError(["no stream is left to trade on", *notes])
    rank = {symbol: index for index, symbol in enumerate(settings.COINS)}
    streams.sort(key=lambda stream: (stream[1].ms, rank[stream[0]]))
    return StreamPlan(exits, streams, notes)
