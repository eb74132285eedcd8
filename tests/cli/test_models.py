"""`python start.py models` as a person uses it: what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ml.stored import INPUTS, SUCCESS, change, description
from tests.shared import ROOT
from trader.cli.app import main
from trader.ml.registry.metadata import Inputs, Span
from trader.ml.registry.store import Registry

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADER_") or name in ("MODE", "DATA_SOURCE")]:
        monkeypatch.delenv(name)


def add(folder: str = "models", name: str = "pattern", **changes: Any) -> Registry:
    """Store a version and return its registry."""
    registry = Registry(Path(folder))
    registry.add(name, description(**changes), {"success.ubj": SUCCESS})
    return registry


@pytest.fixture
def two() -> Registry:
    """Return a registry with two versions, the first of which is current."""
    registry = add(scores={"log_loss": 0.5, "brier": 0.25}, note="the first")
    add(scores={"log_loss": 0.4375, "lift": None}, parameters={"eta": 0.3}, note="the second", trials=40)
    registry.promote("pattern", "v0001", at=0)
    return registry


def test_a_list_has_every_version_and_marks_the_current_one(two: Registry, capsys: Said) -> None:
    add(name="another", note="")
    assert main(["models", "list"]) == 0
    head, other, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["model", "made", "bytes", "trials", "note"]
    assert other.split()[0] == "another@v0001"
    assert first.startswith("*  pattern@v0001")
    assert second.startswith("   pattern@v0002")
    assert second.endswith("40      the second")


def test_a_damaged_version_or_pointer_does_not_hide_the_others(two: Registry, capsys: Said) -> None:
    change(two.folder / "pattern" / "v0001" / "metadata.json")
    (two.folder / "pattern" / "current.json").write_text("x")
    assert main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "current.json is no pointer to a version" in said
    assert "v0001/metadata.json" in said
    assert "the second" in said


def test_the_folder_is_a_setting_and_an_option(capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    add("elsewhere")
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out == "there is no model in models\n"
    assert main(["models", "list", "--models", "elsewhere"]) == 0
    assert "pattern@v0001" in capsys.readouterr().out
    monkeypatch.setenv("TRADER_MODELS_DIR", "elsewhere")
    assert main(["models", "list"]) == 0
    assert "pattern@v0001" in capsys.readouterr().out


def test_show_says_what_the_model_is_and_what_it_learned_from(two: Registry, capsys: Said) -> None:
    assert main(["models", "show", "pattern"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("pattern@v0001: current, promoted 1970-01-01 00:00:00\nthe first\n")
    assert "inputs: 3, for 1min, 5min\n  a, b, c\n  made by geometry 90ab, indicators 4f1c\n" in said
    assert "  test      spot BTCUSDT 1min" in said
    assert "  log_loss  0.5\n" in said
    assert two.open("pattern").metadata.files["success.ubj"].sha256 in said
    assert main(["models", "show", "pattern@v0002"]) == 0
    assert capsys.readouterr().out.startswith("pattern@v0002: not current\n")


def test_show_as_json_is_the_metadata_as_stored(two: Registry, capsys: Said) -> None:
    assert main(["models", "show", "pattern", "--json"]) == 0
    said = capsys.readouterr().out
    assert said.encode() == (two.folder / "pattern" / "v0001" / "metadata.json").read_bytes()
    assert json.loads(said)["description"]["calibration"]["success"][0]["y"] == [0.25, 0.5]


def test_a_comparison_has_the_differences_and_only_those(two: Registry, capsys: Said) -> None:
    assert main(["models", "compare", "pattern", "pattern@v0002"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tested on the same spans: yes"
    assert [line.split() for line in lines[1:5]] == [
        ["score", "pattern@v0001", "pattern@v0002", "difference"],
        ["log_loss", "0.5", "0.4375", "-0.0625"],
        ["brier", "0.25", "none"],
        ["lift", "none", "none"],
    ]
    assert lines[5:] == ["parameters: eta is 0.1 and 0.3", "training: trials is 12 and 40"]


def test_a_comparison_of_other_tests_and_inputs_says_so(two: Registry, capsys: Said) -> None:
    later = Span("test", "spot", "BTCUSDT", "1min", 60_000, 120_000, 1)
    add(spans=(later,), inputs=Inputs(("a", "b"), INPUTS.kernels, INPUTS.timeframes))
    assert main(["models", "compare", "pattern", "pattern@v0003"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tested on the same spans: no, so the scores say little about which is better"
    assert lines[-1] == "inputs: pattern@v0001 needs c, which pattern@v0003 does not have"


def test_a_promotion_and_a_rollback_say_what_is_current(two: Registry, capsys: Said) -> None:
    assert main(["models", "promote", "pattern@v0002"]) == 0
    assert capsys.readouterr().out == "pattern@v0002 is current, before it was v0001\n"
    assert main(["models", "promote", "pattern@v0002"]) == 0
    assert capsys.readouterr().out == "pattern@v0002 is current already\n"
    assert two.pointer("pattern").history[-1].at > 1_700_000_000_000
    assert main(["models", "rollback", "pattern"]) == 0
    assert capsys.readouterr().out == "pattern@v0001 is current again, v0002 is not any more; it stays where it is\n"
    assert main(["models", "rollback", "pattern"]) == 1
    assert "nothing to go back to: one version was promoted" in capsys.readouterr().err


def test_a_first_promotion_says_nothing_of_one_before(capsys: Said) -> None:
    add()
    assert main(["models", "promote", "pattern@v0001"]) == 0
    assert capsys.readouterr().out == "pattern@v0001 is current\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["promote", "pattern"], 2, "promote pattern: name the version, as pattern@VERSION; there are: v0001, v0002"),
        (["promote", "pattern@v0007"], 1, "has no version v0007; there are: v0001, v0002"),
        (["promote", "pattern@newest"], 1, "version 'newest': allowed: v and four digits"),
        (["show", "other"], 1, "no version of model other in models is promoted; there are these models: pattern"),
        (["show", "../x"], 1, "model '../x': allowed: a small letter"),
        (["rollback", "other"], 1, "no version of model other in models is promoted"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_can(
    two: Registry, arguments: list[str], code: int, said: str, capsys: Said
) -> None:
    assert main(["models", *arguments]) == code
    assert said in capsys.readouterr().err


def test_verify_names_what_was_changed_and_ends_with_1(two: Registry, capsys: Said) -> None:
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out == "models: 2 versions, 4 files: nothing is wrong\n"
    change(two.folder / "pattern" / "v0002" / "success.ubj")
    assert main(["models", "verify", "pattern"]) == 1
    fault, result = capsys.readouterr().out.splitlines()
    assert fault.startswith("models/pattern/v0002/success.ubj was changed: it has ")
    assert result == "models: 2 versions, 4 files: 1 faults"
    assert main(["models", "promote", "pattern@v0002"]) == 1
    assert main(["models", "verify", "other"]) == 1


@pytest.mark.parametrize("name", ["list", "show", "compare", "promote", "rollback", "verify"])
def test_each_has_help_with_examples(name: str, capsys: Said) -> None:
    assert main(["models", name, "--help"]) == 0
    assert f"python start.py models {name}" in capsys.readouterr().out


def test_looking_at_models_does_not_wait_for_what_trains_them(tmp_path: Path) -> None:
    code = "import sys, trader.cli.app as app; app.main(['models', 'list']); print(*sys.modules)"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stdout
    modules = set(said.splitlines()[-1].split())
    assert "trader.ml.registry.store" in modules
    assert modules & {"xgboost", "sklearn", "scipy", "numba", "pandas"} == set()
