"""One soak: an embedded exchange with faults and a daemon with real orders, each a process of its own."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from tests.chaos.control import Exchange, command
from tests.chaos.daemon import SHARE
from tests.soak.quarters import Sample

ROOT = Path(__file__).resolve().parent.parent.parent
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
KEY, SECRET = "key-of-the-soak", "secret-of-the-soak"
#: Rates of what goes wrong, by message, request, order request, event, execution; amounts in seconds.
FAULTS = (
    *("drop=0.00002", "stall=0.00002:0.3", "silent=0.000005", "duplicate=0.001", "reorder=0.0005", "delay=0.0005:0.05"),
    *("corrupt=0.00002", "gap=0.0005", "429=0.001:1", "5xx=0.005", "timeout=0.001:1", "answer_lost=0.01"),
    *("timeout_after=0.005:1", "timeout_before=0.005:1", "answer_late=0.02:0.3", "503_unknown=0.005"),
    *("503_unavailable=0.005", "503_internal=0.005", "-1006=0.005", "-1007=0.005", "-1008=0.005", "-1021=0.003"),
    *("stop_rejected=0.01", "trigger_rejected=0.02", "read_lag=0.02", "event_lost=0.003", "event_twice=0.02"),
    *("event_swap=0.02", "event_late=0.02:0.3", "subscription=0.0005:1", "partial=0.1"),
)
#: Trades come and go all day: small ones, of which each has its stop moved now and then.
TRADING = {
    "MIN_ATR_PCT": "0",
    "TREND_ALIGNMENT": "false",
    "MAX_CONCURRENT_TRADES": "8",
    "MAX_POSITION_SIZE_PCT": "0.05",
    "MAX_PORTFOLIO_RISK": "0.9",
    "LOSING_STREAK_PROTECTION.enable": "false",
    "DAILY_LOSS_LIMIT": "0",
    "DRAWDOWN_PROTECTION.enable": "false",
    "PARTIAL_TP.enable": "false",
    "TRAILING_STOP": json.dumps({"enable": True, "activation_pct": 0.002, "trail_pct": 0.003}),
}
#: The first start may compile indicators; a daemon that says nothing for so long is dead.
START_S, SILENT_S, EVERY_S = 180.0, 60.0, 0.25
SHAMES = ("a fault of this program", "contradict themselves", "Traceback (most recent", "nobody foresaw")


class Wish(msgspec.Struct, frozen=True):
    """What to run: market hours at `speed` (seconds of it per second) of so many coins; `share` of candles is seen."""

    hours: float
    coins: int
    seed: int
    speed: float
    share: float


class Soaked(msgspec.Struct, frozen=True):
    """What came of it; the market's time from `begin` to `end`, ms."""

    samples: list[Sample]
    begin: int
    end: int
    orders: int
    faults: int
    shames: list[str]


def soak(wish: Wish, folder: Path, say: Callable[[str], None]) -> Soaked:
    """Run it in `folder`; raise `SystemExit` when the daemon ends by itself."""
    coins = [f"C{number:02d}USDT" for number in range(wish.coins)]
    with _exchange(wish, coins, folder) as exchange, _daemon(wish, coins, exchange, folder) as process:
        home = folder / "data" / "live" / "embedded-spot"
        samples = _watched(wish, process, home, folder, say)
        faults = sum(exchange.get("/control/state")["faults"]["counts"].values())
    said = (folder / "daemon.log").read_text()
    shames = [line for line in said.splitlines() if any(word in line for word in SHAMES)]
    begin = samples[0].time
    return Soaked(samples, begin, begin + int(wish.hours * 3_600_000), _orders(home), faults, shames)


def _watched(
    wish: Wish, process: subprocess.Popen[bytes], home: Path, folder: Path, say: Callable[[str], None]
) -> list[Sample]:
    """Sample the daemon until the hours are over."""
    samples: list[Sample] = []
    heard_s, said_h, patience_s = time.monotonic(), 0, START_S
    while not samples or samples[-1].time < samples[0].time + wish.hours * 3_600_000:
        time.sleep(EVERY_S)
        if process.poll() is not None or time.monotonic() - heard_s > patience_s:
            raise SystemExit(f"the daemon is gone or silent: {(folder / 'daemon.log').read_text()[-3_000:]}")
        told = command(home, do="status")
        if told is None or told.get("vitals") is None or not told["streams"]["candles"]:
            continue
        heard_s, patience_s = time.monotonic(), SILENT_S
        vitals, streams = told["vitals"], told["streams"]
        body = (
            vitals["memory_mb"],
            vitals["tasks"],
            vitals["queues"],
            vitals["lag"]["counts"],
            vitals["lag"]["worst_ms"],
        )
        samples.append(Sample(told["time"], *body, streams["candles"], len(told["trades"])))
        hours = (samples[-1].time - samples[0].time) / 3_600_000
        if hours >= said_h:
            said_h += 1
            trades = f"{len(told['trades'])} open, {told['won']} won, {told['lost']} lost"
            say(f"{hours:.1f} h: {told['lines'][-1]}; {trades}")
    return samples


@contextmanager
def _exchange(wish: Wish, coins: list[str], folder: Path) -> Iterator[Exchange]:
    arguments = ["--symbols", ",".join(coins), "--speed", f"{wish.speed:g}", "--seed", str(wish.seed), "--hold"]
    arguments += ["--key", KEY, "--secret", SECRET, "--balance", "USDT=1000000", "--port", "0", "--until-stdin-closes"]
    arguments += ["--fault-seed", str(wish.seed)]
    arguments += [part for fault in FAULTS for part in ("--fault", fault)]
    with (folder / "exchange.log").open("w") as log:
        started = [sys.executable, str(ROOT / "start.py"), "exchange", *arguments]
        process = subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            found = next(filter(None, map(LISTENING.search, process.stdout)), None)
            if found is None:
                raise SystemExit(f"the exchange did not start: {(folder / 'exchange.log').read_text()}")
            yield Exchange(found[1])
        finally:
            process.stdin.close()
            process.wait(20)
            process.stdout.close()


@contextmanager
def _daemon(wish: Wish, coins: list[str], exchange: Exchange, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    own = {
        "MODE": "embedded",
        "MARKET": "spot",
        "STRATEGY": "geometry",
        "ORDERS": "exchange",
        "REST_URL": exchange.url,
        "DATA_DIR": str(folder / "data"),
        "LOG_FILE": "",
        "STATUS_EVERY_S": "30",
        "BACKTEST_INITIAL_CAPITAL": "100000",
        **TRADING,
    }
    arguments = ["run", "--coins", ",".join(coins), "--timeframes", "1min,5min,15min"]
    arguments += [part for name, value in own.items() for part in ("--set", f"{name}={value}")]
    keys = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET, SHARE: f"{wish.share:g}"}
    with (folder / "daemon.log").open("wb") as log:
        started = [sys.executable, "-m", "tests.chaos.daemon", *arguments]
        process = subprocess.Popen(started, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **keys})
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _orders(home: Path) -> int:
    """Return how many orders the journal has."""
    with closing(sqlite3.connect(f"file:{home / 'journal.sqlite'}?mode=ro", uri=True)) as file:
        count: int = file.execute("SELECT count(*) FROM orders").fetchone()[0]
    return count
