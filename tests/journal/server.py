"""A PostgreSQL server of the tests' own: in a folder of its own, on a free port of this machine, as no root user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: A folder in memory, where there is one: what a disk would be waited for is not what these tests show.
MEMORY = Path("/dev/shm")
#: What makes a server quick that nobody will miss; commits still wait, in their own way, where they are told to.
QUICK = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=40", "autovacuum=off")
PASSWORD = "planted:p@ss/word%1"
QUOTED = "planted%3Ap%40ss%2Fword%251"


class Server:
    """A running server; `url` names its database with user and password."""

    def __init__(self, programs: Path, folder: Path, port: int, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user
        self.port = port
        self.url = f"postgresql://trader:{QUOTED}@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        own = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}", *QUICK)
        options = f"-p {self.port} " + " ".join(f"-c {each}" for each in own)
        self.call("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        """End it at once, as a power cut would."""
        self.call("pg_ctl", "stop", "-m", "immediate", "-D", "data")

    def call(self, program: str, *arguments: str) -> None:
        """Run one of its programs; raise with what it said when it fails."""
        ended = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._folder,
            user=self._user,
            extra_groups=[] if self._user else None,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=60,
        )
        if ended.returncode:
            raise RuntimeError(f"{program}: {ended.stdout}")


def programs() -> Path | None:
    """Return the folder of the server's programs, None where there are none."""
    found = [path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin")) if (path / "initdb").exists()]
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).resolve().parent if on_path else None


@contextmanager
def running() -> Iterator[Server]:
    """Run a server; skip the test where there is none, or nobody but root to run it."""
    home = programs()
    if home is None:
        pytest.skip("PostgreSQL is not installed: on Debian and Ubuntu, apt install postgresql")
    user = _other_user() if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="trader-pg-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        if user:
            shutil.chown(folder, user)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        server = Server(home, folder, _free_port(), user)
        server.call("initdb", "-D", "data", "-U", "trader", "-A", "scram-sha-256", "--pwfile", "password", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> str:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return pytest.skip("PostgreSQL does not run as root, and there is no other user")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
