"""What each difference of a day cost, and what followed from it.

The day is simulated again and again, each time from the books of life at a later instant to the end of the day. The
first of these runs is the backtest, the last one is life itself. Where two neighbouring ones part, something went
otherwise between their instants, and the change of every trade's worth is what that cost: of the trade itself, or of
those that came otherwise because of it. So the costs of a day sum up to what it was worse by.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping

import msgspec

from trader.core.events import Instant
from trader.core.signal import Direction
from trader.reports.divergence.books import DayBooks, Key, frozen, key_of, key_of_pending, thawed, worths
from trader.reports.divergence.causes import of_fills
from trader.reports.divergence.decisions import Judged, decisions_apart, of_decision
from trader.reports.divergence.done import Done, add, done, same_done
from trader.reports.divergence.evidence import Evidence
from trader.reports.divergence.final import FinalDay
from trader.reports.divergence.followed import LivedDay, Stretch
from trader.reports.divergence.place import Finding, Place
from trader.reports.divergence.play import Play, Rules
from trader.reports.divergence.records import Cause, Cost

Worths = dict[Key, float]
#: Costs below this are decimals of the wire, in quote currency.
NOISE = 1e-6


class Attributed(msgspec.Struct, frozen=True, eq=False):
    """What came of it: `costs` by the trade that bore them, with the trade they follow from (None: its own).

    `pool_costs` are those that no trade bears, `backtest` and `live` the books of both at the end of the day.
    """

    costs: dict[Key, list[tuple[Cost, Key | None]]]
    pool_costs: list[Cost]
    backtest: DayBooks
    live: DayBooks
    unexplained: int


#: What is known of differences, by the trade that differs first; None is the pool.
Found = dict[Key | None, list[Finding]]


class View(msgspec.Struct, frozen=True, eq=False):
    """A stretch that is looked at: how many instants of it the daemon `missed`, and life's positions by key."""

    stretch: Stretch
    missed: int
    positions: dict[Key, int]


class Apart(msgspec.Struct, eq=False):
    """A trade of which something filled in the backtest, and otherwise or not yet in life; `cost` is booked later."""

    place: Place
    backtest: Done
    live: Done
    cost: float = 0.0


class Attribution:
    """Goes through a lived day. `tell` hears of each stretch's end, T in ms."""

    def __init__(
        self, lived: LivedDay, rules: Rules, final: FinalDay, evidence: Evidence, tell: Callable[[int], object]
    ) -> None:
        self._lived = lived
        self._rules = rules
        self._final = final
        self._evidence = evidence
        self._tell = tell
        self._times = list(final.instants)
        self._marks = final.marks(self._times[-1]) if self._times else {}
        self._worths: Worths = {}
        self._costs: dict[Key, list[tuple[Cost, Key | None]]] = {}
        self._pool_costs: list[Cost] = []
        self._unexplained = 0
        self._backtest: DayBooks | None = None
        self._directions: dict[Key, Direction] = {}
        self._apart: dict[Key, Apart] = {}
        self._deferred: dict[Key, float] = {}

    def run(self) -> Attributed | None:
        """Return what was found; None where nothing of the day was lived."""
        for stretch in self._lived.stretches():
            if self._backtest is None:
                self._begin(stretch)
            if self._is_of_interest(stretch):
                self._look(stretch)
            self._tell(stretch.end)
        if self._backtest is None:
            return None
        live = thawed(self._lived.last)
        self._round(live)
        return Attributed(self._costs, self._pool_costs, self._backtest, live, self._unexplained)

    def _begin(self, stretch: Stretch) -> None:
        books = thawed(stretch.before)
        books.ended = {}
        self._backtest = Play(self._rules, self._final, books).to_end(stretch.start)
        self._worths = worths(self._backtest, self._marks)

    def _is_of_interest(self, stretch: Stretch) -> bool:
        """Tell whether anything can have gone otherwise: not where nothing is open and nobody sees anything."""
        if stretch.busy or len(stretch.entries) > 1 or stretch.new_run or stretch.entries[-1].commands:
            return True
        return any(time in self._final.readings for time in self._inside(stretch))

    def _inside(self, stretch: Stretch) -> list[int]:
        if stretch.end in self._final.instants and self._missed(stretch) == 0:
            return [stretch.end]
        return [time for time in self._times if stretch.start < time <= stretch.end]

    def _missed(self, stretch: Stretch) -> int:
        first, last = _places(self._times, stretch.start, stretch.end)
        return max(0, last - first - 1)

    # --- one stretch ------------------------------------------------------------------------------------------------

    def _look(self, stretch: Stretch) -> None:
        play = Play(self._rules, self._final, thawed(stretch.before))
        answers = [answer for time in self._inside(stretch) for answer in play.step(self._final.instants[time])]
        events = [entry.event for entry in stretch.events()]
        begun = self._evidence.before = thawed(stretch.before)
        keys = begun.keys() | stretch.after.keys()
        view = View(stretch, self._missed(stretch), {key: position_id for position_id, key in keys.items()})
        simulated, lived = done(answers, begun.keys() | play.books.keys()), done(events, keys)
        self._directions |= {**_directions(play.books), **_directions(stretch.after)}
        found = self._of_fills(simulated, lived, view)
        if view.missed or stretch.end not in self._final.instants:
            decided = self._of_decisions(play.books, view, {*simulated, *lived})
            self._book(stretch.end, {**decided, **found}, frozen(stretch.after))
            return
        followed = Play(self._rules, self._final, begun)
        instant = self._final.instants[stretch.end]
        followed.follow(events, msgspec.structs.replace(instant, funding=stretch.instant.funding))
        decided = self._of_decisions(followed.books, view, set())
        if found:
            self._book(stretch.end, found, frozen(followed.books if decided else stretch.after))
        if decided:
            self._book(stretch.end, decided, frozen(stretch.after))

    def _of_fills(self, simulated: Mapping[Key, Done], lived: Mapping[Key, Done], view: View) -> Found:
        """Explain what filled otherwise; where life is behind the backtest, not before it has caught up."""
        nothing, found = Done(), Found()
        for key in sorted(simulated.keys() | lived.keys()):
            ours, theirs = lived.get(key, nothing), simulated.get(key, nothing)
            if key in self._apart:
                add(self._apart[key].live, ours)
            elif not same_done(theirs, ours):
                self._apart[key] = Apart(self._place(key, view), theirs, ours)
        for key, apart in list(self._apart.items()):
            if not is_behind(key, apart.backtest, apart.live, view.stretch.after):
                found[key] = self._settled(key, view.stretch.end)
        return found

    def _settled(self, key: Key, time: int) -> list[Finding]:
        apart = self._apart.pop(key)
        self._deferred[key] = apart.cost
        return of_fills(apart.place.lasting(time), apart.backtest, apart.live) or [
            Finding(Cause.UNEXPLAINED, "it differs")
        ]

    def _place(self, key: Key, view: View) -> Place:
        position_id, direction = view.positions.get(key, 0), self._directions.get(key, Direction.LONG)
        stretch = view.stretch
        return Place(
            key, direction, stretch.start, stretch.end, stretch.end, view.missed, stretch.new_run, position_id,
            self._evidence, self._final, self._evidence.stop(position_id),
        )  # fmt: skip

    def _of_decisions(self, books: DayBooks, view: View, filled: set[Key]) -> Found:
        """Return how decisions differ, given that `books` have had the same fills, but for those of `filled`."""
        stretch = view.stretch
        last = stretch.entries[-1]
        readings = {(each.symbol, str(each.timeframe)): each for each in last.readings}
        paused = stretch.after.book.guards.paused_by_person and not books.book.guards.paused_by_person
        late = frozenset(
            candle.symbol
            for entry in stretch.entries
            if isinstance(entry.event, Instant) and entry.event.late
            for candle in entry.event.candles
        )
        judged = Judged(stretch.instant, readings, paused, late, self._lived.other_settings)
        found = Found()
        for key, words in decisions_apart(books, stretch.after):
            if key not in filled and key not in self._apart:
                found[key] = [of_decision(self._place(key, view), judged, words)]
        if not found and paused and not view.missed:
            found[None] = [Finding(Cause.HALTED, "entries were paused by the daemon itself")]
        return found

    # --- booking ----------------------------------------------------------------------------------------------------

    def _book(self, time: int, found: Found, kept: bytes) -> None:
        """Go on to the end of the day from the books `kept`, and book what has changed under what was `found`.

        What changes of trades that are not settled yet waits for that.
        """
        if not found:
            return
        now = worths(Play(self._rules, self._final, thawed(kept)).to_end(time), self._marks)
        before, self._worths = self._worths, now
        changes = {key: before.get(key, 0.0) - now.get(key, 0.0) for key in {**before, **now}}
        own = {key: changes.pop(key, 0.0) + self._deferred.pop(key, 0.0) for key in found if key is not None}
        for waiting, apart in self._apart.items():
            apart.cost += changes.pop(waiting, 0.0)
        dearest: dict[Key | None, tuple[Cause, float]] = {}
        for key, findings in found.items():
            self._unexplained += sum(each.cause is Cause.UNEXPLAINED for each in findings)
            for finding, cost in _shares(findings, own.get(key, 0.0) if key is not None else 0.0):
                self._put(key, Cost(finding.cause, cost, time, finding.words), None)
                if key not in dearest or abs(cost) > abs(dearest[key][1]):
                    dearest[key] = finding.cause, cost
        root = max(own, key=lambda key: abs(own[key]), default=None)
        for other, cost in changes.items():
            if abs(cost) > NOISE:
                self._put(other, Cost(dearest[root][0], cost, time, ""), root)
            elif cost:
                self._put(other, Cost(Cause.ROUNDING, cost, time, ""), None)

    def _put(self, key: Key | None, cost: Cost, root: Key | None) -> None:
        if key is None:
            self._pool_costs.append(cost)
        else:
            self._costs.setdefault(key, []).append((cost, root))

    def _round(self, live: DayBooks) -> None:
        """Book what is left between the last run and life: what is not settled, and decimals of the wire."""
        time = self._times[-1]
        self._book(time, {key: self._settled(key, time) for key in list(self._apart)}, frozen(live))
        now = worths(live, self._marks)
        for key in sorted(self._worths.keys() | now.keys()):
            cost = self._worths.get(key, 0.0) - now.get(key, 0.0)
            if abs(cost) <= 0:
                continue
            size = max((t.quantity * t.entry_price for t in live.trades() if key_of(t) == key), default=0.0)
            small = abs(cost) <= 1e-6 * size + NOISE
            self._unexplained += not small
            cause = Cause.ROUNDING if small else Cause.UNEXPLAINED
            self._put(key, Cost(cause, cost, time, "" if small else "left over"), None)


def is_behind(key: Key, backtest: Done, live: Done, after: DayBooks) -> bool:
    """Tell whether life may still do what the backtest has done: an entry that waits, or a close that is not there."""
    if backtest.entry.quantity > 0 and not live.entry.quantity and not live.dropped:
        return key in {key_of_pending(each) for each in after.book.pending.values()}
    closed = [sum(leg.quantity for leg in each.exits.values()) for each in (backtest, live)]
    if closed[0] <= closed[1] * (1 + 1e-9) or not (live.entry.quantity or not backtest.entry.quantity):
        return False
    return key in {key_of(trade) for trade in after.book.trades.values()}


def _places(times: list[int], start: int, end: int) -> tuple[int, int]:
    """Return how many of `times` (ascending) lie up to `start`, and how many up to `end`."""
    return bisect_right(times, start), bisect_right(times, end)


def _shares(findings: list[Finding], cost: float) -> Iterator[tuple[Finding, float]]:
    """Share a cost among findings: each takes what it is known to have cost, the first of the others the rest."""
    known = sum(each.cost for each in findings if each.cost is not None)
    heir = next((each for each in findings if each.cost is None), findings[-1])
    for each in findings:
        yield each, (each.cost or 0.0) + (cost - known if each is heir else 0.0)


def _directions(books: DayBooks) -> dict[Key, Direction]:
    pending = {key_of_pending(each): each.request.direction for each in books.book.pending.values()}
    return pending | {key_of(trade): trade.direction for trade in books.trades()}
