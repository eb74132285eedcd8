"""The daemon's lives: started, sentenced, killed, and when it was dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec

from tests.chaos.daemon import NOTE, SENTENCE, SHARE, SHORTS
from tests.chaos.notes import now_ms
from tests.chaos.nursery import Birth
from tests.chaos.outages import Span
from tests.chaos.points import Sentence
from tests.chaos.weather import KEY, SECRET, Weather

ROOT = Path(__file__).resolve().parent.parent.parent
#: What a daemon says when it trades.
TRADES = "trading on"
#: What a daemon says of itself that should never be.
SHAMES = ("a fault of this program", "contradict themselves", "Traceback (most recent", "nobody foresaw")
#: An orderly stop takes this long at most, seconds.
STOP_S = 15.0
#: The first birth waits for all imports, seconds.
BIRTH_S = 60.0


class Daemon:
    """A forked daemon; `returncode` is None while it lives."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.ended = threading.Event()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, if it is there."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tell whether it has ended."""
        return self.ended.wait(seconds)


class Nursery:
    """The process that forks daemons, as seen from outside."""

    def __init__(self, folder: Path) -> None:
        self._daemons: dict[int, Daemon] = {}
        self._born = threading.Semaphore(0)
        self._newest: Daemon
        self._log = (folder / "nursery.log").open("wb")
        command = [sys.executable, "-m", "tests.chaos.nursery"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=ROOT
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def begin(self, birth: Birth) -> Daemon:
        """Return a daemon that has begun."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(birth) + b"\n")
        self._process.stdin.flush()
        if not self._born.acquire(timeout=BIRTH_S):
            raise SystemExit("no daemon can be begun: see nursery.log")
        return self._newest

    def close(self) -> None:
        """End it, with every daemon that is left."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._listener.join(10)
        self._process.stdout.close()
        self._log.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            pid, code = msgspec.json.decode(line, type=tuple[int, int | None])
            if code is None:
                self._newest = self._daemons[pid] = Daemon(pid)
                self._born.release()
            else:
                daemon = self._daemons.pop(pid)
                daemon.returncode = code
                daemon.ended.set()


class Lives:
    """One daemon after another in `folder`; `kills` counts, by point ("random" where none was named)."""

    def __init__(self, folder: Path, arguments: list[str], weather: Weather, shorts: bool) -> None:
        self.kills: Counter[str] = Counter()
        self.dead: list[Span] = []
        self.shames: list[str] = []
        self.starts_s: list[float] = []
        self._folder = folder
        self._arguments = arguments
        self._nursery = Nursery(folder)
        self._environment = {
            "BINANCE_API_KEY": KEY,
            "BINANCE_API_SECRET": SECRET,
            SHARE: str(weather.share),
            SHORTS: "yes" if shorts else "",
            NOTE: str(folder / "point"),
        }
        self._process: Daemon | None = None
        self._log = folder / "daemon-0.log"
        self._read = 0
        self._number = 0
        self._dead_since = now_ms()
        self.trades = False
        self.began_s = 0.0

    @property
    def runs(self) -> bool:
        """Whether a daemon is there."""
        return self._process is not None

    def begin(self, sentence: Sentence | None) -> None:
        """Start a daemon, sentenced or not."""
        self._number += 1
        self._log, self._read = self._folder / f"daemon-{self._number}.log", 0
        self.trades, self.began_s = False, time.monotonic()
        (self._folder / "point").unlink(missing_ok=True)
        environment = dict(self._environment)
        if sentence is not None:
            environment[SENTENCE] = msgspec.json.encode(sentence).decode()
        self._process = self._nursery.begin(Birth(self._arguments, environment, str(self._log)))

    def look(self) -> None:
        """Read what the daemon says, and see whether it is alive."""
        self._listen()
        if self._process is None or self._process.returncode is None:
            return
        point = self._folder / "point"
        if self._process.returncode == -signal.SIGKILL and point.exists():
            self._died(point.read_text())
        else:
            self.shames.append(f"{self._log.name}: the daemon ended by itself with code {self._process.returncode}")
            self._died("")

    def kill(self) -> None:
        """Kill it now, whatever it is doing."""
        if self._process is None:
            return
        self.look()
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._listen()
            self._died("random")

    def stop(self) -> None:
        """Let it end in order; one that does not end is a shame."""
        if self._process is None:
            return
        self._process.kill(signal.SIGTERM)
        if not self._process.wait(STOP_S):
            self.shames.append(f"{self._log.name}: the daemon does not stop")
            self._process.kill()
            self._process.wait(STOP_S)
        self._listen()
        if self._process.returncode:
            self.shames.append(f"{self._log.name}: an orderly stop ended with code {self._process.returncode}")
        self._process, self._dead_since = None, now_ms()

    def end(self) -> None:
        """Let none be left behind."""
        self._nursery.close()

    def outages(self) -> list[Span]:
        """Return when it was dead, up to now."""
        return self.dead if self.trades else [*self.dead, (self._dead_since, now_ms())]

    def _died(self, point: str) -> None:
        if point:
            self.kills[point] += 1
        if self.trades:
            self._dead_since = now_ms()
        self._process, self.trades = None, False

    def _listen(self) -> None:
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._read)
            said = file.read()
        said = said[: said.rfind(b"\n") + 1]
        self._read += len(said)
        for line in said.decode(errors="replace").splitlines():
            if any(each in line for each in SHAMES):
                self.shames.append(f"{self._log.name}: {line}")
            if TRADES in line and not self.trades:
                self.trades = True
                self.dead.append((self._dead_since, now_ms()))
                self.starts_s.append(time.monotonic() - self.began_s)
