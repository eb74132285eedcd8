"""How things will stand at the next instant, once the commands that wait have been obeyed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trader.core.errors import ConfigError
from trader.core.events import Action, OperatorCommand
from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.changes import changed_settings, with_change, without_change
from trader.trading.guards import BY_PERSON


class Outlook(msgspec.Struct):
    """The guards and the changed settings to come; `closes` are coins that a command will close, "" is all."""

    paused_by_person: bool
    drawdown_pause: str
    killed: bool
    killed_by: list[str]
    changed: dict[str, str]
    closes: set[str]

    @property
    def paused(self) -> bool:
        """Whether entries will be paused."""
        return self.paused_by_person or bool(self.drawdown_pause)

    def obey(self, command: OperatorCommand, settings: Settings) -> None:
        """Take one command into account, as the core will."""
        action = command.action
        if action is Action.PAUSE:
            self.paused_by_person = True
        elif action is Action.RESUME:
            self.paused_by_person, self.drawdown_pause = False, ""
        elif action in (Action.KILL, Action.LIFT):
            self._throw(command.name or BY_PERSON, action is Action.KILL)
        elif action in (Action.CLOSE, Action.CLOSE_ALL):
            self.closes.add(command.name if action is Action.CLOSE else "")
        else:
            self.changed = _changed(self.changed, command, settings)

    def _throw(self, by: str, on: bool) -> None:
        self.killed_by = [each for each in self.killed_by if each != by] + ([by] if on else [])
        self.killed = bool(self.killed_by)


def outlook_of(book: Book, settings: Settings) -> Outlook:
    """Return how the guards and settings will stand; `settings` are those of the start, without any change."""
    guards = book.guards
    outlook = Outlook(
        guards.paused_by_person, guards.drawdown_pause, guards.killed, guards.killed_by, book.changed, set()
    )
    for command in book.commands:
        outlook.obey(command, settings)
    return outlook


def settings_then(settings: Settings, outlook: Outlook) -> Settings:
    """Return the settings that will be in force."""
    return changed_settings(settings, outlook.changed)


def _changed(changed: Mapping[str, str], command: OperatorCommand, settings: Settings) -> dict[str, str]:
    """Return the changes that a command leaves; one that cannot be made leaves them as they are."""
    try:
        if command.action is Action.SET:
            left = with_change(changed, command.name, command.value)
        else:
            left = without_change(changed, command.name)
        changed_settings(settings, left)
    except ConfigError:
        return dict(changed)
    return left
