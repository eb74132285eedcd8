"""Limits of the portfolio that never bind, or refuse everything; shares of equity are those of when trades open."""

from __future__ import annotations

from collections.abc import Iterator

from trader.core.settings import WILDEST, Settings
from trader.core.timeframe import HOUR_MS
from trader.engine.settings.explain.finding import Finding, counted, floored, percent, plain
from trader.engine.settings.explain.reach import TICK_ROOM, Reach, most_trades, shapes_of
from trader.trading.limits.base import exceeds
from trader.trading.targets import expected_profit


def dead_limits(settings: Settings, reach: Reach) -> Iterator[Finding]:
    """Yield the limits of sections 3, 8 and 9 that can refuse nothing, and those that refuse each full size."""
    yield from _trades(settings, reach)
    yield from _profit(settings)
    yield from _portfolio_risk(settings, reach)
    yield from _exposure(settings, reach)
    yield from _correlation(settings)
    yield from _pyramiding(settings, reach)
    yield from _hedging(settings, reach)


def _trades(settings: Settings, reach: Reach) -> Iterator[Finding]:
    most, streams = settings.MAX_CONCURRENT_TRADES, len(settings.COINS) * len(settings.TIMEFRAMES)
    possible = most_trades(settings)[0]
    if possible < most:
        trades = counted(possible, "trade")
        text = f"{most} refuses nothing: {counted(streams, 'stream')} can have {trades} open at most"
        yield Finding(("MAX_CONCURRENT_TRADES", "COINS", "TIMEFRAMES"), text)
        return
    paid = _affordable_trades(settings, reach)
    if paid < most and not settings.KELLY.enable:
        text = (
            f"{most} refuses nothing at full size: capital is used up after {paid}, of which each reserves "
            f"{percent(reach.reserve.low)} of equity or more; lower MAX_POSITION_SIZE_PCT"
        )
        yield Finding(("MAX_CONCURRENT_TRADES", "MAX_POSITION_SIZE_PCT"), text)


def _affordable_trades(settings: Settings, reach: Reach) -> int:
    """Return how many of the smallest full sizes the capital pays for (section 4.4)."""
    free, reserve = 1.0, reach.reserve.low
    fee = settings.taker_fee * reach.leverage.high
    for count in range(settings.MAX_CONCURRENT_TRADES):
        affordable = 0.995 * free / (1 + settings.SLIPPAGE_PCT + fee)
        if affordable < settings.MIN_SIZE_RATIO * reserve:
            return count
        free -= min(reserve, affordable) * (1 + fee)
    return settings.MAX_CONCURRENT_TRADES


def _profit(settings: Settings) -> Iterator[Finding]:
    least = settings.MIN_NET_PROFIT_PCT
    worst = min(expected_profit(settings, 1.0, shape.distances) for shape in shapes_of(settings))
    if 0 < least <= worst:
        text = f"{plain(least)} refuses nothing: the targets net {percent(worst)} and more after costs"
        yield Finding(("MIN_NET_PROFIT_PCT",), text)


def _portfolio_risk(settings: Settings, reach: Reach) -> Iterator[Finding]:
    limit, trades = settings.MAX_PORTFOLIO_RISK, most_trades(settings)[0]
    together = trades * reach.risk.high
    if not exceeds(together * TICK_ROOM, limit):
        each = f"a trade risks {percent(reach.risk.high)} of equity at most"
        sum_of_all = f", {trades} of them {percent(together)}" if trades > 1 else ""
        text = f"{plain(limit)} refuses nothing: {each}{sum_of_all}; below {floored(together)} it binds"
        yield Finding(("MAX_PORTFOLIO_RISK",), text)
    elif exceeds(reach.risk.low, limit):
        text = f"{plain(limit)} refuses every full size, which loses {percent(reach.risk.low)} at its stop or more"
        yield Finding(("MAX_PORTFOLIO_RISK",), text)


def _exposure(settings: Settings, reach: Reach) -> Iterator[Finding]:
    """Judge the exposure limits below 1; that is all of equity, the way to have none."""
    in_all, on_coin = most_trades(settings)
    hedges = 1 + settings.HEDGING.hedge_ratio if settings.HEDGING.enable else 1.0
    for name, trades in (("MAX_SYMBOL_EXPOSURE", on_coin), ("MAX_DIRECTION_EXPOSURE", in_all)):
        limit, together = getattr(settings, name), trades * hedges * reach.reserve.high
        if exceeds(reach.reserve.low, limit):
            text = (
                f"{plain(limit)} refuses every full size, which reserves {percent(reach.reserve.low)} of equity or "
                f"more; set MAX_POSITION_SIZE_PCT below {plain(limit)}"
            )
            yield Finding((name, "MAX_POSITION_SIZE_PCT"), text)
        elif limit < 1 and not exceeds(together * TICK_ROOM, limit):
            leverage = f" at leverage {plain(reach.leverage.low)}" if reach.leverage.low > 1 else ""
            hedged = " with their hedges" if settings.HEDGING.enable else ""
            text = (
                f"{plain(limit)} refuses nothing: {counted(trades, 'trade')}{leverage} reserve{hedged} "
                f"{percent(together)} of equity at most; below {floored(together)} it binds"
            )
            yield Finding((name,), text)


def _correlation(settings: Settings) -> Iterator[Finding]:
    if settings.CORRELATION_MODE == "off":
        return
    exit_stream = min((*settings.TIMEFRAMES, settings.EXIT_TIMEFRAME or settings.TIMEFRAMES[0]), key=lambda t: t.ms)
    reasons = {
        "COINS": (len(settings.COINS) < 2, "there is one coin"),
        "MAX_CONCURRENT_TRADES": (settings.MAX_CONCURRENT_TRADES < 2, "one trade is open at a time"),
        "TIMEFRAMES": (exit_stream.ms > HOUR_MS, f"it compares hours, and {exit_stream} is the finest stream"),
    }
    for name, (applies, reason) in reasons.items():
        if applies:
            yield Finding(("CORRELATION_MODE", name), f"{settings.CORRELATION_MODE} has no effect: {reason}")


def _pyramiding(settings: Settings, reach: Reach) -> Iterator[Finding]:
    rule = settings.PYRAMIDING
    if not rule.enable:
        return
    if rule.min_profit_pct >= reach.target.high:
        text = (
            f"adds nothing: a trade that is {percent(rule.min_profit_pct)} ahead has taken its profit, at "
            f"{percent(reach.target.high)} at most; set min_profit_pct below that or the targets wider"
        )
        yield Finding(("PYRAMIDING", "PATTERN_TARGETS"), text)
    if settings.MAX_CONCURRENT_TRADES == 1:
        yield Finding(("PYRAMIDING", "MAX_CONCURRENT_TRADES"), "adds nothing: one trade is open at a time")
    elif rule.max_adds >= settings.MAX_CONCURRENT_TRADES:
        most = settings.MAX_CONCURRENT_TRADES - 1
        text = f"{rule.max_adds} cannot be open at once: MAX_CONCURRENT_TRADES leaves room for {most}"
        yield Finding(("PYRAMIDING.max_adds", "MAX_CONCURRENT_TRADES"), text)


def _hedging(settings: Settings, reach: Reach) -> Iterator[Finding]:
    rule, drawdown = settings.HEDGING, settings.DRAWDOWN_PROTECTION
    if not (rule.enable and drawdown.enable):
        return
    wildest = WILDEST if rule.dynamic_hedge else 1.0
    own = {coin: override.hedge_threshold for coin, override in rule.coin_overrides.items()}
    thresholds = {coin: wildest * own.get(coin, rule.hedge_threshold) for coin in settings.COINS}
    if late := [coin for coin, threshold in thresholds.items() if threshold >= drawdown.close_at]:
        text = f"never opens for {', '.join(late)}: everything closes at a drawdown of {percent(drawdown.close_at)}"
        yield Finding(("HEDGING", "DRAWDOWN_PROTECTION.close_at"), f"{text}, before {_least(thresholds, late)}")
        return
    least, reached = min(thresholds.values()), _deepest(settings, reach)
    if least > reached:
        text = (
            f"never opens, gaps and funding apart: entries pause at {percent(drawdown.pause_at)}, what is open then "
            f"takes the drawdown to {percent(reached)} at most, and the least threshold is {percent(least)}"
        )
        yield Finding(("HEDGING", "DRAWDOWN_PROTECTION.pause_at"), text)


def _least(thresholds: dict[str, float], coins: list[str]) -> str:
    return percent(min(thresholds[coin] for coin in coins))


def _deepest(settings: Settings, reach: Reach) -> float:
    """Return the drawdown to which stops and costs can take the trades that are open when entries pause."""
    costs = 2 * (settings.taker_fee + settings.SLIPPAGE_PCT) * reach.notional.high
    paused = settings.DRAWDOWN_PROTECTION.pause_at
    return paused + (1 - paused) * most_trades(settings)[0] * (reach.risk.high + costs)
