"""The cache of compiled code: it notices what numba does not, and is shared by the processes of one version."""

from __future__ import annotations

import doctest
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trader import compiled

LIMITS = "FACTOR = 10\n"

CALLEE = """
from trader.compiled import inlined
from trader.limits import FACTOR


@inlined
def scaled(x):
    return FACTOR * x + 1
"""

CALLER = """
from trader.compiled import compiled
from trader.inner.callee import scaled


@compiled
def twice(x):
    return 2 * scaled(x)
"""

MAIN = """
from trader.caller import twice

value = twice(3)
print(value, "loaded" if twice.stats.cache_hits else "compiled")
"""


class Tree:
    """A small package called `trader` with our `compiled.py`, run by processes of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "NUMBA_CACHE_DIR": str(root / "cache"), "PYTHONPATH": str(root)}
        shutil.copy(compiled.__file__, self.write("trader/compiled.py", ""))
        self.write("trader/__init__.py", "")
        self.write("trader/limits.py", LIMITS)
        self.write("trader/inner/__init__.py", "")
        self.write("trader/inner/callee.py", CALLEE)
        self.write("trader/caller.py", CALLER)
        self.write("main.py", MAIN)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, processes: int = 1) -> str:
        """Run `main.py` in processes that start at once; return what they print, one after another."""
        command = [sys.executable, str(self.root / "main.py")]
        how = {"env": self.environment, "cwd": self.root, "stdout": subprocess.PIPE, "text": True}
        started = [subprocess.Popen(command, **how) for _ in range(processes)]
        printed = [process.communicate(timeout=60)[0].strip() for process in started]
        assert [process.returncode for process in started] == [0] * processes
        return "\n".join(printed)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_second_process_loads_what_the_first_compiled(tree: Tree) -> None:
    assert [tree.run(), tree.run()] == ["62 compiled", "62 loaded"]


def test_processes_that_start_at_once_share_the_cache(tree: Tree) -> None:
    assert {line.split()[0] for line in tree.run(processes=3).splitlines()} == {"62"}
    assert tree.run() == "62 loaded"


def test_a_callee_changed_in_another_file_is_seen(tree: Tree) -> None:
    tree.run()
    tree.write("trader/inner/callee.py", CALLEE.replace("x + 1", "x + 2"))
    assert tree.run() == "64 compiled"


def test_a_constant_changed_in_a_file_without_compiled_code_is_seen(tree: Tree) -> None:
    tree.run()
    tree.write("trader/limits.py", LIMITS.replace("10", "100"))
    assert tree.run() == "602 compiled"


def test_going_back_to_the_old_source_finds_the_old_code(tree: Tree) -> None:
    tree.run()
    tree.write("trader/inner/callee.py", CALLEE.replace("x + 1", "x + 2"))
    tree.run()
    tree.write("trader/inner/callee.py", CALLEE)
    assert tree.run() == "62 loaded"


def test_a_file_on_which_no_compiled_code_depends_leaves_the_cache_as_it_is(tree: Tree) -> None:
    before = compiled.cache_key(tree.root / "trader")
    tree.write("trader/pages.py", "from trader.limits import FACTOR\n")
    assert compiled.cache_key(tree.root / "trader") == before


def test_code_runs_where_the_cache_cannot_be_written(tree: Tree) -> None:
    blocked = str(tree.write("file", "not a directory"))
    homes = {"NUMBA_CACHE_DIR": blocked, "XDG_CACHE_HOME": blocked}
    tree.environment |= {**homes, "TMPDIR": str(tree.root)}
    tree.write("main.py", MAIN + "from trader import compiled\nprint(compiled.CACHE)\n")
    value, cache = tree.run().splitlines()
    assert value == "62 compiled"
    assert Path(cache).parent.parent == tree.root


def test_code_runs_without_any_cache(tree: Tree) -> None:
    blocked = str(tree.write("file", "not a directory"))
    tree.environment |= {"NUMBA_CACHE_DIR": blocked, "XDG_CACHE_HOME": blocked, "TMPDIR": str(tree.root)}
    tree.write(f"trader-numba-{os.getuid()}", "in the way")
    assert [tree.run(), tree.run()] == ["62 compiled", "62 compiled"]


def test_a_cache_that_others_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    (tmp_path / "key").chmod(0o777)
    assert compiled.open_cache(tmp_path, "key") is None


def test_only_the_caches_used_last_are_kept(tmp_path: Path) -> None:
    names = [f"{number:020x}" for number in range(5)]
    for age, name in enumerate(names):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "something else").mkdir()
    compiled.prune(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names[:2], "something else"]


def test_every_compiled_module_of_the_package_is_in_the_key() -> None:
    sources = {path.relative_to(compiled.PACKAGE).as_posix() for path in compiled.compiled_sources(compiled.PACKAGE)}
    assert {"indicators/kernel.py", "indicators/windows.py", "indicators/columns.py", "patterns/geometry.py"} <= sources
    assert "ml/features.py" in sources


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(compiled).failed == 0
