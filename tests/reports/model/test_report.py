"""The report of a model: whole, small, without scripts, true to the evidence, and safe whatever names are in it."""

from __future__ import annotations

import json
import math
import re
from html import escape, unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest

from tests.reports.model.made import evidence
from trader.engine.train.proof.facts import Evidence
from trader.engine.train.verdict import verdict
from trader.ml.calibration import reliability
from trader.ml.pattern_model import RECOGNISER, SUCCESS
from trader.ml.scores import lift
from trader.reports.model.write import report_files

HOSTILE = "</title><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


class Parsed(HTMLParser):
    """The tags of a page, what they load, and its words in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self._body = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._body |= tag == "body"

    def handle_data(self, data: str) -> None:
        if self._body and data.strip():
            self.words.append(data.strip())


def page_of(found: Evidence, title: str = "patterns@v0001") -> str:
    return report_files(found, title)["report.html"].decode()


def test_the_first_line_is_the_verdict() -> None:
    found = evidence()
    assert Parsed(page_of(found)).words[0] == verdict(found).words


def test_it_runs_and_loads_nothing_and_is_small() -> None:
    files = report_files(evidence(), "patterns@v0001")
    parsed = Parsed(files["report.html"].decode())
    assert not parsed.tags & {"script", "link", "img", "iframe", "object"}
    assert not parsed.attributes & {"src", "href", "onclick", "onload"}
    assert "default-src &#x27;none&#x27;" in files["report.html"].decode()
    assert sum(map(len, files.values())) < 300_000
    assert sorted(files) == ["report.html", "report.json"]


def test_equal_evidence_gives_equal_bytes() -> None:
    assert report_files(evidence(), "x") == report_files(evidence(), "x")


def test_the_json_is_the_evidence_with_its_verdict() -> None:
    found = evidence(deflated=math.nan)
    told = json.loads(report_files(found, "patterns@v0001")["report.json"])
    assert told["title"] == "patterns@v0001"
    assert told["verdict"] == json.loads(msgspec.json.encode(verdict(found)))
    assert told["evidence"] == json.loads(msgspec.json.encode(found))
    assert told["evidence"]["deflated"] is None
    assert len(told["evidence"]["chance"]["means"]) == 1_000


def test_the_numbers_of_the_page_are_those_of_the_evidence() -> None:
    found = evidence()
    words = set(Parsed(page_of(found)).words)
    signals, random, model = found.signals, found.chance, found.pooled["model"]
    nets = (signals.net, signals.error, random.mean, random.deviation, model.net)
    shown = {f"{100 * value:,.3f} %" for value in nets}
    shown |= {f"{100 * value:,.2f} %" for value in (model.result, model.drawdown, found.hold, found.hold_drawdown)}
    shown |= {f"{value:.4f}" for value in (found.recognised.log_loss, found.early.brier, found.chances.brier)}
    shown |= {f"{each.signals.entries:,}" for each in (*found.by_month, *found.by_pattern)}
    shown |= {f"{count:,}" for line in found.recognised.confusion for count in line}
    shown |= {f"{each.precision:.3f}" for each in found.recognised.classes}
    assert shown <= words, shown - words


def test_every_drawing_is_well_formed_and_within_its_frame() -> None:
    drawings = re.findall(r"<svg.*?</svg>", page_of(evidence()), re.DOTALL)
    assert len(drawings) == 11
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for bar in root.iter("rect"):
            x, y, wide, high = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= width
            assert 0 <= y <= y + high <= height
        for line in root.iter("path"):
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", line.attrib["d"])]
            assert all(0 <= number <= max(width, height) for number in numbers)


def test_hostile_names_are_words_and_nothing_else() -> None:
    text = page_of(evidence(HOSTILE), HOSTILE)
    parsed = Parsed(text)
    assert not parsed.tags & {"script", "img"}
    assert "onerror" not in parsed.attributes
    assert HOSTILE not in text
    assert escape(HOSTILE) in text
    assert HOSTILE in unescape(text)
    json.loads(report_files(evidence(HOSTILE), HOSTILE)["report.json"])


def test_a_model_that_said_nothing_has_a_report_too() -> None:
    """No candidates, no entries, no draws, no trees."""
    full, none = evidence(), math.nan
    signals = msgspec.structs.replace(full.signals, entries=0, days=0, won=none, net=none, error=none, sharpe=none)
    empty = msgspec.structs.replace(
        full,
        signals=signals,
        called=reliability([], []),
        likeliest=reliability([], []),
        reliability_won=reliability([], []),
        lift=lift([], []),
        lift_won=lift([], []),
        net_by_expected=lift([], []),
        weights={RECOGNISER: (), SUCCESS: ()},
        by_month=(),
        by_coin=(),
        chance=msgspec.structs.replace(full.chance, means=(none,) * 1_000, p_value=none, mean=none, deviation=none),
    )
    text = page_of(empty)
    assert "no edge shown: 0 trades are too few" in text
    assert "nan" not in text


@pytest.mark.parametrize("net", [-0.02, 0.0, 0.05])
def test_the_model_is_marked_among_the_draws(net: float) -> None:
    found = evidence()
    found = msgspec.structs.replace(found, signals=msgspec.structs.replace(found.signals, net=net))
    assert f"the model: {100 * net:.3g} %" in page_of(found)
