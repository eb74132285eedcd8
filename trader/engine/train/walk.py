"""Fold by fold through time; what is done is kept, so that a training that was ended goes on where it was.

A fold is kept under a digest of everything that it was made from: another candle, plan or rule is another fold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from shutil import rmtree

import msgspec
import numpy as np

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.train.fold import Learned, Lesson, Plan, Stream
from trader.engine.train.judge import Judged, judge
from trader.engine.train.team import Team
from trader.market.durable import write_atomic
from trader.ml.splits import Fold
from trader.ml.version import INPUTS_VERSION

#: Settings that decide what becomes of an entry that is followed alone.
RULES = (
    "MARKET",
    "BACKTEST_INITIAL_CAPITAL",
    "LEVERAGE",
    "LEVERAGE_BY_COIN",
    "CONFIDENCE_TIERS",
    "MAINTENANCE_MARGIN_RATE",
    "TAKER_FEE",
    "MAKER_FEE",
    "SLIPPAGE_PCT",
    "STOP_MODE",
    "ATR_STOP",
    "PATTERN_TARGETS",
    "PARTIAL_TP",
    "BREAKEVEN_STOP",
    "TRAILING_STOP",
    "TARGET_LADDER",
    "REVERSAL",
)
#: This process does all of it.
ALONE = Team()
#: Told which fold is being learned, what of it, how many rounds are done, and the score.
Told = Callable[[int, str, int, float], None]


class Walked(msgspec.Struct, frozen=True):
    """One fold: what was learned, and how that did on the span behind it."""

    fold: Fold
    learned: Learned
    judged: Judged


_WALKED, _LEARNED = msgspec.msgpack.Decoder(Walked), msgspec.msgpack.Decoder(Learned)


class Keep:
    """Folds that are done, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, digest: str) -> Walked | None:
        """Return a fold that is kept; None where there is none, or none that can be read."""
        try:
            return _WALKED.decode((self._folder / f"{digest}.fold").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None

    def find_learned(self, digest: str) -> Learned | None:
        """Return what was learned without a test behind it, where that is kept."""
        try:
            return _LEARNED.decode((self._folder / f"{digest}.learned").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None

    def put(self, digest: str, made: Walked | Learned) -> None:
        """Keep a fold, or what was learned without a test behind it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        end = "fold" if isinstance(made, Walked) else "learned"
        write_atomic(self._folder / f"{digest}.{end}", lambda file: file.write(msgspec.msgpack.encode(made)))

    def clear(self) -> None:
        """Forget all of it: the training is done."""
        rmtree(self._folder, ignore_errors=True)


def walk(
    streams: Sequence[Stream],
    folds: Sequence[Fold],
    rules: Settings,
    plan: Plan,
    keep: Keep,
    told: Told,
    team: Team = ALONE,
) -> Iterator[Walked]:
    """Yield each fold in its order; raise `ConfigError` where there is nothing to learn from.

    Where a team works side by side, `told` is not: which round somebody else is at, nobody knows.
    """
    if not streams or not folds:
        raise ConfigError(f"{len(streams)} streams and {len(folds)} folds to learn from; allowed: one of each at least")
    digests = fold_digests(streams, folds, rules, plan)
    done = {number: kept for number, digest in enumerate(digests) if (kept := keep.find(digest)) is not None}
    missing = [(number, fold) for number, fold in enumerate(folds) if number not in done]
    work = partial(_learned, streams, rules, plan, told if team.alone else unheard)
    at = 0
    for number, walked in chain(sorted(done.items()), team.each(work, missing)):
        if number not in done:
            keep.put(digests[number], walked)
            done[number] = walked
        while at in done:
            yield done[at]
            at += 1


def unheard(number: int, part: str, done: int, score: float) -> None:
    """Tell nobody."""


def _learned(
    streams: Sequence[Stream], rules: Settings, plan: Plan, told: Told, task: tuple[int, Fold]
) -> tuple[int, Walked]:
    number, fold = task
    lesson = Lesson(streams, fold, rules, plan, lambda part, done, score: told(number, part, done, score))
    learned = lesson.learn()
    return number, Walked(fold, learned, judge(lesson, learned))


def fold_digests(streams: Sequence[Stream], folds: Sequence[Fold], rules: Settings, plan: Plan) -> list[str]:
    """Return the names under which these folds are kept."""
    data = data_digest(streams)
    return [_digest(data, fold, rules, plan) for fold in folds]


def data_digest(streams: Sequence[Stream]) -> str:
    """Return the SHA-256 of all that is learned from: samples, the candles on which entries are followed, ticks."""
    digest = hashlib.sha256()
    for stream in streams:
        for part in (stream.samples, stream.exits):
            for name in part.__struct_fields__:
                digest.update(f"{name}:".encode() + _bytes_of(getattr(part, name)))
        digest.update(str(stream.instrument.tick.unit).encode())
    return digest.hexdigest()


def _bytes_of(value: object) -> bytes:
    return np.ascontiguousarray(value).tobytes() if isinstance(value, np.ndarray) else str(value).encode()


def _digest(data: str, fold: Fold, rules: Settings, plan: Plan) -> str:
    chosen = rules.model_dump(mode="json", include=set(RULES))
    parts = (data, fold, plan, chosen, INPUTS_VERSION)
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]
