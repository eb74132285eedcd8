"""The texts on orders name every state, fault, class, reason and finding, and no test that is not there."""

from __future__ import annotations

import re

import pytest

from tests.shared import ROOT
from trader.exchange.binance.errors import Outcome
from trader.exchange.embedded.faults import Fault
from trader.execution.audit.findings import Kind
from trader.execution.client_ids import Purpose
from trader.execution.outcomes import ACTS, Why
from trader.execution.states import TRANSITIONS

LIFE = (ROOT / "docs" / "life-of-an-order.md").read_text("utf-8")
WRONG = (ROOT / "docs" / "when-things-go-wrong.md").read_text("utf-8")


def rows(text: str) -> set[str]:
    """Return what stands in quotes in the first column of any table of `text`."""
    first = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return {word for cell in first for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({str(fault) for fault in Fault}, WRONG),
        ({outcome.name.lower() for outcome in Outcome}, WRONG),
        ({why.name.lower() for why in Why}, WRONG),
        ({kind.name.lower() for kind in Kind}, WRONG),
        ({str(state) for state in TRANSITIONS}, LIFE),
    ],
    ids=["faults", "classes", "reasons", "findings", "states"],
)
def test_each_has_its_row(wanted: set[str], text: str) -> None:
    assert wanted - rows(text) == set()


def test_every_class_of_the_table_is_one_that_the_adapter_tells() -> None:
    assert set(ACTS) == set(Outcome)


def test_every_purpose_of_an_id_is_explained() -> None:
    drawn = next(line for line in LIFE.splitlines() if "purpose:" in line)
    assert set(re.findall(r"\b([a-z]) \w+", drawn.split("purpose:")[1])) == {str(each) for each in Purpose}


def test_every_test_that_is_named_is_there() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", code))
    assert set(re.findall(r"`(test_\w+)`", WRONG)) - there == set()


def test_every_row_of_a_fault_names_the_test_that_shows_it() -> None:
    parts = re.split(r"^## ", WRONG, flags=re.MULTILINE)
    faults = [part for part in parts if part.startswith("Faults")]
    lines = [line for part in faults for line in part.splitlines() if line.startswith("| `")]
    assert len(lines) == len(Fault)
    assert [line for line in lines if "`test_" not in line] == []
