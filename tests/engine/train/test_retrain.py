"""From stored candles to a version that takes over, or does not, and what drift is watched by."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import settings
from tests.engine.train.lessons import COINS, M1, QUICK, START_MS
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.live.drift_side import reference_in
from trader.engine.train.challenge import Challenge
from trader.engine.train.retrain import retrain, spans_of, words_of
from trader.market.store import Store
from trader.market.synthetic import SyntheticMarket
from trader.ml.registry.store import Registry

DAYS, JUDGE_DAYS = 30, 8


def stored(folder: Path, days: int = DAYS) -> Store:
    market = SyntheticMarket(5, COINS, START_MS)
    store = Store(folder)
    store.merge("spot", market.candles(COINS[0], M1, START_MS, START_MS + days * DAY_MS))
    return store


def chosen(folder: Path, **changes: int) -> Settings:
    asked = {"judge_days": JUDGE_DAYS, "span_days": 60} | changes
    own = {"COINS": COINS[:1], "TIMEFRAMES": ["1min", "5min"], "DATA_DIR": str(folder)}
    return settings(STRATEGY="classifier", RETRAIN=asked, **own)


def trained(folder: Path, registry: Registry, at: int) -> Challenge:
    asked = chosen(folder)
    return retrain(asked, Store(folder), registry, lambda: at, lambda *how: None, folds=1, plan=QUICK)


def test_the_first_is_promoted_and_the_same_again_is_kept_back(tmp_path: Path) -> None:
    stored(tmp_path / "data")
    registry = Registry(tmp_path / "models")
    first = trained(tmp_path / "data", registry, at=7)
    assert words_of(first).startswith(
        "promoted patterns@v0001, before it was none: no current model can be used (none "
    )
    assert registry.pointer("patterns").history[-1].at == 7
    end = START_MS + DAYS * DAY_MS
    assert (first.start, first.end) == (end - JUDGE_DAYS * DAY_MS, end), "nothing that judges was learned from"
    again = trained(tmp_path / "data", registry, at=8)
    assert words_of(again).startswith("kept patterns@v0001, patterns@v0002 is not better: log loss ")
    assert (registry.current("patterns"), registry.versions("patterns")) == ("v0001", ["v0001", "v0002"])
    reference = reference_in(registry.open("patterns"))
    assert reference is not None
    assert list(reference.rates) == ["1min", "5min"]
    days = DAYS - JUDGE_DAYS
    assert reference.rates["1min"].candles == pytest.approx(days * 1_440, abs=1)
    assert reference.rates["5min"].candles == pytest.approx(days * 288, abs=1)
    assert 0.05 < reference.rates["1min"].share < 0.6
    assert reference.outcomes.entries > 50
    assert 0.0 < reference.outcomes.probability < 1.0


def test_spans_end_with_the_candles_and_are_refused_where_those_are_too_few(tmp_path: Path) -> None:
    store = stored(tmp_path, days=10)
    end = START_MS + 10 * DAY_MS
    assert spans_of(chosen(tmp_path, span_days=9), store) == (end - 9 * DAY_MS, end - 8 * DAY_MS, end)
    with pytest.raises(ConfigError, match=r"stored are 10\.0 days; allowed: fewer"):
        spans_of(chosen(tmp_path, judge_days=10), store)
