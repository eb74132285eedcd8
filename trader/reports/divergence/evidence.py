"""What the journal shows of a trade beside the books: its orders' words, its executions, candles that came late."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

from trader.core.order import Fill, Role
from trader.core.signal import Reading
from trader.journal.reader import Reader
from trader.journal.records import OrderRecord
from trader.reports.divergence.books import DayBooks, Key, key_of, key_of_pending
from trader.reports.divergence.done import Leg, alike
from trader.reports.divergence.final import FinalDay
from trader.reports.divergence.followed import Seen
from trader.reports.divergence.records import Delay

#: States of orders that came to nothing; and how an order is called whose answer is there.
REFUSED_STATES = frozenset({"rejected", "absent"})
WAITING_STATES = frozenset({"intended", "sent"})


class Evidence:
    """Asks the journal, of one pool. `before` are the books at the beginning of the stretch that is looked at."""

    def __init__(self, reader: Reader, pool: int, seen: Seen, final: FinalDay) -> None:
        self.before: DayBooks | None = None
        self._reader = reader
        self._pool = pool
        self._seen = seen
        self._final = final
        self._orders: dict[int, list[OrderRecord]] = {}

    # --- fills ------------------------------------------------------------------------------------------------------

    def entry_fills(self, position_id: int) -> list[Fill]:
        """Return the day's fills of an entry."""
        return [fill for fill in self._seen.fills.get(position_id, ()) if fill.role is Role.ENTRY]

    def exit_fills(self, position_id: int) -> list[Fill]:
        """Return the day's fills that closed a position."""
        return [fill for fill in self._seen.fills.get(position_id, ()) if fill.role is not Role.ENTRY]

    def dropped_later(self, position_id: int) -> str:
        """Return the rule under which an entry was dropped within the day; "" when it was not."""
        drops = self._seen.drops.get(position_id, ())
        return drops[0].rule if drops else ""

    def entered_before(self, position_id: int, time: int) -> bool:
        """Tell whether a part of an entry had filled by `time`."""
        held = self.before is not None and position_id in self.before.book.trades
        return held or any(fill.time <= time for fill in self.entry_fills(position_id))

    def entered_within(self, position_id: int, start: int, end: int) -> bool:
        """Tell whether a position was entered in a time."""
        return any(start < fill.time <= end for fill in self.entry_fills(position_id))

    def was_open(self, key: Key) -> bool:
        """Tell whether the books had a trade, or its entry, when the stretch began."""
        if self.before is None:
            return False
        pending = {key_of_pending(each) for each in self.before.book.pending.values()}
        withdrawn = {key_of_pending(each.pending) for each in self.before.book.withdrawn.values()}
        return key in pending | withdrawn | {key_of(trade) for trade in self.before.book.trades.values()}

    def was_closing(self, key: Key) -> bool:
        """Tell whether a trade was ordered closed when the stretch began."""
        trades = self.before.book.trades.values() if self.before is not None else ()
        return any(trade.closing and key_of(trade) == key for trade in trades)

    def stop(self, position_id: int) -> float:
        """Return where the books wanted the stop of a position when the stretch began; NaN without one."""
        trade = self.before.book.trades.get(position_id) if self.before is not None else None
        return trade.stop if trade is not None else math.nan

    def booked_wrong(self, position_id: int, leg: Leg) -> str:
        """Return how a price that was booked is not that of the exchange's executions; "" when it is."""
        told = [
            each
            for each in self._reader.fills_of_trade(self._pool, position_id)
            if each.role == leg.role and leg.first - 1 <= each.time <= leg.last
        ]
        quantity = sum((each.quantity for each in told), Decimal(0))
        if not quantity:
            return ""
        value = sum((each.quantity * each.price for each in told), Decimal(0))
        price = float(value / quantity)
        return "" if abs(price - leg.price) <= 1e-6 * price else f"booked at {leg.price!r}, executed at {price!r}"

    # --- orders -----------------------------------------------------------------------------------------------------

    def orders(self, position_id: int) -> list[OrderRecord]:
        """Return the orders of a position."""
        if position_id not in self._orders:
            self._orders[position_id] = self._reader.orders_of(self._pool, position_id)
        return self._orders[position_id]

    def said(self, position_id: int, role: Role) -> str:
        """Return what is known of the orders of a role that came to nothing; "" where none did."""
        refused = [each for each in self.orders(position_id) if each.role == role and each.state in REFUSED_STATES]
        return "; ".join(dict.fromkeys(f"{each.state}{f', {each.note}' if each.note else ''}" for each in refused))

    def quantities(self, position_id: int) -> tuple[float, float]:
        """Return what was ordered of an entry, and what of it was executed."""
        entries = [each for each in self.orders(position_id) if each.role == Role.ENTRY]
        ordered = max((each.request.quantity for each in entries if each.request is not None), default=0.0)
        return ordered, float(sum((each.filled for each in entries), Decimal(0)))

    def filled_in_parts(self, position_id: int, role: Role) -> bool:
        """Tell whether an order of a role was executed at more than one time."""
        times: dict[str, set[int]] = {}
        for fill in self._reader.fills_of_trade(self._pool, position_id):
            if fill.role == role:
                times.setdefault(fill.client_id, set()).add(fill.time)
        return any(len(each) > 1 for each in times.values())

    def placed_after(self, position_id: int, role: Role, time: int) -> bool:
        """Tell whether an order of a role was first answered after the instant at T had been judged."""
        judged = self._seen.judged_wall.get(time)
        if judged is None:
            return False
        answered = (self._walls(each.client_id)[1] for each in self.orders(position_id) if each.role == role)
        return any(wall is not None and wall > judged for wall in answered)

    def level(self, position_id: int, leg: Leg) -> float:
        """Return the level of the order behind an exit; 0 where none is known."""
        levels = [
            float(each.wire["price"])
            for each in self.orders(position_id)
            if each.role == leg.role and each.filled > 0 and "price" in each.wire
        ]
        return min(levels, key=lambda level: abs(level - leg.price), default=0.0)

    def delay(self, position_id: int) -> Delay | None:
        """Return how long an entry took; None where none was executed."""
        fills = self.entry_fills(position_id)
        entries = [each for each in self.orders(position_id) if each.role == Role.ENTRY and each.request is not None]
        if not fills or not entries or entries[0].request is None:
            return None
        decided = entries[0].request.decided
        judged = self._seen.judged_wall.get(decided)
        left, answered = self._walls(entries[0].client_id)
        own = left - judged if left is not None and judged is not None else None
        answer = answered - left if answered is not None and left is not None else None
        return Delay(fills[0].time - decided, own, answer)

    def _walls(self, client_id: str) -> tuple[int | None, int | None]:
        left = answered = None
        for change in self._reader.transitions(client_id):
            if change.order.state == "sent" and left is None:
                left = change.wall
            if change.order.state not in WAITING_STATES and left is not None and answered is None:
                answered = change.wall
        return left, answered

    # --- candles and readings ---------------------------------------------------------------------------------------

    def was_late(self, symbol: str, time: int) -> bool:
        """Tell whether a coin's candle that closed at T came when the instant was over."""
        return (symbol, time) in self._seen.late

    def is_blind(self, key: Key, readings: Mapping[tuple[str, str], Reading]) -> bool:
        """Tell whether a stream lacked candles when it was read."""
        reading = readings.get((key.symbol, key.timeframe))
        return reading is not None and (reading.gap or not reading.ready)

    def other_reading(self, key: Key, time: int, readings: Mapping[tuple[str, str], Reading]) -> bool:
        """Tell whether a stream was read otherwise than on the final candles."""
        lived = readings.get((key.symbol, key.timeframe))
        final = next(self._of_stream(key, time), None)
        if lived is None or final is None:
            return (lived is not None and lived.signal is not None) or final is not None
        values = ((lived.close, final.close), (lived.ema50, final.ema50), (lived.atr14, final.atr14))
        return lived.signal != final.signal or not all(alike(one, other) for one, other in values)

    def _of_stream(self, key: Key, time: int) -> Iterator[Reading]:
        stream = (key.symbol, key.timeframe)
        return (each for each in self._final.readings.get(time, ()) if (each.symbol, str(each.timeframe)) == stream)
