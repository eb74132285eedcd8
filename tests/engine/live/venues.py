"""An embedded exchange and a daemon as processes of their own, over a small store of made candles."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trader.core.timeframe import DAY_MS, Timeframe
from trader.market.store import Store
from trader.market.synthetic import SyntheticMarket

START = Path(__file__).resolve().parents[3] / "start.py"
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
COINS = ("BTCUSDT", "ETHUSDT")
#: 2026-01-05 00:00 UTC, and how much history lies before it.
FIRST_MS, HISTORY_MS = 1_767_571_200_000, 2 * DAY_MS
#: Rules that let more signals through: the tests want trades.
LOOSE = {
    "STRATEGY": "geometry",
    "MIN_PROBABILITY": "0.4",
    "MIN_STRENGTH": "0.4",
    "MIN_ATR_PCT": "0",
    "DAILY_LOSS_LIMIT": "0",
}
PATIENT = '{"spot": 600000, "futures": 600000}'


def make_store(root: Path, end_ms: int) -> Store:
    """Fill a store with generated minutes up to `end_ms`."""
    store, market = Store(root), SyntheticMarket(7, COINS, FIRST_MS)
    for symbol in COINS:
        store.merge("spot", market.candles(symbol, Timeframe.MIN_1, FIRST_MS - HISTORY_MS, end_ms))
    store.save_exchange_info("spot", market.exchange_info("spot"))
    return store


@contextmanager
def exchange(data: Path, log: Path, *options: str) -> Iterator[str]:
    """Run the embedded exchange over a store; yield its address."""
    command = [sys.executable, str(START), "exchange", "--data", str(data), "--port", "0", "--until-stdin-closes"]
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--from", str(FIRST_MS), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            cwd=log.parent,
        )
        try:
            yield _address(process, log)
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := LISTENING.search(line):
            return found[1]
    raise AssertionError(log.read_text())


def control(url: str, door: str, **wish: Any) -> dict[str, Any]:
    """Ask the exchange's control door; without a wish, read."""
    body = None if door in ("state", "ledger") else json.dumps(wish).encode()
    with urllib.request.urlopen(f"{url}/control/{door}", data=body, timeout=10) as answer:
        answered: dict[str, Any] = json.load(answer)
        return answered


class Daemon:
    """`start.py run` in `folder`, its output in a file."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        own = {"DATA_DIR": str(folder / "data"), "LOG_FILE": "", "INSTANT_WAIT_MS": PATIENT, **LOOSE, **settings}
        pairs = [part for name, value in own.items() for part in ("--set", f"{name}={value}")]
        self.folder = folder
        self.trades_log_then = ""
        self.log = folder / f"run-{len(list(folder.glob('run-*')))}.log"
        with self.log.open("w") as file:
            command = [sys.executable, str(START), "run", *options, *pairs]
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=folder)

    def said(self) -> str:
        """Return all that it has said so far."""
        return self.log.read_text()

    def wait_for(self, text: str, seconds: float = 90.0, count: int = 1) -> None:
        """Wait until it has said `text` so often; a first start compiles for half a minute."""
        end = time.monotonic() + seconds
        while self.said().count(text) < count:
            assert time.monotonic() < end, f"{text!r} was not said:\n{self.said()[-3000:]}"
            assert self.process.poll() is None or self.said().count(text) >= count, self.said()[-3000:]
            time.sleep(0.05)

    def end(self, number: int = signal.SIGTERM, seconds: float = 5.0) -> int:
        """Send a signal and return the exit code; fail when it takes longer than `seconds`."""
        os.kill(self.process.pid, number)
        code = self.process.wait(seconds)
        self.trades_log_then = self.trades_log if self._log_of_trades.exists() else ""
        return code

    def finish(self, seconds: float = 60.0) -> int:
        """Wait for its own end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(self.said()[-3000:]) from None

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def trades_log(self) -> str:
        """Return the log of trades of its pool."""
        return self._log_of_trades.read_text()

    @property
    def _log_of_trades(self) -> Path:
        return self.folder / "data" / "live" / "embedded-spot" / "trades_log.csv"
