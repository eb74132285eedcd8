"""The model that ships: whole, small, of plain data, made before 2026, and as sure as it is right on later candles."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.indicators.samples import real
from tests.ml.shipped import MODELS, files, name_of, shipped, shipped_settings
from trader.core.candle import CANDLE_COLUMNS
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.train.plans import MOST_BYTES
from trader.engine.train.samples import samples_of
from trader.market.resample import resample
from trader.ml.calibration import class_calibration_errors, top_calibration_error
from trader.ml.pattern_model import PatternModel
from trader.ml.registry.store import Registry
from trader.ml.registry.verify import verify
from trader.patterns.labels import CLASSES
from trader.strategy.forex import CLASSES as FOREX_CLASSES
from trader.strategy.forex import EnhancedForexPatternClassifier
from trader.strategy.opinions import stream_opinions
from trader.strategy.registry import schedule_of

NEW_YEAR_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
#: What the issue allows.
MOST_ERROR = 0.03
#: Coins of which it has learned nothing, in a month behind all that it has learned, of the other market.
UNSEEN = ("ALGO", "AVAX", "DOT", "FIL", "LINK", "LTC", "NEAR")
MINUTES = 28 * 24 * 60


def test_all_files_are_what_was_stored() -> None:
    found = verify(Registry(MODELS), name_of(shipped_settings()))
    assert found.faults == ()
    assert found.versions >= 1


def test_its_files_are_below_three_megabytes() -> None:
    inside = [path for path in shipped().folder.iterdir()]
    assert sum(path.stat().st_size for path in inside) < MOST_BYTES == 3_000_000
    assert {path.name for path in inside} == {*shipped().metadata.files, "metadata.json"}


def test_no_file_is_anything_but_json_or_a_page() -> None:
    for path in files():
        content = path.read_bytes()
        if path.suffix == ".json":
            assert isinstance(msgspec.json.decode(content), dict), path
        else:
            assert path.suffix == ".html", path
            assert content.decode("utf-8").startswith("<!doctype html>"), path
    assert len(files()) >= 5


def test_all_that_it_learned_from_and_was_tested_on_lies_before_2026() -> None:
    description = shipped().metadata.description
    assert {span.use for span in description.spans} == {"train", "calibrate", "test"}
    assert max(span.end for span in description.spans) <= NEW_YEAR_MS
    assert max(fold.test_end for fold in description.folds) <= NEW_YEAR_MS
    assert all(span.rows > 0 for span in description.spans)


def test_it_opens_for_the_default_settings_and_tells_success() -> None:
    values = shipped_settings()
    assert PatternModel.open(shipped(), values.TIMEFRAMES).tells_success
    (turn,) = schedule_of(values).turns
    assert turn.model == str(shipped().reference)
    assert {span.timeframe for span in shipped().metadata.description.spans} >= set(values.TIMEFRAMES)


# --- calibration out of sample --------------------------------------------------------------------------------------


class Said(NamedTuple):
    """What the model says of the candidates of a coin, and what hindsight calls them."""

    probabilities: NDArray[np.float64]
    label: NDArray[np.int8]


@cache
def model() -> PatternModel:
    return PatternModel.open(shipped(), shipped_settings().TIMEFRAMES)


def said(coin: str, values: Settings) -> Said:
    """Return it for all default timeframes of a coin's February 2026."""
    minutes = real(f"usdm/{coin}USDT-um-1m-2026-02", MINUTES)
    assert minutes.open_time[0] >= NEW_YEAR_MS
    assert len(minutes) > 0.9 * MINUTES
    samples = [samples_of(resample(minutes, Timeframe.parse(name))) for name in values.TIMEFRAMES]
    probabilities = [model().probabilities_of(each.inputs) for each in samples]
    return Said(np.concatenate(probabilities), np.concatenate([each.label for each in samples]))


@cache
def unseen() -> dict[str, Said]:
    """Return what it says of each coin that it never saw; skip the test without the candles."""
    values = shipped_settings()
    return {coin: said(coin, values) for coin in UNSEEN}


def joined() -> Said:
    return Said(*map(np.concatenate, zip(*unseen().values(), strict=True)))


def test_on_candles_it_never_saw_the_class_it_calls_is_right_as_often_as_it_says() -> None:
    errors = {coin: round(top_calibration_error(*each), 4) for coin, each in unseen().items()}
    every = joined()
    assert len(every.label) > 50_000
    assert top_calibration_error(*every) <= MOST_ERROR, errors


def test_on_candles_it_never_saw_each_class_comes_as_often_as_it_says() -> None:
    each_coin = {
        coin: dict(zip(CLASSES, np.round(class_calibration_errors(*each), 4).tolist(), strict=True))
        for coin, each in unseen().items()
    }
    errors = class_calibration_errors(*joined())
    assert len(errors) == len(CLASSES)
    assert max(errors) <= MOST_ERROR, each_coin


def report() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(shipped().read("report.json"))["evidence"]
    return found


@pytest.mark.parametrize("part", ["recognised", "chances"])
def test_its_folds_were_as_sure_as_they_were_right_on_their_tests(part: str) -> None:
    """The recogniser's class that is called; and the success model's chance of a win."""
    evidence = report()
    errors = {fold["words"]: fold[part]["calibration_error"] for fold in evidence["folds"]}
    assert evidence[part]["calibration_error"] <= MOST_ERROR, errors


# --- for who has a DataFrame ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("within", ["", "version"])
def test_it_loads_for_a_plain_dataframe_and_says_what_the_daemon_says(within: str) -> None:
    values, folder = shipped_settings(), MODELS / name_of(shipped_settings())
    classifier = EnhancedForexPatternClassifier().load_model(shipped().folder if within else folder)
    table = real("spot/BTCUSDT-1m-2025", 5_000)
    names = [name for name in CANDLE_COLUMNS if name != "open_time"]
    index = pd.to_datetime(table.open_time, unit="ms", utc=True)
    predictions, probabilities = classifier.predict(
        pd.DataFrame({name: getattr(table, name) for name in names}, index=index)
    )
    seen = stream_opinions(table, schedule_of(values), 0)
    called = seen.pattern >= 0
    assert called.sum() > 100
    assert [CLASSES[number] if number >= 0 else "none" for number in seen.pattern] == predictions.tolist()
    assert probabilities.shape == (len(table), len(FOREX_CLASSES))
    assert (probabilities[called, seen.pattern[called]] == seen.probability[called]).all()
