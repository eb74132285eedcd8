"""Speaks to a running daemon on its socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trader.core.errors import DataError, TraderError
from trader.engine.control.address import SOCKET_NAME, connect
from trader.engine.control.messages import (
    Accepted,
    Answer,
    Failed,
    Happened,
    Malformed,
    Request,
    Wait,
    read_answer,
    write_request,
)

#: A daemon that does not answer for so long hangs, seconds; it answers a request to wait within five.
ANSWER_S = 15.0


class Client:
    """One connection to a daemon."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")

    def ask(self, request: Request) -> Answer:
        """Return the answer to a request; raise `TraderError` where none comes, or the daemon could not give one."""
        with suppress(OSError):  # it may have said why it hangs up
            self._connection.sendall(write_request(request))
        try:
            line = self._lines.readline()
        except TimeoutError:
            raise TraderError(f"the daemon did not answer within {ANSWER_S:g} s; its log may say why") from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise TraderError("the daemon has ended, or hung up, before it answered")
        return _understood(line)

    def wait(
        self, accepted: Accepted, timeout_s: float, progress: Callable[[Happened], None] = lambda _: None
    ) -> Happened:
        """Return what became of a command when that is over, or so far when `timeout_s` have passed.

        `progress` is told how it stands meanwhile.
        """
        end = time.monotonic() + timeout_s
        while True:
            answer = self.ask(Wait(accepted.number))
            if not isinstance(answer, Happened):
                raise TraderError(f"the daemon does not know what became of it: {answer}")
            if answer.done or time.monotonic() >= end:
                return answer
            progress(answer)

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._connection.close()


@contextmanager
def speaking_to(home: Path) -> Iterator[Client]:
    """Connect to the daemon of `home` while the block runs; raise `TraderError` in words where that cannot be."""
    path = home / SOCKET_NAME
    try:
        client = Client(connect(path, ANSWER_S))
    except PermissionError:
        raise TraderError(f"{path} belongs to another user: commands are taken from the daemon's own alone") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise TraderError(
            f"the daemon takes no commands at {path} ({reason}): it is about to start or to end"
        ) from None
    try:
        yield client
    finally:
        client.close()


def _understood(line: bytes) -> Answer:
    try:
        answer = read_answer(line)
    except DataError as error:
        raise TraderError(f"the daemon and this program do not understand each other: {error}") from None
    if isinstance(answer, Malformed | Failed):
        raise TraderError(f"the daemon said: {answer.text}")
    return answer
