"""The divergence of a day, from a journal and a store of final candles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trader.core.errors import JournalError
from trader.core.timeframe import DAY_MS
from trader.engine.live.names import readable
from trader.engine.replay import instruments_of, settings_of
from trader.journal.reader import Reader
from trader.market.store import Store
from trader.reports.divergence.attribute import Attributed, Attribution
from trader.reports.divergence.books import equity, thawed
from trader.reports.divergence.evidence import Evidence
from trader.reports.divergence.final import FinalDay, final_day
from trader.reports.divergence.followed import LivedDay
from trader.reports.divergence.play import Rules
from trader.reports.divergence.records import Divergence
from trader.reports.divergence.rows import rows_of, totals_of
from trader.reports.divergence.words import at, moment


def diverge(
    reader: Reader, store: Store, day_ms: int, tell: Callable[[int, int], object] = lambda done, total: None
) -> Divergence:
    """Compare the UTC day that begins at `day_ms` with a backtest of it on the candles of `store`.

    It begins with the books of life at the day's begin, and is given what people commanded. `tell` hears how far it is.
    Raise `JournalError` where the journal has nothing of the day, `DataError` where the store is broken.
    """
    lived = LivedDay(reader, day_ms)
    end = max(lived.seen.judged_wall, default=lived.start)
    if end <= lived.start:
        raise JournalError(f"journal {reader.place}: no instant of {moment(day_ms)[:10]} was judged", "unbegun")
    final = final_day(store, lived.run, lived.exits, lived.seen.models, lived.start, end)
    if not final.instants:
        raise JournalError(
            f"the store {store.root} has no candles of {moment(lived.start)} to {moment(end)}: name another with --data"
        )
    rules = Rules(settings_of(lived.run), lived.exits, instruments_of(lived.run), lived.seen.commands)
    evidence = Evidence(reader, lived.run.pool, lived.seen, final)
    total = end - lived.start
    attribution = Attribution(lived, rules, final, evidence, lambda time: tell(time - lived.start, total))
    found = attribution.run()
    if found is None:
        raise JournalError(f"journal {reader.place}: no instant of {moment(day_ms)[:10]} was decided", "unbegun")
    return _divergence(lived, rules, final, evidence, found, end)


def _divergence(
    lived: LivedDay, rules: Rules, final: FinalDay, evidence: Evidence, found: Attributed, end: int
) -> Divergence:
    marks = final.marks(end)
    first = thawed(lived.first)
    rows = rows_of(first, found, evidence, marks)
    return Divergence(
        day=moment(lived.day)[:10],
        venue=readable(lived.run.venue),
        market=lived.run.market,
        quote=rules.settings.QUOTE,
        start=lived.start,
        end=end,
        instants=len(final.instants),
        equity_start=equity(first.book, first.book.last_close),
        equity_live=equity(found.live.book, marks),
        equity_backtest=equity(found.backtest.book, marks),
        rows=rows,
        totals=totals_of(rows, found.pool_costs),
        pool_costs=tuple(found.pool_costs),
        unexplained=found.unexplained + len(lived.parted),
        commands=tuple(_commands(lived)),
        notes=tuple(_notes(lived, final, end)),
    )


def _commands(lived: LivedDay) -> Iterator[str]:
    for time, commands in lived.seen.commands.items():
        for each in commands:
            yield f"{at(time)[:8]} {each.action} {each.name} {each.value}".rstrip()


def _notes(lived: LivedDay, final: FinalDay, end: int) -> Iterator[str]:
    """Yield what a person must know to read the report."""
    if lived.start > lived.day:
        yield f"the pool began at {moment(lived.start)}: before, there is nothing to compare"
    if end < lived.day + DAY_MS:
        yield f"it ends at {moment(end)}: the daemon has judged nothing of the day after that"
    if lived.other_settings:
        yield "the daemon was started again with other settings; the backtest keeps those of the day's begin"
    absent = [time for time in lived.seen.judged_wall if time > lived.start and time not in final.instants]
    if absent:
        yield (
            f"{len(absent)} instants were judged of which the store has no candles, the first at {moment(absent[0])}: "
            "bring them with `python start.py download`, or name another store with --data"
        )
    yield from lived.parted
