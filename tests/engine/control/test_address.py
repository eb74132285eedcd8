"""The socket in a daemon's home: for its own user, in place of one that is left, however long the path."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trader.core.errors import TraderError
from trader.engine.control.address import DESCRIPTORS, Peer, connect, listen, peer_of, reachable

NOBODY = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def another_user() -> Iterator[None]:
    """Act as another user while the block runs."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_socket_is_its_owners_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        with listen(folder / "control.sock"):
            assert stat.S_IMODE((folder / "control.sock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_cannot_connect(folder: Path) -> None:
    with listen(folder / "control.sock"), another_user(), pytest.raises(PermissionError):
        connect(folder / "control.sock", 1.0)


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="the system does not say who is at the other end")
def test_who_is_at_the_other_end_is_known() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert peer_of(one) == Peer(os.geteuid(), os.getpid())


def test_another_user_is_foreign_root_is_not() -> None:
    assert Peer(os.geteuid() + 1, 1).foreign
    assert not Peer(os.geteuid(), 1).foreign
    assert not Peer(0, 1).foreign
    assert not Peer(None, None).foreign


def test_a_socket_that_a_killed_daemon_has_left_is_replaced(folder: Path) -> None:
    path = folder / "control.sock"
    listen(path).close()
    with pytest.raises(ConnectionRefusedError):
        connect(path, 1.0)
    with listen(path), connect(path, 1.0):
        pass


def test_what_is_no_socket_is_left_alone(folder: Path) -> None:
    (folder / "control.sock").write_text("mine")
    with pytest.raises(TraderError, match="is no socket: move it away"):
        listen(folder / "control.sock")
    assert (folder / "control.sock").read_text() == "mine"


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="the system has no /proc/self/fd")
@pytest.mark.parametrize("size", [60, 120, 255])
def test_a_long_path_works(folder: Path, size: int) -> None:
    home = folder / ("x" * size) / ("é" * (size // 2))
    home.mkdir(parents=True)
    with listen(home / "control.sock"), connect(home / "control.sock", 1.0):
        assert stat.S_IMODE((home / "control.sock").stat().st_mode) == 0o600


def test_where_no_short_name_is_to_be_had_the_error_says_what_to_do(folder: Path) -> None:
    long = folder / ("x" * 120) / "control.sock"
    with (
        pytest.raises(TraderError, match=r"a socket's path 103 at most: give a shorter DATA_DIR"),
        reachable(long, descriptors=folder / "none"),
    ):
        pass
