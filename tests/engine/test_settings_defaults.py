"""`config.py`: its structure is the contract's, every setting is explained there and in the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.shared import ROOT, shared_path
from trader.core.settings import Settings
from trader.core.settings.model import BINANCE_ORDERS
from trader.core.timeframe import Timeframe
from trader.engine.safety.gate import start_faults
from trader.engine.settings import defaults, described, from_dict

#: Where `config.py` means to differ from the contract's defaults, and why.
MEANT_DIFFERENCES = {
    # 0.003 of one-minute candles would let next to nothing through: a table that falls with the length of candles.
    "MIN_ATR_PCT": (0.003, "a table"),
    # The contract's scenarios are without it; the program has it on by default (trading-rules, section 8).
    "HEDGING.dynamic_hedge": (False, True),
}


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every nested name with its value; lists whole."""
    if not isinstance(value, dict):
        yield name, value
        return
    for key, inner in value.items():
        yield from flat(inner, f"{name}.{key}".lstrip("."))


def test_rule_settings_have_the_names_structure_and_values_of_the_contract() -> None:
    contract = json.loads(shared_path("vectors", "defaults.json").read_text())
    ours = {name: value for name, value in defaults().items() if name in contract}
    ours["MIN_ATR_PCT"] = "a table"
    differing = {
        name: (theirs, dict(flat(ours)).get(name, "absent"))
        for name, theirs in flat(contract)
        if theirs != dict(flat(ours)).get(name, "absent")
    }
    assert differing == MEANT_DIFFERENCES
    assert {name for name, _ in flat(ours)} == {name for name, _ in flat(contract)}


def test_every_scenario_of_the_contract_has_possible_settings() -> None:
    files = sorted(shared_path("vectors").glob("*_*.json"))
    assert files
    for file in files:
        scenario = json.loads(file.read_text())
        from_dict({**scenario["settings"], "MARKET": scenario["market"], "COINS": scenario["coins"]})


def test_the_table_of_least_volatility_falls_with_the_square_root_of_time_below_15min() -> None:
    settings = from_dict({})
    for timeframe in Timeframe:
        share = min(1.0, (timeframe.ms / Timeframe.MIN_15.ms) ** 0.5)
        assert settings.min_atr_pct(timeframe) == pytest.approx(0.003 * share, rel=0.02)


def test_config_py_and_the_settings_have_the_same_names() -> None:
    assert list(defaults()) == list(Settings.model_fields)


def test_groups_and_comments_are_read_with_each_setting() -> None:
    found = {each.name: each for each in described()}
    assert list(found) == list(defaults())
    assert all(each.group and each.comment for each in found.values())
    assert (found["MAX_SYMBOL_EXPOSURE"].group, found["MAX_SYMBOL_EXPOSURE"].comment) == (
        "Portfolio",
        ("Most of equity reserved in one symbol.",),
    )


def test_the_defaults_start_without_a_key_and_send_no_order_to_binance() -> None:
    assert start_faults(from_dict({})) == []
    assert from_dict({}).MODE not in BINANCE_ORDERS


def test_every_setting_has_a_comment_of_its_own_in_config_py() -> None:
    lines = (ROOT / "config.py").read_text().splitlines()
    bare = [line for above, line in pairwise(lines) if re.match("[A-Z_0-9]+ = ", line) and above[:1] != "#"]
    assert bare == []


def test_every_setting_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in defaults() if f"`{name}`" not in text] == []


def test_the_docs_name_no_setting_that_is_not_there() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    names = {row.group(1) for row in re.finditer(r"^\| `([A-Z_0-9]+)`", text, re.MULTILINE)}
    assert names == set(defaults())
