"""The texts say what the program does: rules, settings, links, commands, names of the code, pictures."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

import config
from docs import draw_rules
from tests.layers import ORDER
from tests.shared import ROOT
from tests.vectors import GOLDEN, scenario_files
from trader.cli.app import build
from trader.core.signal import PATTERN_DIRECTION, Pattern
from trader.engine.narrator import RULE_WORDS
from trader.trading.checks import RULES
from trader.trading.logic import MANUAL

DOCS = ROOT / "docs"
TEXTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
RULES_TEXT = (DOCS / "rules.md").read_text("utf-8")
SETTINGS = {name: value for name, value in vars(config).items() if name.isupper()}
#: Words with capitals and underscores that are not settings: Binance's own, and the tests'.
FOREIGN = re.compile(r"TRADER_SHARED|.*_(FILTER|SIZE|NOTIONAL|UPDATE|PROPERTY|SUBSCRIPTIONS|MARKET)")
#: Sub-commands and options in a line that people type.
TYPED = re.compile(r"^(?:[A-Z_]+=\S+ |nohup |env |\.venv/bin/)*(python(?:3)? (?:start\.py|-m \S+)|make)(?: (.*))?$")
#: A word in quotes that looks like a setting: capitals with an underscore, perhaps with a key or a value.
NAMED_SETTING = r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+(?:\.[a-z_]+)*)(?:=[^`]*)?`"
CODE_NAME = re.compile(r"`((?:[A-Z][A-Za-z]+\.)?[A-Za-z_]+)`")


def texts() -> Iterator[tuple[str, str]]:
    """Yield name and content of every text."""
    for path in TEXTS:
        yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def typed_lines() -> Iterator[tuple[str, str, list[str]]]:
    """Yield where a command is quoted, the program (`make`, `python start.py` …), and what stands behind it."""
    for name, text in texts():
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        for line in [*lines, *re.findall(r"`([^`\n]+)`", without_code(text))]:
            found = TYPED.match(line.split("  #")[0].strip().removeprefix("$ "))
            if found:
                yield f"{name}: {line}", found[1], shlex.split((found[2] or "").removesuffix("&"), comments=True)


def without_code(text: str) -> str:
    """Return `text` without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


# --- rules ----------------------------------------------------------------------------------------------------------


def test_every_rule_of_the_checks_is_explained_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", RULES_TEXT.split("### Direction and targets")[0], re.MULTILINE)
    assert rows == list(RULES)


def test_every_reason_for_an_exit_has_its_row() -> None:
    made = {
        reason
        for path in scenario_files([GOLDEN])
        for trade in json.loads(path.read_text())["expected"]["trades"]
        for reason in trade["exit_reasons"]
    }
    part = RULES_TEXT.split("## Reasons for an exit")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == made | {MANUAL}


def test_every_word_of_the_log_for_a_refusal_or_a_dropped_entry_is_explained() -> None:
    assert [rule for rule in RULE_WORDS if f"`{rule}`" not in RULES_TEXT] == []


def test_the_table_of_patterns_says_what_the_settings_say() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \| (.+) \| ([\d.]+) % \| ([\d.]+) % \|$", RULES_TEXT, re.MULTILINE)
    told = {pattern_called(name): row[1:] for row in rows for name in row[0].split(", ")}
    assert told == {pattern: expected_row(pattern) for pattern in Pattern}


def pattern_called(words: str) -> Pattern:
    """Return the pattern that a text calls `words`; flags and wedges have their kind in front."""
    names = ("_".join(words.split()), "_".join(reversed(words.split())))
    return Pattern(names[0] if names[0] in list(Pattern) else names[1])


def expected_row(pattern: Pattern) -> tuple[str, str, str]:
    """Return direction, stop and target of a pattern as the table has them."""
    direction = PATTERN_DIRECTION.get(pattern)
    target = SETTINGS["PATTERN_TARGETS"][pattern]
    percent = [f"{target[key] * 100:.1f}" for key in ("sl_pct", "tp_pct")]
    return (direction.name if direction else "LONG above EMA50, else SHORT", percent[0], percent[1])


def test_the_picture_and_the_table_are_those_that_the_core_makes_now() -> None:
    story = draw_rules.play()
    assert draw_rules.markdown(story) in RULES_TEXT
    assert draw_rules.picture(story) == draw_rules.PICTURE.read_text("utf-8")


# --- settings -------------------------------------------------------------------------------------------------------


def test_every_setting_that_a_text_names_exists() -> None:
    named = [(name, word) for name, text in texts() for word in re.findall(NAMED_SETTING, text)]
    assert [(name, word) for name, word in named if not FOREIGN.fullmatch(word) and not is_setting(word)] == []


def test_every_setting_that_a_quoted_command_sets_exists() -> None:
    for where, _, words in typed_lines():
        pairs = [following for word, following in pairwise(words) if word == "--set"]
        assert [pair for pair in pairs if "=" not in pair or not is_setting(pair.partition("=")[0])] == [], where


def is_setting(name: str) -> bool:
    """Tell whether `name` (NAME, NAME.key, TRADER_NAME__KEY) is in `config.py`."""
    value: Any = SETTINGS
    for key in name.removeprefix("TRADER_").replace("__", ".").split("."):
        found = [held for held in value if held.lower() == key.lower()] if isinstance(value, dict) else []
        if not found:
            return False
        value = value[found[0]]
    return True


# --- links and commands ---------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a text."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text("utf-8"))):
        target, _, anchor = link.partition("#")
        there = path if not target else path.parent / target
        if "://" in link:
            continue
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    assert [path.name for path in DOCS.glob("*.md") if path.name != "README.md" and f"({path.name})" not in index] == []


def test_every_command_that_a_text_quotes_is_understood() -> None:
    wrong = [
        f"{where} ({fault})" for where, program, words in typed_lines() if (fault := misunderstood(program, words))
    ]
    assert wrong == []
    assert sum(where.startswith("README.md") for where, _, _ in typed_lines()) >= 10


def misunderstood(program: str, words: list[str]) -> str:
    """Return what is wrong with a command that a text quotes, or ""."""
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return "" if {word for word in words if "=" not in word} <= set(targets) else "no such target"
    if program != "python start.py":
        module = program.removeprefix("python -m ")
        return "" if find_spec(module) else "no such module"
    group = typer.main.get_command(build())
    commands = getattr(group, "commands")  # noqa: B009 - typer's own class, which has no public type
    command = commands.get(words[0]) if words and not words[0].startswith("-") else group
    if command is None:
        return "no such command"
    within = getattr(command, "commands", None) if command is not group else None
    if within and len(words) > 1:
        command = within.get(words[1])
        if command is None:
            return "no such sub-command"
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return ", ".join(word for word in words if word.startswith("--") and word.partition("=")[0] not in known)


# --- the code ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["life-of-a-candle.md", "life-of-an-order.md", "architecture.md"])
def test_every_name_of_the_code_that_a_text_uses_is_there(name: str) -> None:
    text = without_code((DOCS / name).read_text("utf-8"))
    assert [path for path in re.findall(r"`((?:trader|tests|docs)/[\w/.]+)`", text) if not (ROOT / path).exists()] == []
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "trader").rglob("*.py"))
    known = set(re.findall(r"\b(?:class|def) (\w+)", source)) | {name for name in RULES} | SETTINGS.keys()
    said = {part for word in CODE_NAME.findall(text) for part in word.split(".")}
    unknown = {part for part in said - known if looks_like_code(part) and f'"{part}"' not in source}
    assert unknown == set()


def looks_like_code(word: str) -> bool:
    """Tell whether a quoted word is a class or a function, not an ordinary word."""
    return "_" in word or bool(re.match(r"[A-Z][a-z]+[A-Z]", word))


def test_every_package_has_its_line_in_the_house_in_the_order_of_the_layers() -> None:
    house = (DOCS / "architecture.md").read_text("utf-8").split("## The house")[1].split("## The seams")[0]
    drawn = re.findall(r"^[├└] (\w+)[/.]", house, re.MULTILINE)
    there = [name for name in ORDER if find_spec(f"trader.{name}")]
    assert drawn == there
