"""What the commands to a running daemon share: whom they mean, what they say, how they end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from trader.cli.common import read_settings
from trader.core.errors import TraderError
from trader.engine.control.client import Client, speaking_to
from trader.engine.control.find import Running, find_daemon
from trader.engine.control.messages import Accepted, AskStatus, Command, Happened, Refused, Status
from trader.engine.redaction import redactor

ModeOption = Annotated[
    str | None,
    typer.Option("--mode", help="Which daemon is meant, where several run: embedded, paper, demo, testnet, live."),
]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it has acted, and print what happened.")]
TimeoutOption = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait at most.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")]

FAILED, WRONG_USE = 1, 2
PATIENCE_S = 180.0


class Meant:
    """The daemon that a command means, as options and settings tell."""

    def __init__(
        self,
        mode: str | None,
        settings: Sequence[str] | None,
        preset: str | None,
        config: Path | None,
    ) -> None:
        loaded = read_settings(settings, config, {"--mode": ("MODE", mode)}, preset)
        self.kill_file = Path(loaded.settings.DATA_DIR) / "KILL"
        self._loaded = loaded

    @contextmanager
    def speaking(self) -> Iterator[tuple[Running, Client]]:
        """Connect to it while the block runs; raise `TraderError` saying what to do where that cannot be."""
        running = find_daemon(self._loaded)
        with speaking_to(running.home) as client:
            yield running, client


def send(client: Client, command: Command, wait: bool, timeout_s: float) -> None:
    """Send a command, print the answer and, with `wait`, what happened; exit with 1 or 2 where it is refused."""
    answer = client.ask(command)
    if isinstance(answer, Refused):
        say(f"refused: {answer.text}", err=True)
        raise typer.Exit(WRONG_USE if answer.wrong else FAILED)
    if not isinstance(answer, Accepted):
        say(str(getattr(answer, "text", answer)))
        return
    say(f"accepted: {answer.text}\nit acts {answer.acts}")
    if wait:
        _wait(client, answer, timeout_s)


def status_from(client: Client) -> Status:
    """Ask how the daemon is."""
    answer = client.ask(AskStatus())
    if not isinstance(answer, Status):
        raise TraderError(f"the daemon did not say how it is, but: {answer}")
    return answer


def confirmed(client: Client, question: str, yes: bool) -> bool:
    """Ask on a terminal whether everything shall close; elsewhere, and with `yes`, that is taken as said."""
    if yes or not sys.stdin.isatty():
        return True
    status = status_from(client)
    unrealised = sum(trade.unrealised for trade in status.trades)
    open_now = f"{len(status.trades)} open ({unrealised:+,.2f}), {len(status.pending)} waiting"
    return typer.confirm(f"{status.mode} {status.market}: {open_now}. {question}")


def say(text: str, err: bool = False) -> None:
    """Print without secrets."""
    typer.echo(redactor.hide(text), err=err)


class Progress:
    """Says how a command stands while somebody waits for it: on a terminal in one line, elsewhere a line each."""

    def __init__(self) -> None:
        self._said = ""
        self._in_place = sys.stderr.isatty()

    def show(self, happened: Happened) -> None:
        """Say it, if it is news."""
        waiting = "it closes at the next open" if happened.acted_at else "it waits for the next candle close"
        text = redactor.hide("; ".join(happened.doing) or waiting)
        if text == self._said:
            return
        if self._in_place:
            typer.echo(f"\r{text:<{len(self._said)}}", err=True, nl=False)
        else:
            typer.echo(f"… {text}", err=True)
        self._said = text

    def end(self) -> None:
        """Make room for what is said next."""
        if self._in_place and self._said:
            typer.echo(f"\r{'':<{len(self._said)}}\r", err=True, nl=False)


def _wait(client: Client, accepted: Accepted, timeout_s: float) -> None:
    progress = Progress()
    happened = client.wait(accepted, timeout_s, progress.show)
    progress.end()
    for line in happened.lines:
        say(line)
    if happened.done:
        by = ", confirmed by the exchange" if happened.confirmed else ""
        say(f"done{by}" if happened.lines else f"done{by}: there was nothing left to do")
        return
    acted = "it has acted, and what it closes fills at the next open" if happened.acted_at else "it has not acted yet"
    acted = "; ".join(happened.doing) or acted
    say(f"still under way after {timeout_s:g} s: {acted}; it stands, python start.py status shows it", err=True)
    raise typer.Exit(FAILED)
