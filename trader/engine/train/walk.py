"""Fold by fold through time; what is done is kept, so that a training that was ended goes on where it was.

A fold is kept under a digest of everything that it was made from: another candle, plan or rule is another fold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.train.fold import Learned, Lesson, Plan, Stream
from trader.engine.train.judge import Judged, judge
from trader.market.durable import write_atomic
from trader.ml.splits import Fold
from trader.ml.version import CURRENT

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
#: Told which fold is being learned, what of it, how many rounds are done, and the score.
Told = Callable[[int, str, int, float], None]


class Walked(msgspec.Struct, frozen=True):
    """One fold: what was learned, and how that did on the span behind it."""

    fold: Fold
    learned: Learned
    judged: Judged


_WALKED = msgspec.msgpack.Decoder(Walked)


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

    def put(self, digest: str, walked: Walked) -> None:
        """Keep a fold."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder / f"{digest}.fold", lambda file: file.write(msgspec.msgpack.encode(walked)))


def walk(
    streams: Sequence[Stream], folds: Sequence[Fold], rules: Settings, plan: Plan, keep: Keep, told: Told
) -> Iterator[Walked]:
    """Yield each fold as it is done; raise `ConfigError` where there is nothing to learn from."""
    if not streams or not folds:
        raise ConfigError(f"{len(streams)} streams and {len(folds)} folds to learn from; allowed: one of each at least")
    data = data_digest(streams)
    for number, fold in enumerate(folds):
        digest = _digest(data, fold, rules, plan)
        found = keep.find(digest)
        if found is None:
            found = _learned(streams, fold, rules, plan, number, told)
            keep.put(digest, found)
        yield found


def _learned(streams: Sequence[Stream], fold: Fold, rules: Settings, plan: Plan, number: int, told: Told) -> Walked:
    lesson = Lesson(streams, fold, rules, plan, lambda part, done, score: told(number, part, done, score))
    learned = lesson.learn()
    return Walked(fold, learned, judge(lesson, learned))


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
    parts = (data, fold, plan, chosen, CURRENT.digest)
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]
