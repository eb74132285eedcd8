"""Prove that daemon and backtest give the same trades.

`python -m tests.parity --data DIR --coins A,B --from DAY --to DAY [--timeframes ...] [--preset NAME] [--set N=V]
[--faults SEED] [--orders] [--promote NAME@VERSION [--promote-at TIME]]`

The embedded exchange plays the stored candles at full speed as a process of its own; the daemon trades on it over
real sockets; the backtest runs over the same candles. `trades_log.csv` must be the same bytes and the counts of
refusals the same numbers. Last line: `N candles, N trades, N refusals, N reconnects: equal`; exit code 1 when
they differ, or when there were no trades: nothing was shown.

With `--orders` the daemon sends real orders to that exchange, which waits at each close until they are answered.
Then times, prices, reasons and counts must be equal, and money but for what the decimals of the wire cut off; an exit
that several orders filled counts as one. Funding is then what the exchange takes, not a rate of the backtest's. And
the daemon's journal, replayed, must give the recorded commands.

With `--promote` (and `--set STRATEGY=classifier`) that version becomes current in a copy of the registry in the middle
of the play, while the daemon trades. The backtest is told from when on the daemon asked which model, and the last line
says it: `..., NAME@VERSION from T on: equal`. On both sides of it there must be trades.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests import parity_models
from tests.parity_orders import ACCOUNT, ENVIRONMENT, FEES, differences
from trader.core.timeframe import Timeframe
from trader.exchange.embedded.options import parse_time

ROOT = Path(__file__).resolve().parent.parent
START = ROOT / "start.py"
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
#: Longer than any repair: every gap is repaired before a decision.
PATIENCE_MS = 600_000
#: What goes wrong in a run with faults, by message or request; amounts in seconds.
FAULTS = (
    "drop=0.0008",
    "stall=0.0004:1",
    "silent=0.0001",
    "duplicate=0.01",
    "reorder=0.005",
    "delay=0.002:0.05",
    "corrupt=0.0005",
    "gap=0.002",
    "429=0.05:1",
    "5xx=0.02",
)


class Options(argparse.Namespace):
    """What was typed."""

    data: Path
    coins: str
    timeframes: str
    start: str
    end: str
    faults: int | None
    orders: bool
    preset: str | None
    set: list[str]
    promote: str | None
    promote_at: str | None
    keep: Path | None
    timeout: float


def parse(arguments: Sequence[str]) -> Options:
    """Return the options; exit with code 2 when they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="store with the candles to play")
    parser.add_argument("--coins", required=True, help="coins, parted by commas")
    parser.add_argument("--timeframes", default="1min,5min,15min,30min")
    parser.add_argument("--from", dest="start", required=True, metavar="TIME")
    parser.add_argument("--to", dest="end", required=True, metavar="TIME")
    parser.add_argument("--faults", type=int, metavar="SEED", help="let things go wrong, seeded")
    parser.add_argument("--orders", action="store_true", help="real orders at the exchange, in lockstep")
    parser.add_argument("--preset", metavar="NAME", help="a way to trade, for both runs")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting for both runs")
    parser.add_argument("--promote", metavar="NAME@VERSION", help="let this version become current meanwhile")
    parser.add_argument("--promote-at", metavar="TIME", help="when the play has come to TIME; else in its middle")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what both runs wrote there")
    parser.add_argument("--timeout", type=float, default=1_800.0, metavar="SECONDS", help="for each of the processes")
    return parser.parse_args(arguments, namespace=Options())


def main(arguments: Sequence[str]) -> int:
    """Run both and compare; return the exit code."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "daemon-data", ignore_errors=True)
        if options.promote:
            options.set = parity_models.copied(options.set, folder, options.promote)
        with exchange(options, folder) as url:
            live(options, folder, url)
            faults = play_faults(url)
        run(backtest_arguments(options, folder), folder / "backtest.log", options.timeout)
        if options.faults is not None:
            print(f"faults that struck: {faults}")
        if options.orders:
            print(replayed(folder, options.timeout))
        return verdict(folder, options.orders, options.promote)


def live(options: Options, folder: Path, url: str) -> None:
    """Let the daemon trade to the end of the play, and promote a model meanwhile where one is named."""
    own = ENVIRONMENT if options.orders else {}
    with ThreadPoolExecutor(1) as beside:
        daemon = beside.submit(run, daemon_arguments(options, folder, url), folder / "daemon.log", options.timeout, own)
        if options.promote:
            promote(options, options.promote, folder, url, lambda: not daemon.done())
        daemon.result()


def promote(options: Options, model: str, folder: Path, url: str, lives: Callable[[], bool]) -> None:
    """Make a version current at its time, by the command that a person would type."""
    at = options.promote_at
    at_ms = parse_time(at) if at else (parse_time(options.start) + parse_time(options.end)) // 2
    command = ["models", "promote", model, "--models", str(folder / "models"), "--set", "LOG_FILE="]
    typed = partial(run, command, folder / "promote.log", options.timeout)
    taken = partial(parity_models.is_asked, folder / "daemon.log", model)
    parity_models.promote(url, at_ms, typed, taken, lives)


def replayed(folder: Path, timeout_s: float) -> str:
    """Replay the daemon's journal; return what that said, exit where it gives other commands."""
    (journal,) = (folder / "daemon-data" / "live").glob("*/journal.sqlite")
    run(["replay", "--file", str(journal), "--set", "LOG_FILE="], folder / "replay.log", timeout_s)
    return "replay of the journal" + (folder / "replay.log").read_text().strip().removeprefix(str(journal))


def common(options: Options) -> list[str]:
    """Return the options that both runs share."""
    given = [*options.set, *(FEES if options.orders else ())]
    pairs = [part for pair in given for part in ("--set", pair)]
    preset = ["--preset", options.preset] if options.preset else []
    return ["--coins", options.coins, "--timeframes", options.timeframes, *preset, *pairs]


def daemon_arguments(options: Options, folder: Path, url: str) -> list[str]:
    """Return what the daemon is started with."""
    own = {
        "MODE": "embedded",
        "REST_URL": url,
        "DATA_DIR": str(folder / "daemon-data"),
        "LOG_FILE": str(folder / "daemon-trader.log"),
        "INSTANT_WAIT_MS": json.dumps({"spot": PATIENCE_MS, "futures": PATIENCE_MS}),
        **({"ORDERS": "exchange"} if options.orders else {}),
    }
    pairs = [part for name, value in own.items() for part in ("--set", f"{name}={value}")]
    return ["run", *common(options), *pairs, "--out", str(folder / "daemon")]


def backtest_arguments(options: Options, folder: Path) -> list[str]:
    """Return what the backtest is started with."""
    span = ["--from", options.start, "--to", options.end]
    log = ["--set", f"LOG_FILE={folder / 'backtest-trader.log'}"]
    told = parity_models.schedule(folder / "daemon.log") if options.promote else []
    where = ["--data", str(options.data), "--out", str(folder / "backtest")]
    return ["backtest", *common(options), *span, *log, *told, *where]


@contextmanager
def exchange(options: Options, folder: Path) -> Iterator[str]:
    """Play the candles in a process of its own, held until the daemon is there; yield its address."""
    arguments = [
        *("exchange", "--data", str(options.data), "--symbols", options.coins, "--speed", "max", "--hold"),
        *("--from", options.start, "--to", options.end, "--port", "0", "--until-stdin-closes"),
    ]
    if options.orders:
        finest = min(map(Timeframe.parse, options.timeframes.split(",")), key=lambda timeframe: timeframe.ms)
        arguments += [*ACCOUNT, "--judge", finest.value]
    if options.faults is not None:
        arguments += ["--fault-seed", str(options.faults)]
        arguments += [part for fault in FAULTS for part in ("--fault", fault)]
    with (folder / "exchange.log").open("w") as log:
        command = [sys.executable, str(START), *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield _address(process, folder / "exchange.log")
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(60)
            process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = LISTENING.search(line)
        if found:
            return found[1]
    raise SystemExit(f"the exchange did not start: {log.read_text()[-2_000:]}")


def run(arguments: list[str], log: Path, timeout_s: float, own: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run the program to its end, with `own` in its environment; exit with what it said when it fails."""
    with log.open("w") as file:
        command = [sys.executable, str(START), *arguments]
        environment = {**os.environ, **own}
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, timeout=timeout_s, check=False, env=environment
        )
    if done.returncode:
        raise SystemExit(f"{arguments[0]} ended with code {done.returncode}: {log.read_text()[-3_000:]}")


def play_faults(url: str) -> str:
    """Return which faults struck how often, as the exchange counts them."""
    counts = parity_models.control(url, "state")["faults"]["counts"]
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()) if count) or "none"


def verdict(folder: Path, orders: bool, promoted: str | None = None) -> int:
    """Compare what both runs wrote, print the differences and the last line, return the exit code."""
    summary = json.loads((folder / "daemon" / "summary.json").read_text())
    metrics = json.loads((folder / "backtest" / "metrics.json").read_text())
    logs = [(folder / name / "trades_log.csv").read_text() for name in ("daemon", "backtest")]
    live, past = counts_of_daemon(summary), counts_of_backtest(metrics)
    compare = differences if orders else _log_differences
    found = [*compare(*logs), *_count_differences(live, past)]
    for line in found[:40]:
        print(line)
    trades, hedges, reasons = trades_of(logs[1])
    decided = {key: count for key, count in past.items() if not key[2].startswith("dropped_")}
    refusals = sum(count for key, count in decided.items() if key[2] != "entries")
    print(f"hedges: {hedges} opened, {reasons['hedge_close']} closed by their rule")
    print("exits: " + (", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) or "none"))
    models = parity_models.changes(folder / "daemon.log") if promoted else []
    lacking = [] if trades else ["no trade was made"]
    lacking += parity_models.lacking(models, promoted, logs[1]) if promoted and trades else []
    said = "differ" if found else f"nothing shown, {lacking[0]}" if lacking else "equal"
    counts = (
        f"{sum(decided.values())} candles, {trades} trades, {refusals} refusals, {summary['reconnects']} reconnects"
    )
    print(f"{counts}{parity_models.words(models, promoted) if promoted else ''}: {said}")
    return 0 if said == "equal" else 1


Key = tuple[str, str, str]
#: Steps of the backtest's funnel that are sums of others.
SUMS = ("candles", "patterns", "trades")


def counts_of_daemon(summary: dict[str, Any]) -> dict[Key, int]:
    """Return the daemon's counts by (symbol, timeframe, rule), without zeros."""
    counts = {}
    for part, prefix in (("funnel", ""), ("dropped", "dropped_")):
        for symbol, timeframes in summary[part].items():
            for timeframe, rules in timeframes.items():
                for rule, count in rules.items():
                    counts[symbol, timeframe, prefix + rule.replace("opened", "entries")] = count
    return counts


def counts_of_backtest(metrics: dict[str, Any]) -> dict[Key, int]:
    """Return the backtest's counts likewise."""
    counts = {}
    for stream, steps in metrics["refusals"]["streams"].items():
        symbol, timeframe = stream.split()
        for step, count in steps.items():
            if count and step not in SUMS:
                counts[symbol, timeframe, step] = count
    return counts


def trades_of(log: str) -> tuple[int, int, Counter[str]]:
    """Return how many trades a log holds, how many of them are hedges, and how often each exit reason."""
    head, *rows = (line.split(",") for line in log.splitlines())
    reasons = Counter(row[head.index("exit_reason")] for row in rows)
    strategies = {row[head.index("trade_id")]: row[head.index("strategy")] for row in rows}
    return len(strategies), list(strategies.values()).count("hedge"), reasons


def _log_differences(live: str, past: str) -> Iterator[str]:
    for number, (one, other) in enumerate(zip_longest(live.splitlines(), past.splitlines(), fillvalue="nothing"), 1):
        if one != other:
            yield f"trades_log.csv line {number}\n  daemon:   {one}\n  backtest: {other}"


def _count_differences(live: dict[Key, int], past: dict[Key, int]) -> Iterator[str]:
    for key in sorted(set(live) | set(past)):
        if live.get(key, 0) != past.get(key, 0):
            yield f"{' '.join(key)}: daemon {live.get(key, 0)}, backtest {past.get(key, 0)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
