"""Tells in log lines what the core does and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from trader.trading.checks import QUIET_RULES
from trader.trading.notes import (
    Audience,
    Dropped,
    FundingPaid,
    GuardChanged,
    ModelChanged,
    Note,
    Ordered,
    PartClosed,
    Refused,
    StopMoved,
    TradeGrown,
    TradeOpened,
)

log = logging.getLogger("trader.decisions")

#: Each rule in words, for a person who asks why nothing was traded.
RULE_WORDS = {
    "warming_up": "the stream is still warming up",
    "gap": "a candle is missing and not yet repaired",
    "outside_hours": "outside the trading hours",
    "no_pattern": "no pattern",
    "low_probability": "the probability is too low",
    "low_strength": "the pattern is too weak",
    "low_expectancy": "the model expects too little of it",
    "paused": "entries are paused",
    "kill_switch": "the kill switch is on",
    "daily_loss": "the day has lost its limit",
    "cooldown": "cooling down after losses in a row",
    "max_trades": "as many trades are open as allowed",
    "already_open": "this stream has a trade already",
    "short_not_allowed": "spot cannot go short",
    "against_trend": "against the trend of EMA50",
    "low_volatility": "the range is too small",
    "low_profit": "the targets do not pay for the costs",
    "portfolio_risk": "all stops together would risk too much",
    "symbol_exposure": "too much capital in this symbol",
    "direction_exposure": "too much capital in this direction",
    "correlated": "it moves together with an open trade",
    "beyond_liquidation": "the stop lies past the liquidation price",
    "insufficient_capital": "free capital does not cover it",
    "below_min_size": "the size is below the exchange's minimum",
    "expired": "it could not be acted on in time",
    "rejected": "the exchange refused it",
    "unfilled": "it never reached the exchange",
    "manual": "a person closed it",
    "drawdown": "the drawdown closes everything",
}


class Audiences:
    """Passes each note to several audiences, in order."""

    def __init__(self, audiences: Sequence[Audience]) -> None:
        self._audiences = audiences

    def note(self, note: Note) -> None:
        """Pass `note` on."""
        for audience in self._audiences:
            audience.note(note)


class Narrator:
    """Writes a line for each trade and each change of a guard, and unless `brief`, for each decision past check 4.

    Quieter refusals are lines at debug level. Log records carry `symbol` and `timeframe`.
    """

    def __init__(self, brief: bool) -> None:
        self._brief = brief

    def note(self, note: Note) -> None:
        """Write the line of `note`."""
        if isinstance(note, Refused):
            self._refused(note)
        elif isinstance(note, Ordered):
            if not self._brief:
                _say(logging.INFO, note.reading.symbol, note.reading.timeframe, note.time, _ordered(note))
        elif isinstance(note, Dropped):
            text = f"entry dropped: {RULE_WORDS[note.rule]} ({note.rule})"
            _say(logging.INFO, note.reading.symbol, note.reading.timeframe, note.time, text)
        elif isinstance(note, GuardChanged):
            state = "on" if note.on else "off"
            level = logging.INFO if self._brief else logging.WARNING
            _say(level, "-", "-", note.time, f"guard {note.guard} {state}: {note.text}")
        elif isinstance(note, ModelChanged):
            was = f", before it {note.before}" if note.before else ""
            _say(logging.INFO, "-", "-", note.time, f"model {note.model or 'none'}{was}")
        else:
            _of_trade(note, self._brief)

    def _refused(self, note: Refused) -> None:
        reading, refusal = note.reading, note.refusal
        quiet = self._brief or refusal.rule in QUIET_RULES
        level = logging.DEBUG if quiet else logging.INFO
        if not log.isEnabledFor(level):
            return
        text = f"refused: {RULE_WORDS[refusal.rule]} ({refusal.rule}{_values(refusal.values)})"
        if reading.signal is not None:
            signal = reading.signal
            text = f"{signal.pattern} p {signal.probability:.3f} strength {signal.strength:.3f} {text}"
        _say(level, reading.symbol, reading.timeframe, note.time, text)


def _of_trade(note: TradeOpened | TradeGrown | PartClosed | StopMoved | FundingPaid, brief: bool) -> None:
    trade = note.trade
    if isinstance(note, TradeOpened):
        text = (
            f"trade {trade.id} opened: {trade.direction.name} {trade.quantity:g} at {trade.entry_price:g} "
            f"({trade.pattern}), stop {trade.stop:g}, take profit {trade.take_profit:g}"
        )
        _say(logging.INFO, trade.symbol, trade.timeframe, note.fill.time, text)
    elif isinstance(note, TradeGrown):
        text = f"trade {trade.id} grew to {trade.quantity:g} at {trade.entry_price:g} on average"
        _say(logging.INFO, trade.symbol, trade.timeframe, note.fill.time, text)
    elif isinstance(note, PartClosed):
        part = note.part
        left = f"{trade.quantity_left:g} left" if trade.quantity_left > 0 else f"ended with {trade.net:+.2f}"
        text = f"trade {trade.id} {part.reason}: {part.quantity:g} at {part.price:g}, net {part.net:+.2f}, {left}"
        _say(logging.INFO, trade.symbol, trade.timeframe, part.time, text)
    elif isinstance(note, StopMoved):
        if not brief:
            text = f"trade {trade.id} stop {note.before:g} -> {trade.stop:g} ({trade.stop_reason})"
            _say(logging.INFO, trade.symbol, trade.timeframe, note.time, text)
    else:
        text = f"trade {trade.id} funding {'paid' if note.amount > 0 else 'received'} {abs(note.amount):.4f}"
        _say(logging.INFO, trade.symbol, trade.timeframe, note.time, text)


def _ordered(note: Ordered) -> str:
    request = note.request
    at_stake = request.quantity * abs(note.reading.close - note.stop)
    return (
        f"entry ordered: {request.direction.name} {request.quantity:g} near {note.reading.close:g}, "
        f"stop {note.stop:g}, {at_stake:.2f} at risk"
    )


def _values(values: dict[str, object]) -> str:
    said = ", ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
    return f": {said}" if said else ""


def _say(level: int, symbol: str, timeframe: str, time: int, text: str) -> None:
    at = datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    log.log(level, "[%s] %s", at, text, extra={"symbol": symbol, "timeframe": str(timeframe)})
