"""The scenarios of the trading rules, through the real core and the real simulated broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared import shared_path
from tests.vectors import GOLDEN, differences, load, main, run, scenario_files


def _check(path: Path) -> None:
    scenario, settings = load(path)
    assert list(differences(scenario["expected"], run(scenario, settings))) == []


@pytest.mark.parametrize("path", scenario_files([GOLDEN]), ids=lambda path: path.stem)
def test_scenario_by_hand_gives_its_result(path: Path) -> None:
    _check(path)


@pytest.mark.parametrize("name", [f"random_{number:03}" for number in range(1, 13)])
def test_random_scenario_gives_its_result(name: str) -> None:
    _check(shared_path("vectors", f"{name}.json"))


def test_a_wrong_result_is_reported() -> None:
    scenario, settings = load(GOLDEN / "hand_worked_size_case.json")
    scenario["expected"]["fills"][0][4] = "0.0237"
    found = list(differences(scenario["expected"], run(scenario, settings)))
    assert len(found) == 1
    assert "fills[0]" in found[0]


def test_the_command_ends_with_what_passed_and_failed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(GOLDEN / "hand_worked_size_case.json")]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n"
    wrong = (GOLDEN / "hand_worked_size_case.json").read_text().replace('"0.0236"', '"0.0237"')
    (tmp_path / "wrong.json").write_text(wrong)
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed"
    assert main([]) == 2
