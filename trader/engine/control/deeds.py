"""Follows commands from their acceptance until they have acted, and says what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from trader.core.events import Action, OperatorCommand
from trader.core.trade import Trade
from trader.trading.book import Book
from trader.trading.guards import KILL_SWITCH
from trader.trading.logic import MANUAL
from trader.trading.notes import Dropped, GuardChanged, Note, PartClosed, Refused, StopMoved

#: Commands of which is known what became of them.
KEPT = 100
#: The guard that a command changes.
GUARDS = {
    Action.PAUSE: "paused",
    Action.RESUME: "paused",
    Action.KILL: KILL_SWITCH,
    Action.LIFT: KILL_SWITCH,
    Action.SET: "settings",
    Action.UNSET: "settings",
}
#: What trades and dropped entries are given as the reason.
REASONS = {Action.CLOSE: MANUAL, Action.CLOSE_ALL: MANUAL, Action.KILL: KILL_SWITCH}


#: Says what still has to happen at the exchange on a coin ("" is all of them) before what ends there is over.
UnderWay = Callable[[str], list[str]]


def nothing(symbol: str) -> list[str]:
    """Say that nothing is under way: simulated fills are done when they are told."""
    return []


class Deed:
    """What one request has set going. `over` is set when nothing more will happen: what it closes is closed.

    `doing` is what is still under way at the exchange, in words.
    """

    def __init__(self, number: int, commands: Sequence[OperatorCommand]) -> None:
        self.number = number
        self.commands = commands
        self.acted_at: int | None = None
        self.lines: list[str] = []
        self.doing: list[str] = []
        self.over = asyncio.Event()
        self._closing: set[int] = set()

    def look(self, book: Book, time: int, heard: Sequence[Note], under_way: UnderWay = nothing) -> None:
        """Take note of an instant that is over, and of what was heard in it."""
        if self.acted_at is None:
            if any(command is waiting for command in self.commands for waiting in book.commands):
                return
            self.acted_at = time
            self._closing = {trade.id for trade in book.trades.values() if self._closes(trade)}
        self.lines += [line for note in heard for line in self._said(note)]
        self._closing &= {trade.id for trade in book.trades.values()}
        self.doing = list(dict.fromkeys(words for symbol in self._coins() for words in under_way(symbol)))
        if not self._closing and not self.doing:
            self.over.set()

    def _coins(self) -> list[str]:
        """Return the coins that it closes; "" is all of them."""
        return [command.name for command in self.commands if command.action in REASONS]

    def _closes(self, trade: Trade) -> bool:
        return bool(trade.closing) and any(self._is_about(command, trade.symbol) for command in self.commands)

    def _is_about(self, command: OperatorCommand, symbol: str) -> bool:
        return command.action in REASONS and (command.action is not Action.CLOSE or command.name == symbol)

    def _is_reason(self, note: PartClosed) -> bool:
        """Tell whether a trade closes for this: one that an entry opened which could not be withdrawn any more."""
        symbol, reason = note.trade.symbol, note.part.reason
        return any(self._is_about(each, symbol) and reason == REASONS[each.action] for each in self.commands)

    def _said(self, note: Note) -> Iterable[str]:
        if isinstance(note, PartClosed) and (note.trade.id in self._closing or self._is_reason(note)):
            yield _part(note)
        elif isinstance(note, GuardChanged) and any(_changes(command, note) for command in self.commands):
            yield note.text
        elif isinstance(note, Dropped):
            symbol = note.reading.symbol
            if any(self._is_about(each, symbol) and note.rule == REASONS[each.action] for each in self.commands):
                yield f"the entry on {symbol} {note.reading.timeframe} that waited was dropped"


class Deeds:
    """An audience that follows accepted commands; without one it does not listen."""

    def __init__(self) -> None:
        self._all: dict[int, Deed] = {}
        self._pending: list[Deed] = []
        self._heard: list[Note] = []
        self._count = 0

    def follow(self, commands: Sequence[OperatorCommand]) -> Deed:
        """Begin to follow what one request has set going."""
        self._count += 1
        deed = self._all[self._count] = Deed(self._count, commands)
        self._pending.append(deed)
        while len(self._all) > KEPT:
            del self._all[next(iter(self._all))]
        return deed

    def get(self, number: int) -> Deed | None:
        """Return the deed of that number, unless it is too long ago."""
        return self._all.get(number)

    def note(self, note: Note) -> None:
        """Remember what the core tells until the instant is over."""
        if self._pending and not isinstance(note, Refused | StopMoved):
            self._heard.append(note)

    def look(self, book: Book, time: int, under_way: UnderWay = nothing) -> None:
        """Take note of an instant that is over, or of what has come since."""
        if not self._pending:
            return
        heard, self._heard = self._heard, []
        for deed in self._pending:
            deed.look(book, time, heard, under_way)
        self._pending = [deed for deed in self._pending if not deed.over.is_set()]


def _changes(command: OperatorCommand, note: GuardChanged) -> bool:
    if GUARDS.get(command.action) != note.guard:
        return False
    return note.guard != "settings" or note.text.startswith(f"{command.name} ")


def _part(note: PartClosed) -> str:
    trade, part = note.trade, note.part
    whole = f"trade {trade.id}, {trade.symbol} {trade.direction.name}"
    closed = f"{whole}: {part.quantity:g} closed at {part.price:g} ({part.reason}), net {part.net:+,.2f}"
    return closed if trade.quantity_left > 0 else f"{closed}; it ended with {trade.net:+,.2f}"
