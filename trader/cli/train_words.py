"""What `python start.py train` prints: what it will do, and what came of it."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator

from trader.core.timeframe import utc
from trader.engine.train.final import size_of
from trader.engine.train.search import Searched
from trader.engine.train.training import Request, Trained, Training
from trader.ml.registry.paths import Reference
from trader.ml.registry.store import Registry


def begun(training: Training, request: Request) -> Iterator[str]:
    """Yield what is learned from, on which spans, and what is there of an earlier run."""
    span, first = training.span, training.folds[0]
    samples = sum(len(stream.samples) for stream in training.streams)
    yield f"{len(training.streams)} streams, {utc(span.start)} to {utc(span.end)}: {samples:,} candidates"
    yield from training.notes
    yield (
        f"{request.folds} folds; the first learns to {utc(first.train_end)}, is calibrated to "
        f"{utc(first.calibrate_end)}, and is tested from {utc(first.test_start)} on"
    )
    if kept := training.kept():
        yield f"{kept} of {request.folds} folds are there from an earlier run and are not learned again"


def ended(trained: Trained, reference: Reference, registry: Registry, seconds: float) -> Iterator[str]:
    """Yield what each fold brought on what it had not seen, what all of them did, and where the model is."""
    if trained.searched:
        yield _searched(trained.searched)
    yield "tested on                  candidates  log loss  of shares   entries    won   net a trade"
    for walked in trained.walked:
        found, traded = walked.judged.recognised, walked.judged.traded
        days = f"{utc(walked.fold.test_start)[:10]} to {utc(walked.fold.test_end)[:10]}"
        yield (
            f"{days:<26} {found.rows:>10,}  {found.log_loss:8.4f}  {found.log_loss_of_shares:9.4f}  "
            f"{traded.entries:>8,}  {traded.won:5.1%}  {traded.net:+.3%} ± {traded.net_error:.3%}"
        )
    folder = registry.folder / reference.name / reference.version
    yield (
        f"{reference} is in {folder}: trees of {size_of(trained.learned):,} bytes, trials {trained.trials}; "
        f"{seconds:,.0f} s, {_peak_gb():.1f} GB of memory at most"
    )


def _peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _searched(searched: Searched) -> str:
    first, best = searched.trials[0], searched.best
    number = searched.trials.index(best) + 1
    return (
        f"{len(searched.trials)} plans were tried before the first test: the first lacked {first.loss:.4f}, the best "
        f"(trial {number}) {best.loss:.4f}; 2 is to know nothing"
    )
