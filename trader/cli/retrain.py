"""`python start.py retrain`: a new version of the model, which takes over where it is better than the current one."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, read_settings
from trader.engine import logs
from trader.engine.prepare import Progress
from trader.engine.train.retrain import retrain, words_of
from trader.market.store import Store
from trader.ml.registry.store import Registry

EXAMPLES = ("", "--coins BTCUSDT,ETHUSDT --set RETRAIN.span_days=180", "--set RETRAIN.judge_days=30")
#: How often it says how far it is, seconds.
SAY_S = 10.0


def retrain_command(
    coins: Annotated[str | None, typer.Option(help="Coins, parted by commas.")] = None,
    timeframes: Annotated[str | None, typer.Option(help="Timeframes, parted by commas.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="The store of candles; DATA_DIR by default.")] = None,
    models: Annotated[Path | None, typer.Option(metavar="DIR", help="The models; MODELS_DIR by default.")] = None,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="End when standard input does: with whoever began it.")
    ] = False,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Train on the stored candles but for the last RETRAIN.judge_days, and promote what is better on those.

    The last line says what came of it and why. A running daemon takes a promoted version up by itself; with
    RETRAIN.enable it runs this command when the model is old or the market has drifted.
    """
    if until_stdin_closes:
        end_with_input()
    own = {
        "--coins": ("COINS", coins),
        "--timeframes": ("TIMEFRAMES", timeframes),
        "--data": ("DATA_DIR", data),
        "--models": ("MODELS_DIR", models),
    }
    chosen = read_settings(settings, config, own, preset).settings
    logs.configure(chosen.model_copy(update={"LOG_FILE": ""}), debug, quiet=True)  # the daemon's log is the daemon's
    store, registry = Store(Path(chosen.DATA_DIR)), Registry(Path(chosen.MODELS_DIR))
    typer.echo(words_of(retrain(chosen, store, registry, _now_ms, _progress())))


def end_with_input() -> None:
    """End this process, and all of its group where it leads one, when standard input is closed."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(sys.stdin.fileno(), 4_096):
        pass
    pid = os.getpid()
    if os.getpgrp() == pid:
        os.killpg(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGTERM)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _progress() -> Progress:
    """Return what says now and then how far it is, line by line: a log is no terminal."""
    last = -SAY_S

    def said(what: str, done: int, total: int) -> None:
        nonlocal last
        if done < total and time.monotonic() - last < SAY_S:
            return
        last = time.monotonic()
        typer.echo(f"{what}: {done:,} of {total:,}")

    return said
