"""Where a daemon listens: a socket in its home, for its own user alone.

A path of a socket has 107 bytes at most. A longer one is reached through a descriptor of its folder, where the system
has `/proc/self/fd`.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from trader.core.errors import TraderError

SOCKET_NAME = "control.sock"
#: The least that systems allow: macOS 103, Linux 107.
LONGEST_PATH = 103
DESCRIPTORS = Path("/proc/self/fd")
BACKLOG = 16
OWNER_ONLY = 0o600
ROOT_UID = 0
_CREDENTIALS = struct.Struct("iII")


class Peer(msgspec.Struct, frozen=True):
    """Who speaks: user and process, None where the system does not say."""

    uid: int | None
    pid: int | None

    def __str__(self) -> str:
        if self.uid is None:
            return "a user of this machine"
        return f"user {self.uid}, process {self.pid}"

    @property
    def foreign(self) -> bool:
        """Whether it is known to be another user than ours, and not root, who may do anything anyway."""
        return self.uid is not None and self.uid not in (os.geteuid(), ROOT_UID)


@contextmanager
def reachable(path: Path, descriptors: Path = DESCRIPTORS) -> Iterator[str]:
    """Yield a name of the socket at `path` that is short enough; raise `TraderError` where there is none.

    `descriptors` is where the system shows our open files.
    """
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    if not descriptors.exists():
        raise TraderError(
            f"{path} has {len(os.fsencode(path))} bytes, and a socket's path {LONGEST_PATH} at most: give a shorter "
            "DATA_DIR, or a relative one"
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(descriptors / str(folder) / path.name)
    finally:
        os.close(folder)


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, in place of one that a daemon before has left.

    Nobody can connect before it has its permissions. Raise `OSError` or `TraderError` where it cannot be made.
    """
    _clear(path)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(path) as name:
            door.bind(name)
        path.chmod(OWNER_ONLY)
        door.listen(BACKLOG)
    except BaseException:
        door.close()
        raise
    return door


def connect(path: Path, timeout_s: float) -> socket.socket:
    """Return a connection to the daemon that listens at `path`; raise `OSError` or `TraderError`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        with reachable(path) as name:
            connection.connect(name)
    except BaseException:
        connection.close()
        raise
    return connection


def peer_of(connection: socket.socket) -> Peer:
    """Return who is at the other end."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return Peer(None, None)
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return Peer(uid, pid)


def _clear(path: Path) -> None:
    """Remove a socket that is left at `path`: the lock says that nobody listens there any more."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise TraderError(f"{path} is there and is no socket: move it away")
    path.unlink()
