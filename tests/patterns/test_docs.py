"""The page on patterns: a picture for each, from a tool that draws; examples in docstrings that are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.draw_patterns import best_examples, picture
from tests.builders import walk
from tests.shared import ROOT
from trader.core.signal import Pattern

DOCS = ROOT / "docs"
MAX_BYTES = 30_000


@pytest.mark.parametrize("pattern", Pattern)
def test_each_pattern_has_its_picture_on_the_page(pattern: Pattern) -> None:
    name = f"patterns/{pattern}.svg"
    assert f"({name})" in (DOCS / "patterns.md").read_text("utf-8")
    assert 1000 < (DOCS / name).stat().st_size < MAX_BYTES


def test_the_tool_draws_the_best_example_of_each_pattern() -> None:
    drawn = list(best_examples([walk(20_000, seed=11)]))
    assert [formation.pattern for _, formation in drawn] == list(Pattern)
    for table, formation in drawn:
        svg = ElementTree.fromstring(picture(table, formation))
        assert len(svg.findall("{*}circle")) == len(formation.swings)
        assert len(svg.findall("{*}path")) == 2


@pytest.mark.parametrize("name", sorted(path.stem for path in Path(ROOT / "trader" / "patterns").glob("*.py")))
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"trader.patterns.{name}")).failed == 0
