"""A plain DataFrame gets what the daemon would say of its candles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.ml.models import START_MS, registered
from tests.strategy.test_schedule import with_models
from trader.core.errors import DataError, ModelError
from trader.core.timeframe import Timeframe
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.strategy.base import NO_PATTERN, PATTERNS
from trader.strategy.forex import CLASSES, WARM_UP, EnhancedForexPatternClassifier
from trader.strategy.opinions import stream_opinions
from trader.strategy.registry import model_turn

M5 = Timeframe.MIN_5


def candles(count: int = 3_000) -> CandleTable:
    return SyntheticMarket(8, ["ETHUSDT"], START_MS).candles("ETHUSDT", M5, START_MS, START_MS + count * M5.ms)


def frame(table: CandleTable) -> pd.DataFrame:
    columns = ("open", "high", "low", "close", "volume", "taker_buy_volume")
    index = pd.to_datetime(table.open_time, unit="ms", utc=True)
    return pd.DataFrame({name: getattr(table, name) for name in columns}, index=index)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    registered(made)
    return made


@pytest.fixture(scope="module")
def classifier(folder: Path) -> EnhancedForexPatternClassifier:
    return EnhancedForexPatternClassifier().load_model(folder / "patterns")


def test_it_says_what_the_strategy_says(folder: Path, classifier: EnhancedForexPatternClassifier) -> None:
    table = candles()
    predictions, probabilities = classifier.predict(frame(table))
    strategy = model_turn(with_models(folder), "patterns", 0).strategy
    assert strategy is not None
    seen = stream_opinions(table, strategy, 0)
    names = [PATTERNS[number].value if number != NO_PATTERN else "none" for number in seen.pattern]
    assert predictions.tolist() == names
    assert (predictions != "none").sum() > 50
    called = seen.pattern >= 0
    assert (probabilities[called, seen.pattern[called]] == seen.probability[called]).all()


def test_probabilities_add_up_but_where_it_warms_up(classifier: EnhancedForexPatternClassifier) -> None:
    predictions, probabilities = classifier.predict(frame(candles(1_000)))
    assert probabilities.shape == (1_000, len(CLASSES))
    assert np.isnan(probabilities[: WARM_UP - 1]).all()
    assert probabilities[WARM_UP:].sum(axis=1) == pytest.approx(1.0)
    assert set(predictions[: WARM_UP - 1]) == {"none"}


def test_behind_a_gap_it_warms_up_anew(classifier: EnhancedForexPatternClassifier) -> None:
    whole = frame(candles(600))
    _, probabilities = classifier.predict(pd.concat([whole.iloc[:300], whole.iloc[301:]]))
    assert not np.isnan(probabilities[299]).any()
    assert np.isnan(probabilities[300 : 300 + WARM_UP - 1]).all()


def test_times_may_be_a_column_of_milliseconds(classifier: EnhancedForexPatternClassifier) -> None:
    table = candles(500)
    given = frame(table).reset_index(drop=True).assign(open_time=table.open_time)
    assert classifier.predict(given)[0].tolist() == classifier.predict(frame(table))[0].tolist()


def test_a_version_is_loaded_by_its_folder(folder: Path, classifier: EnhancedForexPatternClassifier) -> None:
    given = frame(candles(500))
    later = EnhancedForexPatternClassifier().load_model(str(folder / "patterns" / "v0002"))
    assert not np.array_equal(later.predict(given)[1], classifier.predict(given)[1], equal_nan=True)
    with pytest.raises(ModelError, match="no version of model other"):
        EnhancedForexPatternClassifier().load_model(folder / "other")


def test_without_a_model_it_says_how_to_get_one() -> None:
    with pytest.raises(ModelError, match="load_model"):
        EnhancedForexPatternClassifier().predict(frame(candles(100)))


def broken(given: pd.DataFrame, how: str) -> pd.DataFrame:
    if how == "column":
        return given.drop(columns="low")
    if how == "short":
        return given.iloc[:WARM_UP]
    if how == "order":
        return given.iloc[::-1]
    if how == "step":
        return given.iloc[::2]
    if how == "index":
        return given.set_axis([f"{number}" for number in range(len(given))])
    return given.assign(close=[np.nan, *given["close"].iloc[1:]])


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("column", "has no column low"),
        ("short", "has 60 rows; needed are more than 60"),
        ("order", "row 1 opens no later"),
        ("step", "600 s apart; this model knows 1min, 5min"),
        ("index", "allowed: datetimes, or integers in ms"),
        ("number", "column close, row 0: nan"),
    ],
)
def test_a_frame_that_is_none_is_refused(classifier: EnhancedForexPatternClassifier, how: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        classifier.predict(broken(frame(candles(300)), how))
