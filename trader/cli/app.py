"""The command line: which commands there are, and what happens to their errors.

Exit codes: 0 done, 1 failed, 2 wrong use or settings, 130 interrupted.
"""

from __future__ import annotations

import importlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import typer
from typer.exceptions import TyperException

from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, read_settings
from trader.core.errors import ConfigError, TraderError
from trader.engine import logs
from trader.engine.redaction import redactor
from trader.engine.settings import remember_secrets

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class Work(NamedTuple):
    """What a sub-command does, a function or a group of further ones, and what a person types behind its name."""

    function: Callable[..., Any] | typer.Typer
    examples: tuple[str, ...]


class Command(NamedTuple):
    """One sub-command; `load` imports what it does, so that no other command's imports are waited for."""

    name: str
    load: Callable[[], Work]


def command(name: str, module: str) -> Command:
    """Return the sub-command that a module of `trader.cli` has.

    It has `<name>_command`, or `commands` that returns a group; and `EXAMPLES`, or `<NAME>_EXAMPLES` where a module
    has several commands.
    """

    def load() -> Work:
        home, own = importlib.import_module(f"trader.cli.{module}"), name.replace("-", "_")
        examples = getattr(home, f"{own.upper()}_EXAMPLES", None) or home.EXAMPLES
        return Work(getattr(home, f"{own}_command", None) or home.commands(), examples)

    return Command(name, load)


#: Every sub-command; a new one needs its line here and nothing else.
COMMANDS: tuple[Command, ...] = (
    command("run", "run"),
    command("status", "status"),
    command("pause", "control"),
    command("resume", "control"),
    command("close", "control"),
    command("close-all", "control"),
    command("kill", "control"),
    command("lift", "control"),
    command("set", "control"),
    command("unset", "control"),
    command("backtest", "backtest"),
    command("download", "download"),
    command("import", "import_"),
    command("check", "check"),
    command("exchange", "exchange"),
    command("journal", "journal"),
    command("replay", "replay"),
    command("report", "report_"),
    command("analyse", "analyse"),
    command("train", "train"),
    command("models", "models"),
    command("retrain", "retrain"),
    command("keys", "keys"),
    command("settings", "settings"),
)

#: Which of them `python start.py` runs on its own.
COMMAND_OF_DATA_SOURCE = {"websocket": "run", "backtest": "backtest", "backtest_hedging": "backtest"}


def build(commands: Iterable[Command] = COMMANDS) -> typer.Typer:
    """Return the command line with `commands`."""
    app = typer.Typer(
        name="start.py",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        invoke_without_command=True,
        callback=_without_command,
        epilog=_examples(("DATA_SOURCE=backtest python start.py", "python start.py backtest --help")),
    )
    for each in commands:
        work = each.load()
        lines = [f"python start.py {each.name} {example}".rstrip() for example in work.examples]
        if isinstance(work.function, typer.Typer):
            app.add_typer(work.function, name=each.name, epilog=_examples(lines))
        else:
            app.command(each.name, epilog=_examples(lines))(work.function)
    return app


def main(arguments: Sequence[str] | None = None, commands: Sequence[Command] = COMMANDS) -> int:
    """Run the command line with `arguments`, those of the process unless given, and return its exit code."""
    given = with_debug_value(sys.argv[1:] if arguments is None else arguments)
    typed = [each for each in commands if each.name in given[:1]]  # the others need not be imported
    try:
        remember_secrets()
        code = typer.main.get_command(build(typed or commands))(given, "python start.py", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except TyperException as error:
        return report_use(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        return report(error, with_traceback=any(word.startswith("--debug") for word in given))
    finally:
        logs.stop()


def report_use(error: TyperException) -> int:
    """Print what is wrong with the arguments and where to look, and return the exit code."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "python start.py"
    say(f"wrong use: {error.format_message()}\n  {command} --help says what is allowed")
    return WRONG_USE


def report(error: Exception, with_traceback: bool) -> int:
    """Print `error` as a person needs it, and return the exit code; what nobody foresaw is named as such."""
    if with_traceback:
        say("".join(traceback.format_exception(error)))
    if isinstance(error, ConfigError):
        say("\n  ".join([f"cannot start: {_counted(error.faults)}:", *error.faults]))
        return WRONG_USE
    if isinstance(error, TraderError):
        say(f"failed: {error}")
        return FAILED
    if isinstance(error, OSError) and error.filename is not None:
        say(f"failed: {error.filename}: {error.strerror or error}")
        return FAILED
    logging.getLogger(__name__).debug("unforeseen", exc_info=error)
    say(f"failed: {type(error).__name__}: {error}; this was not foreseen, --debug shows where it arose")
    return FAILED


def say(text: str) -> None:
    """Print `text` to standard error without secrets, where anybody still reads it."""
    try:
        print(redactor.hide(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def with_debug_value(arguments: Iterable[str]) -> list[str]:
    """Return `arguments` with `all` behind a `--debug` that stands without a stream.

    >>> with_debug_value(["run", "--debug", "--set", "MODE=paper"]), with_debug_value(["run", "--debug", "BTCUSDT"])
    (['run', '--debug', 'all', '--set', 'MODE=paper'], ['run', '--debug', 'BTCUSDT'])
    """
    given = list(arguments)
    for at in reversed(range(len(given))):
        if given[at] == "--debug" and not _is_stream(given[at + 1 : at + 2]):
            given.insert(at + 1, logs.ALL)
    return given


def _is_stream(following: Sequence[str]) -> bool:
    return bool(following) and following[0].replace(",", "").replace(":", "").isalnum()


def _without_command(
    context: typer.Context,
    pairs: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Trade on Binance's markets, or on their history, and show at every moment what is done and why.

    Without a sub-command, the setting DATA_SOURCE says what runs: websocket (run), backtest, backtest_hedging.
    """
    if context.invoked_subcommand:
        if pairs or preset or config or debug:
            raise ConfigError("options stand behind the sub-command, as in: python start.py backtest --debug")
        return
    chosen = read_settings(pairs, config, preset=preset).settings
    name = COMMAND_OF_DATA_SOURCE[chosen.DATA_SOURCE]
    options = [("--set", pair) for pair in pairs or ()]
    named = (("--preset", preset), ("--config", config), ("--debug", debug))
    options += [(option, str(value)) for option, value in named if value]
    group: Any = context.command
    command = group.get_command(context, name)
    with command.make_context(name, [part for option in options for part in option], parent=context) as inner:
        command.invoke(inner)


def _examples(lines: Iterable[str]) -> str:
    return "\n\n".join(["Examples:", *lines])


def _counted(faults: Sequence[str]) -> str:
    return "one fault" if len(faults) == 1 else f"{len(faults)} faults"
