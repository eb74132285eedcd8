"""The card of the model that ships cannot lie: every figure of it is made again from the version's own files."""

from __future__ import annotations

import re

from docs.model_card import BLOCKS, CARD, filled, told_by
from tests.ml.shipped import MODELS, shipped, shipped_settings
from trader.ml.registry.paths import parse

TEXT = CARD.read_text("utf-8")


def test_each_block_stands_in_the_card_once_and_no_other() -> None:
    assert re.findall(r"<!-- (\w+) -->", TEXT) == [word for name in order() for word in (name, "end")]


def order() -> list[str]:
    """Return the names of the blocks, those that a reader wants first in front."""
    return list(BLOCKS)


def test_every_figure_is_that_of_the_model_that_ships() -> None:
    values = shipped_settings()
    told = told_by(MODELS)
    assert told.stored.reference == shipped().reference
    assert parse(values.MODEL)[0] == told.stored.reference.name
    assert filled(TEXT, told) == TEXT, "python -m docs.model_card makes the blocks anew"


def test_outside_of_the_blocks_there_are_no_figures_of_scores() -> None:
    prose = re.sub(r"<!-- \w+ -->.*?<!-- end -->", "", TEXT, flags=re.DOTALL)
    assert set(re.findall(r"\d+[.,]\d+", prose)) <= {"0.03"}  # what a test allows at most
    assert "%" not in prose
