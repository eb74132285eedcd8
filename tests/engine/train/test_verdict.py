"""The verdict in words: each condition can refuse an edge, and none is passed by what is undefined."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from tests.reports.model.made import evidence
from trader.engine.train.proof.facts import Evidence
from trader.engine.train.verdict import verdict


def changed(p_value: float = 0.003, deflated: float = 0.99, **signals: Any) -> Evidence:
    """Return evidence of an edge, but for what is said."""
    good = evidence()
    kept = {"entries": 812, "days": 90, "net": 0.0012, "error": 0.0004} | signals
    return msgspec.structs.replace(
        good,
        signals=msgspec.structs.replace(good.signals, **kept),
        chance=msgspec.structs.replace(good.chance, p_value=p_value),
        deflated=deflated,
    )


def test_an_edge_is_said_with_its_error_and_its_chance() -> None:
    found = verdict(changed())
    assert (found.edge, found.missing) == (True, ())
    assert found.words.startswith("edge of 0.12 % ± 0.04 % a trade, p = 0.003 against random entries, over 812 trades")


def test_a_loss_is_no_edge_after_costs() -> None:
    found = verdict(changed(0.83, 0.0, net=-0.0027, error=0.0005))
    assert not found.edge
    assert found.words == (
        "no edge after costs: -0.27 % ± 0.05 % a trade over 812 trades, p = 0.83 against random entries"
    )


def test_too_few_trades_or_days_show_nothing_however_good() -> None:
    assert verdict(changed(entries=12)).words == "no edge shown: 12 trades are too few"
    assert verdict(changed(entries=1)).words == "no edge shown: 1 trade is too few"
    assert verdict(changed(days=8)).words == "no edge shown: 812 trades on 8 days are too few days"
    none = verdict(changed(math.nan, math.nan, entries=0, days=0, net=math.nan, error=math.nan))
    assert (none.edge, none.words) == (False, "no edge shown: 0 trades are too few")


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        ({"error": 0.0007}, "the mean net is not 2 standard errors above 0"),
        ({"error": math.nan}, "the mean net is not 2 standard errors above 0"),
        ({"p_value": 0.05}, "random entries did as well in 5.0 % of the draws"),
        ({"p_value": math.nan}, "random entries did as well in an unknown share of the draws"),
        ({"deflated": 0.95}, "after 40 trials the Sharpe ratio is more than luck with a probability of 0.95"),
        ({"deflated": math.nan}, "after 40 trials the Sharpe ratio is more than luck with a probability of unknown"),
    ],
)
def test_each_condition_alone_refuses_an_edge(parts: dict[str, float], missing: str) -> None:
    found = verdict(changed(**parts))
    assert not found.edge
    assert len(found.missing) == 1
    assert found.missing[0].startswith(missing)
    assert found.words.startswith("no edge shown after costs: 0.12 % ± ")
    assert found.missing[0] in found.words


def test_no_words_promise_anything() -> None:
    for each in (changed(), changed(0.5), changed(net=-0.001), changed(entries=3)):
        assert not {"will", "profit", "guaranteed", "expect"} & set(verdict(each).words.split())
