"""`python start.py train`: a model of one's own, from the candles in the store to a version in the registry."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, prepare
from trader.cli.train_words import begun, ended
from trader.core.settings import Market, Settings
from trader.engine.prepare import Progress as Report
from trader.engine.train.evidence import gather
from trader.engine.train.pace import IN_ALL
from trader.engine.train.reference import reference_of_training
from trader.engine.train.training import Request, Trained, Training, keep_folder, store_model
from trader.engine.train.verdict import verdict
from trader.engine.train.walk import Keep
from trader.exchange.embedded.options import parse_time
from trader.market.store import Store
from trader.ml import drift
from trader.ml.registry.store import Registry
from trader.reports.model.write import report_files

EXAMPLES = (
    "",
    "--coins BTCUSDT,ETHUSDT --timeframes 5min,15min,30min --from 2024-01-01 --to 2026-01-01",
    "--preset pattern_futures --folds 8 --workers 2 --name mine --promote",
    "--trials 20",
)
#: By how much others come first on this machine: a daemon beside it must not wait.
NICER = 10


def train_command(
    coins: Annotated[str | None, typer.Option(help="Coins, parted by commas.")] = None,
    timeframes: Annotated[
        str | None, typer.Option(help="Timeframes, parted by commas; one model serves them all.")
    ] = None,
    market: Annotated[Market | None, typer.Option(help="The market; MARKET by default.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="First day or moment (UTC); all that is stored.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="The day or moment (UTC) at which it ends, not included.")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Plans that are tried, before the first test begins; 1 is no search.")
    ] = 1,
    folds: Annotated[int, typer.Option(min=1, help="Folds, each tested on what it has not seen.")] = 6,
    name: Annotated[str, typer.Option(help="What the model is called.")] = "patterns",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another model; the same seed, the same.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads for one model; their number is part of the answer.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side; their number changes nothing.")] = 1,
    cluster: Annotated[
        str, typer.Option(metavar="URL", help="Have a Dask cluster do it, such as tcp://127.0.0.1:8786.")
    ] = "",
    promote: Annotated[bool, typer.Option("--promote", help="Make the new version the current one.")] = False,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the store; DATA_DIR by default.")] = None,
    models: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the models; MODELS_DIR by default.")
    ] = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Train a model of the chart patterns, judge it on what it has not seen, and keep it as a new version.

    Ctrl-C keeps the folds that are done; the same command goes on from there.
    """
    own = {
        "--coins": ("COINS", coins),
        "--timeframes": ("TIMEFRAMES", timeframes),
        "--market": ("MARKET", market),
        "--data": ("DATA_DIR", data),
        "--models": ("MODELS_DIR", models),
    }
    loaded = prepare(settings, preset=preset, config=config, debug=debug, own=own, quiet=True)
    request = Request(
        name=name,
        start=parse_time(start) if start else None,
        end=parse_time(end) if end else None,
        folds=folds,
        trials=trials,
        seed=seed,
        threads=threads,
        workers=workers,
        cluster=cluster,
    )
    os.nice(NICER)
    try:
        _train(request, loaded.settings, promote)
    except KeyboardInterrupt:
        kept = keep_folder(loaded.settings, name)
        typer.echo(f"interrupted: the folds that are done are kept in {kept}; the same command goes on", err=True)
        raise


def _train(request: Request, settings: Settings, promote: bool) -> None:
    began = time.monotonic()
    store, registry = Store(Path(settings.DATA_DIR)), Registry(Path(settings.MODELS_DIR))
    with _progress() as report:
        training = Training(request, settings, store, report)
        for line in begun(training, request):
            typer.echo(line, err=True)
        trained = training.run()
        words, files = _judged(trained, request, settings, store, report)
    reference = store_model(registry, request.name, trained, files, words)
    Keep(keep_folder(settings, request.name)).clear()
    typer.echo(words)
    for line in ended(trained, reference, registry, time.monotonic() - began):
        typer.echo(line)
    if promote:
        registry.promote(reference.name, reference.version, at=time.time_ns() // 1_000_000)
        typer.echo(f"{reference} is current")
    else:
        typer.echo(f"python start.py models promote {reference} makes it the current one")


def _judged(
    trained: Trained, request: Request, settings: Settings, store: Store, report: Report
) -> tuple[str, dict[str, bytes]]:
    """Return the verdict in words, and what is kept beside the model."""
    evidence = gather(
        trained.streams,
        trained.walked,
        settings,
        store,
        trials=trained.trials,
        seed=request.seed,
        progress=report,
    )
    known = drift.encode(reference_of_training(trained.streams, trained.walked, settings))
    return verdict(evidence).words, {**report_files(evidence, request.name), drift.FILE: known}


@contextmanager
def _progress() -> Iterator[Report]:
    """Show how far the training is: a bar on a terminal, a plain line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _PlainProgress().report
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    console = Console(stderr=True)
    with Progress(*columns, TextColumn("{task.fields[left]}"), console=console, transient=True) as bar:
        task = bar.add_task("", total=None, count="", left="")
        pace = _Pace()

        def report(what: str, done: int, total: int) -> None:
            if what == IN_ALL:
                bar.update(task, left=pace.words(done, total))
            else:
                bar.update(task, description=what, completed=done, total=total, count=f"{done:,} of {total:,}")

        yield report


class _Pace:
    """Says which share of the whole is done, and how long the rest takes at that pace."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def words(self, done: int, total: int) -> str:
        """Return for instance `in all 34 %, about 5 min left`."""
        share, elapsed_s = done / total, time.monotonic() - self._began
        if done >= total:
            return "all is learned"
        if share < 0.02:
            return f"in all {share:.0%}"
        left_s = elapsed_s * (1 - share) / share
        return f"in all {share:.0%}, about {_duration(left_s)} left"


class _PlainProgress:
    """Says how far a training is in lines: when something begins, and one in some seconds."""

    EVERY_S = 15.0

    def __init__(self) -> None:
        self._said_at = -self.EVERY_S
        self._pace = _Pace()
        self._last, self._all = "", ""

    def report(self, what: str, done: int, total: int) -> None:
        """Print a line where the last one is old enough, or speaks of something else."""
        if what == IN_ALL:
            self._all = f"; {self._pace.words(done, total)}"
            return
        now, part = time.monotonic(), what.partition(", loss")[0]
        if part == self._last and now - self._said_at < self.EVERY_S:
            return
        self._last, self._said_at = part, now
        typer.echo(f"{what}: {done:,} of {total:,}{self._all}", err=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
