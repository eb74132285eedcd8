"""Judges a command before it enters: what the core shall be told, or why there is nothing to tell it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from trader.core.errors import ConfigError
from trader.core.events import Action, OperatorCommand
from trader.core.settings import Settings
from trader.engine.control.changing import planned_changes
from trader.engine.control.messages import (
    Close,
    CloseAll,
    Command,
    Kill,
    Lift,
    Nothing,
    Pause,
    Refused,
    Resume,
    Set,
)
from trader.engine.control.outlook import Outlook, outlook_of, settings_then
from trader.engine.settings import defaults
from trader.trading.book import Book
from trader.trading.changes import changed_settings, lies_within, value_of, without_change
from trader.trading.guards import BY_FILE, BY_PERSON

#: No more commands wait for an instant; the kill switch always has room.
MOST_WAITING = 100


class Plan(msgspec.Struct, frozen=True):
    """What the core shall be told, and what that means in words."""

    commands: Sequence[OperatorCommand]
    text: str


class Scene(msgspec.Struct, frozen=True):
    """What a command is judged by. `settings` are those of the start; `muted`: the books contradict themselves."""

    book: Book
    settings: Settings
    coins: Sequence[str]
    kill_file: Path
    muted: bool


def plan(command: Command, scene: Scene) -> Plan | Nothing | Refused:
    """Return what `command` comes to, given what is so and what waits already."""
    if len(scene.book.commands) >= MOST_WAITING and not isinstance(command, Kill):
        return Refused(f"{MOST_WAITING} commands wait for the next candle already; try again behind it")
    outlook = outlook_of(scene.book, scene.settings)
    if isinstance(command, Pause):
        return _pause(outlook)
    if isinstance(command, Resume):
        return _resume(outlook, scene)
    if isinstance(command, Kill):
        return _kill(outlook, scene)
    if isinstance(command, Lift):
        return _lift(outlook, scene)
    if isinstance(command, Close):
        return _close_coin(command.symbol.strip().upper(), outlook, scene)
    if isinstance(command, CloseAll):
        return _close("", outlook, scene)
    try:
        return _set(command, outlook, scene) if isinstance(command, Set) else _unset(command.names, outlook, scene)
    except (ConfigError, RecursionError, OverflowError) as error:
        return Refused(str(error), wrong=True)


def _pause(outlook: Outlook) -> Plan | Nothing:
    if outlook.paused_by_person:
        return Nothing("entries are paused already")
    return Plan([OperatorCommand(Action.PAUSE)], "entries pause; stops, targets and waiting entries go on")


def _resume(outlook: Outlook, scene: Scene) -> Plan | Nothing | Refused:
    if scene.muted:
        return Refused(
            "the books contradict themselves (see the log): no entries until a restart and a resume after it"
        )
    if not outlook.paused:
        return Nothing("there is nothing to resume: entries are not paused")
    peak = "; the drawdown counts from the present equity on" if outlook.drawdown_pause else ""
    return Plan([OperatorCommand(Action.RESUME)], f"entries resume{peak}")


def _kill(outlook: Outlook, scene: Scene) -> Plan | Nothing:
    if BY_PERSON in outlook.killed_by:
        return Nothing("the kill switch is on already; lift ends it")
    text = f"kill switch: {_everything(scene.book)}, no entries until it is lifted"
    return Plan([OperatorCommand(Action.KILL)], text)


def _lift(outlook: Outlook, scene: Scene) -> Plan | Nothing | Refused:
    if scene.kill_file.exists():
        return Refused(f"{scene.kill_file} is there and keeps the kill switch on: delete it")
    if not outlook.killed:
        return Nothing("there is nothing to lift: the kill switch is off")
    if outlook.killed_by == [BY_FILE]:
        return Nothing(f"{scene.kill_file} is gone: the kill switch is lifted within a second")
    return Plan([OperatorCommand(Action.LIFT)], "the kill switch is lifted: entries are allowed")


def _close_coin(symbol: str, outlook: Outlook, scene: Scene) -> Plan | Nothing | Refused:
    coins = dict.fromkeys([*scene.coins, *sorted(trade.symbol for trade in scene.book.trades.values())])
    if symbol not in coins:
        return Refused(
            f"{symbol or 'a coin without a name'} is not traded here; allowed: {', '.join(coins)}", wrong=True
        )
    return _close(symbol, outlook, scene)


def _close(symbol: str, outlook: Outlook, scene: Scene) -> Plan | Nothing:
    """Plan the close of one coin, or of all where `symbol` is ""."""
    book = scene.book
    where = f"on {symbol}" if symbol else "at all"
    if "" in outlook.closes or symbol in outlook.closes:
        return Nothing(f"that is commanded already, and waits for the next candle: {_everything(book, symbol)}")
    trades = [trade for trade in book.trades.values() if symbol in ("", trade.symbol)]
    waiting = any(symbol in ("", pending.request.symbol) for pending in book.pending.values())
    if not trades and not waiting:
        return Nothing(f"there is nothing to close: no trade is open and no entry waits {where}")
    if not waiting and all(trade.closing for trade in trades):
        return Nothing(f"what is open {where} closes already ({trades[0].closing})")
    action = OperatorCommand(Action.CLOSE, symbol) if symbol else OperatorCommand(Action.CLOSE_ALL)
    return Plan([action], f"{_everything(book, symbol)}; entries go on" + ("" if symbol else ", pause stops them"))


def _set(command: Set, outlook: Outlook, scene: Scene) -> Plan | Nothing:
    running = settings_then(scene.settings, outlook)
    changes = planned_changes(running, command.changes)
    news = [(name, value) for name, value in changes if value_of(running, name) != value]
    if not news:
        return Nothing(f"that is so already: {_listed(changes)}")
    said = [f"{name} = {value} (was {value_of(running, name)})" for name, value in news]
    return Plan([OperatorCommand(Action.SET, name, value) for name, value in news], ", ".join(said))


def _unset(names: Sequence[str], outlook: Outlook, scene: Scene) -> Plan | Nothing | Refused:
    if unknown := [name for name in names if name.split(".")[0].upper() not in defaults()]:
        return Refused(f"there is no such setting: {', '.join(unknown)}", wrong=True)
    left, commands, said = outlook.changed, list[OperatorCommand](), list[str]()
    for name in names:
        undone = [each for each in left if lies_within(each, name)]
        if not undone:
            continue
        left = without_change(left, name)
        then = changed_settings(scene.settings, left)
        commands.append(OperatorCommand(Action.UNSET, _spelt(name, undone[0])))
        said += [f"{each} = {value_of(then, each)} again (was {outlook.changed[each]})" for each in undone]
    if not commands:
        return Nothing(f"nobody has changed {', '.join(names)}; changed are: {', '.join(left) or 'none'}")
    return Plan(commands, ", ".join(said))


def _spelt(name: str, changed: str) -> str:
    """Return `name`, which holds the setting `changed`, as that is spelt."""
    return ".".join(changed.split(".")[: len(name.split("."))])


def _everything(book: Book, symbol: str = "") -> str:
    """Say what there is to close, on one coin or on all."""
    trades = sum(symbol in ("", trade.symbol) for trade in book.trades.values())
    entries = sum(symbol in ("", pending.request.symbol) for pending in book.pending.values())
    parts = []
    if trades:
        parts.append("1 open trade closes" if trades == 1 else f"{trades} open trades close")
    if entries:
        parts.append("1 waiting entry is dropped" if entries == 1 else f"{entries} waiting entries are dropped")
    return (f"{symbol}: " if symbol else "") + (", ".join(parts) or "nothing is open")


def _listed(changes: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in changes)
