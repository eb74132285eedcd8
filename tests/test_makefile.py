"""The commands of a new user: help, set-up with any Python that is new enough, a clear word when there is none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shared import ROOT

FAKE_PYTHON = """#!/bin/sh
# Answers as Python {version}, and makes virtual environments that only write down what they were asked for.
case "$1 $2" in
    "--version ") echo "Python {version}" ;;
    "-c "*) exit {too_old} ;;
    "-m venv") {venv} ;;
    *) echo "$@" >> installed ;;
esac
"""
MAKES_VENV = "mkdir -p .venv/bin && cp {path} .venv/bin/python"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a directory with the files that set-up needs."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "requirements-ml.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def fake_python(clone: Path, version: str, name: str = "python3", venv: str = MAKES_VENV) -> None:
    """Put a Python that says it is `version` before all others."""
    path = clone / "bin" / name
    path.parent.mkdir(exist_ok=True)
    too_old = int(tuple(map(int, version.split(".")[:2])) < (3, 11))
    path.write_text(FAKE_PYTHON.format(version=version, too_old=too_old, venv=venv.format(path=path)))
    path.chmod(0o755)


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in `clone` with the fake Pythons alone."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", f"PYTHONS={' '.join(map(str, (clone / 'bin').glob('*'))) or 'no-such-python'}", *arguments]
    return subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True, check=False)


def installed(clone: Path) -> list[str]:
    """Return what the fake Python of the virtual environment was asked, packages only."""
    path = clone / "installed"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split()[-1] for line in lines if "install" in line]


def test_make_alone_says_what_can_be_made(clone: Path) -> None:
    said = make(clone).stdout
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"run", "test", "check", "bench", "requirements", "help"} <= set(targets)
    assert all(re.search(rf"^  {target} +[A-Z].*\.$", said, re.MULTILINE) for target in targets)


def test_run_sets_up_what_it_needs_and_starts_the_daemon(clone: Path) -> None:
    fake_python(clone, "3.11.2")
    ended = make(clone, "run", "ARGS=--set MARKET=futures")
    assert ended.returncode == 0, ended.stderr
    assert installed(clone) == ["requirements.txt"]
    assert (clone / "installed").read_text().splitlines()[-1] == "start.py run --set MARKET=futures"


def test_test_and_check_set_up_the_tools_too(clone: Path) -> None:
    fake_python(clone, "3.11.2")
    assert make(clone, "test").returncode == 0
    assert installed(clone) == ["requirements.txt", "requirements-ml.txt"]
    assert "-r requirements-dev.txt -r requirements-ml.txt" in (clone / "installed").read_text()


def test_packages_are_installed_again_when_what_is_pinned_has_changed_and_only_then(clone: Path) -> None:
    fake_python(clone, "3.11.2")
    make(clone, "run")
    make(clone, "run")
    assert installed(clone) == ["requirements.txt"]
    later = (clone / ".venv" / "run-ready").stat().st_mtime + 10
    os.utime(clone / "requirements.txt", (later, later))
    make(clone, "run")
    assert installed(clone) == ["requirements.txt"] * 2


@pytest.mark.parametrize("version", ["3.10.13", "2.7.18"])
def test_a_python_that_is_too_old_is_named_with_what_is_needed(clone: Path, version: str) -> None:
    fake_python(clone, version)
    ended = make(clone, "run")
    assert ended.returncode != 0
    assert f"Python 3.11 or newer is needed to make .venv; found: Python {version}." in ended.stderr
    assert not (clone / ".venv").exists()


def test_without_any_python_that_is_said(clone: Path) -> None:
    assert "Python 3.11 or newer is needed to make .venv; found: none." in make(clone, "run").stderr


def test_the_first_python_that_is_new_enough_is_taken(clone: Path) -> None:
    fake_python(clone, "3.10.1", "python3.10")
    fake_python(clone, "3.12.1", "python3.12")
    assert "making .venv with Python 3.12.1" in make(clone, "run").stdout


def test_a_python_without_venv_is_named_with_what_to_install(clone: Path) -> None:
    fake_python(clone, "3.11.2", venv="exit 1")
    ended = make(clone, "test")
    assert ended.returncode != 0
    assert "Python 3.11.2 has no venv; on Debian and Ubuntu: apt install python3-venv" in ended.stderr


def test_a_virtual_environment_that_does_not_run_is_made_anew(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(clone / "gone")
    fake_python(clone, "3.11.2", venv="rm -rf .venv && " + MAKES_VENV)
    assert make(clone, "run").returncode == 0
    assert installed(clone) == ["requirements.txt"]


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-ml"])
def test_requirements_are_pinned_without_hosts_and_hold_all_that_is_asked_for(name: str) -> None:
    pins = (ROOT / f"{name}.txt").read_text()
    lines = [line for line in pins.splitlines() if line and not line.lstrip().startswith("#")]
    assert all(re.match(r"^[a-z0-9-]+==[\w.]+( ; .+)?$", line) for line in lines)
    assert "://" not in pins
    pinned = {line.split("==")[0] for line in lines}
    wanted = [line for line in (ROOT / f"{name}.in").read_text().splitlines() if re.match("[A-Za-z]", line)]
    asked = {line.split(" ;")[0].lower() for line in wanted}
    assert asked <= pinned


def test_tools_are_pinned_to_the_same_versions_as_the_program() -> None:
    run, *others = (
        dict(re.findall(r"^(\S+)==(\S+)$", (ROOT / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("requirements", "requirements-dev", "requirements-ml")
    )
    for tools in others:
        shared = run.keys() & tools.keys()
        assert shared
        assert {name: run[name] for name in shared} == {name: tools[name] for name in shared}


def test_ci_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make check test"
