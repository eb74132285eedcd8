"""Where daemons come from: a process that has imported the program once, and forks one whenever it is told to.

A daemon is a process of its own all the same, and runs `daemon.main` from its first line; only the two seconds of
imports are spent once. A line of JSON on stdin begins one, and tells its process; a line on stdout tells of a beginning
(`[pid, null]`) or an end (`[pid, exit code]`, negative: the signal). When stdin closes, all end.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from contextlib import suppress

import msgspec

from tests.chaos import daemon


class Birth(msgspec.Struct, frozen=True):
    """What to begin: arguments, what stands in its environment beside ours, the file for all that it says."""

    arguments: list[str]
    environment: dict[str, str]
    log: str


def main() -> None:
    """Begin daemons until stdin closes."""
    gc.freeze()
    decoder = msgspec.json.Decoder(Birth)
    living: set[int] = set()
    for line in sys.stdin.buffer:
        birth = decoder.decode(line)
        pid = os.fork()
        if pid == 0:
            _live(birth)
        living.add(pid)
        _say(pid, None)
        threading.Thread(target=_mourn, args=(pid, living)).start()
    for pid in list(living):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _live(birth: Birth) -> None:
    """Be a daemon, in a process that is ours alone."""
    log = os.open(birth.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(birth.environment)
    code = 1
    try:
        code = daemon.main(birth.arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _mourn(pid: int, living: set[int]) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    living.discard(pid)
    _say(pid, code)


def _say(pid: int, code: int | None) -> None:
    sys.stdout.buffer.write(msgspec.json.encode((pid, code)) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
