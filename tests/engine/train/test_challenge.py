"""A new model takes over only where it is better on days that neither model has learned from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.builders import settings
from tests.engine.train.lessons import COINS, DAYS, FOLD, START_MS, learned, streams
from trader.core.errors import ModelError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.train.challenge import Challenge, challenge
from trader.engine.train.fold import Learned
from trader.ml.calibration import Curve
from trader.ml.pattern_model import NONE, RECOGNISER
from trader.ml.registry.metadata import Description, Inputs, Span
from trader.ml.registry.store import Registry
from trader.ml.version import current_for

END = START_MS + DAYS * DAY_MS
#: The last days of the market, which `learned` has not seen: its training and calibration end at day 14.
LEARNED_UNTIL = START_MS + 14 * DAY_MS
#: It calls what is most frequent, and knows nothing else.
LEVEL = tuple(Curve((0.0,), (0.6 if number == NONE else 0.04,)) for number in range(NONE + 1))
#: It calls a pattern wherever there is a candidate.
EAGER = tuple(Curve((0.0, 1.0), (0.001, 0.001) if number == NONE else (0.01, 0.9)) for number in range(NONE + 1))


@cache
def rules() -> Settings:
    return settings(COINS=COINS)


def described(made: Learned, until: int, inputs: Inputs) -> Description:
    spans = tuple(
        Span(use, "spot", COINS[0], "1min", START_MS, end, 1) for use, end in (("train", until), ("test", END))
    )
    return Description(
        created=END, inputs=inputs, spans=spans, data_sha256="0", seed=1, calibration=made.calibration, folds=(FOLD,)
    )


def add(registry: Registry, made: Learned, until: int = LEARNED_UNTIL, inputs: Inputs | None = None) -> str:
    """Store a version that has learned until a time, and return it."""
    about = described(made, until, inputs or current_for(["1min"]))
    return registry.add("patterns", about, {f"{part}.json": content for part, content in made.content.items()}).version


def with_curves(curves: tuple[Curve, ...]) -> Learned:
    return msgspec.structs.replace(learned(), calibration=learned().calibration | {RECOGNISER: curves})


def fought(registry: Registry, version: str, end: int = END) -> Challenge:
    return challenge(registry, "patterns", version, streams(), rules(), end)


def promoted(folder: Path, made: Learned, until: int = LEARNED_UNTIL) -> Registry:
    registry = Registry(folder)
    registry.promote("patterns", add(registry, made, until), at=1)
    return registry


def test_who_knows_more_and_earns_no_less_takes_over(tmp_path: Path) -> None:
    registry = promoted(tmp_path, with_curves(EAGER))
    found = fought(registry, add(registry, learned()))
    assert found.promote, found.reason
    assert (found.candidate, found.current) == ("patterns@v0002", "patterns@v0001")
    assert (found.start, found.end) == (LEARNED_UNTIL, END)
    assert found.log_loss is not None
    assert found.log_loss.difference < -found.log_loss.error < 0
    assert found.net is not None
    assert found.net.error > 0
    assert found.reason.startswith("log loss 0.")
    assert "lower; mean net of an entry -0." in found.reason
    assert found.reason.endswith(" candidates of 10 days, 2026-01-19 00:00:00 to 2026-01-29 00:00:00")
    assert registry.current("patterns") == "v0001", "a challenge promotes nothing"


def test_who_knows_less_stays_behind(tmp_path: Path) -> None:
    registry = promoted(tmp_path, learned())
    found = fought(registry, add(registry, with_curves(EAGER)))
    assert not found.promote
    assert "not lower by more than its error" in found.reason


def test_a_tie_keeps_the_current_one(tmp_path: Path) -> None:
    registry = promoted(tmp_path, learned())
    found = fought(registry, add(registry, learned()))
    assert not found.promote
    assert found.log_loss is not None
    assert found.log_loss.difference == found.log_loss.error == 0.0
    assert found.net is not None
    assert found.net.difference == found.net.error == 0.0


def test_a_model_that_enters_nothing_gives_too_little_to_judge_by(tmp_path: Path) -> None:
    registry = promoted(tmp_path, with_curves(LEVEL))
    found = fought(registry, add(registry, learned()))
    assert (found.promote, found.net) == (False, None)
    assert "too little to judge by: " in found.reason
    assert " 0 of the current model; needed: 100 of each" in found.reason


def test_days_that_one_of_them_has_learned_from_do_not_count(tmp_path: Path) -> None:
    registry = promoted(tmp_path, learned(), until=START_MS + 20 * DAY_MS)
    found = fought(registry, add(registry, learned()))
    assert found.start == START_MS + 20 * DAY_MS
    assert not found.promote
    assert "candidates of 4 days" in found.reason
    assert "needed: 7 days, 500 candidates" in found.reason


def test_nothing_that_looks_behind_the_end_counts(tmp_path: Path) -> None:
    registry = promoted(tmp_path, with_curves(EAGER))
    end = START_MS + 22 * DAY_MS
    found = fought(registry, add(registry, learned()), end)
    inside = [(each.samples.time >= LEARNED_UNTIL) & (each.samples.label_end < end) for each in streams()]
    assert found.rows == sum(np.count_nonzero(each) for each in inside) < fought(registry, "v0002").rows


def test_where_the_current_one_cannot_be_used_the_new_one_must_know_something(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    old = add(registry, learned(), inputs=Inputs(("a",), {}, ("1min",)))
    registry.promote("patterns", old, at=1)
    good, blind = fought(registry, add(registry, learned())), fought(registry, add(registry, with_curves(LEVEL)))
    assert (good.promote, blind.promote) == (True, False), (good.reason, blind.reason)
    assert good.current == "patterns@v0001" or good.current == "v0001"
    assert good.reason.startswith("no current model can be used (patterns@v0001 cannot be used: the model needs a")


def test_a_first_model_must_know_something(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    found = fought(registry, add(registry, learned()))
    assert (found.promote, found.current) == (True, "none")


def test_a_candidate_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    registry = promoted(tmp_path, learned())
    broken = add(registry, learned(), inputs=Inputs(("a",), {}, ("1min",)))
    with pytest.raises(ModelError, match="patterns@v0002 cannot be used"):
        fought(registry, broken)
