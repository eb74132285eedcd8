"""The comparison of a run with hedges and the same run without, as rows and in words."""

from __future__ import annotations

import msgspec

from trader.engine.run_notes import day_text
from trader.reports.figures import Kind, Value, written
from trader.reports.hedging import LOST_ENTRIES, Hedging, Side


class Row(msgspec.Struct, frozen=True):
    """A line of the comparison; None is undefined, or does not apply."""

    key: str
    label: str
    kind: Kind
    hedged: Value
    without: Value
    meaning: str

    @property
    def difference(self) -> Value:
        """With hedges less without."""
        return None if self.hedged is None or self.without is None else self.hedged - self.without


def compared(found: Hedging) -> list[Row]:
    """Return the lines of the comparison; empty where there is nothing to compare with."""
    one, other = found.hedged, found.without
    if other is None:
        return []
    lost = [
        Row(f"lost_{rule}", f"entries lost to {rule}", "count", one.lost_entries[rule], other.lost_entries[rule],
            "signals that ended at this check" if rule != "insufficient_capital"
            else "signals that ended at this check, and entries that could not be paid at their fill")
        for rule in LOST_ENTRIES
    ]  # fmt: skip
    return [
        Row("net_profit", "net profit", "money", one.net_profit, other.net_profit, "final equity - initial capital"),
        Row("return", "return", "percent", one.change, other.change, "net profit / initial capital"),
        Row("max_drawdown", "deepest drawdown", "percent", one.max_drawdown, other.max_drawdown,
            "the largest fall from a peak of equity, as a share of it"),
        Row("sharpe", "Sharpe", "ratio", one.sharpe, other.sharpe, "as in the summary"),
        Row("trades", "trades, hedges apart", "count", one.trades, other.trades,
            f"{found.shared:,} of them at the same signal in both runs"),
        Row("won", "won of them", "count", one.won, other.won, "trades whose net is above 0"),
        Row("own_net", "net of these trades", "money", one.own_net, other.own_net,
            "what is left of net profit without the hedges themselves"),
        Row("liquidations", "liquidations", "count", one.liquidations, other.liquidations, "of trades and hedges"),
        *lost,
    ]  # fmt: skip


def of_hedges(found: Hedging) -> list[Row]:
    """Return the lines about the hedges themselves."""
    own = found.hedges
    return [
        Row("opened", "hedges", "count", own.opened, None, "orders the other way for a coin at a loss"),
        Row("won", "won of them", "count", own.won, None, "hedges whose net is above 0"),
        Row("gross", "their gross result", "money", own.gross, None, "what prices made of them before all costs"),
        Row("fees", "their fees", "money", own.fees, None, "of opening and closing"),
        Row("funding", "their funding", "money", own.funding, None, "paid; got is negative"),
        Row("slippage", "their slippage", "money", own.slippage, None, "what their fills were worse than the market"),
        Row("net", "their net", "money", own.net, None, "gross - fees - funding - slippage"),
        Row("reserve_hours", "their reserve × hours", "money", own.reserve_hours, None,
            "capital tied up behind them times the hours it was"),
        Row("reserved", "their reserve on average", "money", own.reserved, None, "the same, over the whole run"),
    ]  # fmt: skip


def verdict(found: Hedging, quote: str) -> list[str]:
    """Return in words what hedging did to the run, what the hedges did themselves, and how trading went on."""
    own = found.hedges
    if not own.opened:
        return [f"No hedge was opened: {found.why_none}."]
    themselves = f"{_hedges_named(own.opened)} {_made(own.net, quote)} after costs"
    tied = f"with {written(own.reserve_hours, 'money')} {quote}-hours of reserve"
    if found.without is None:
        return [f"{themselves}, {tied}; the same run without them was not made."]
    others = found.hedged.own_net - found.without.own_net
    lines = [
        _did(found, found.without, quote),
        f"{themselves}, {tied}; {_others(others, quote)}.",
    ]
    return [*lines, *_paused(found.hedged.paused_at, found.without.paused_at)]


def _made(net: float, quote: str) -> str:
    """Say a result, e.g. `lost 12.30 USDT`."""
    return f"{'lost' if net < 0 else 'made'} {written(abs(net), 'money')} {quote}"


def _others(more: float, quote: str) -> str:
    return f"all other trades made {written(abs(more), 'money')} {quote} {'less' if more < 0 else 'more'} than without"


def _hedges_named(count: int) -> str:
    return f"The {count:,} hedges" if count > 1 else "The only hedge"


def _did(found: Hedging, without: Side, quote: str) -> str:
    """Return cost and drawdown in a sentence."""
    cost = without.net_profit - found.hedged.net_profit
    share = written(abs(cost) / found.capital, "percent")
    money = f"{written(abs(cost), 'money')} {quote} ({share} of capital)"
    before, after = (written(side.max_drawdown, "percent") for side in (without, found.hedged))
    if before == after:
        moved = f"left the deepest drawdown at {after}"
    else:
        lower = found.hedged.max_drawdown < without.max_drawdown
        moved = f"{'lowered' if lower else 'deepened'} the deepest drawdown from {before} to {after}"
    join = "but" if cost < 0 and "deepened" in moved else "and"
    return f"Hedging {'cost' if cost >= 0 else 'earned'} {money} {join} {moved}."


def _paused(hedged: int | None, without: int | None) -> list[str]:
    """Say when the drawdown paused entries, where the two runs differ in it: what follows is then another market."""
    if hedged == without:
        return []
    said = [f"on {day_text(time)}" if time is not None else "never" for time in (hedged, without)]
    apart = "part of the difference is trades that only one of them made"
    return [f"The drawdown first paused entries {said[0]} with hedges, {said[1]} without: {apart}."]
