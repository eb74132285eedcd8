"""A stored model's inputs are held against the program's, and the difference is said."""

from __future__ import annotations

import doctest
from pathlib import Path

import msgspec

from trader.compiled import PACKAGE, imported_files
from trader.ml import version
from trader.ml.inputs import INPUTS
from trader.ml.registry.metadata import Inputs, differences
from trader.ml.version import CURRENT, INPUTS_VERSION, KERNELS, current_for, source_digest, version_of

STORED = Inputs(("a", "b", "c"), {"geometry": "11", "inputs": "22"}, ("1min",))

#: What the kernels import without being changed by it: words, containers, the compiler.
NO_KERNELS = ("__init__.py", "compiled.py", "core/", "market/")


def imports_from(start: Path) -> set[str]:
    """Return the files of the package that `start` imports, directly or not, by name; those of no kernel left out."""
    found, waiting = {start}, [start]
    while waiting:
        new = [path for path in imported_files(waiting.pop(), PACKAGE) if path not in found]
        new = [path for path in new if not _name(path).startswith(NO_KERNELS)]
        found.update(new)
        waiting.extend(new)
    return {_name(path) for path in found if path.name != "__init__.py"}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_file_from_which_inputs_are_made_is_in_a_kernel() -> None:
    made_of = imports_from(PACKAGE / "ml" / "inputs.py") | imports_from(PACKAGE / "ml" / "candidates.py")
    assert {name for files in KERNELS.values() for name in files} == made_of - {"ml/inputs.py"}


def test_the_version_names_the_inputs_in_order_and_every_kernel() -> None:
    assert CURRENT.names == tuple(each.name for each in INPUTS)
    assert set(CURRENT.kernels) == {*KERNELS, "inputs"}
    assert version_of(CURRENT) == INPUTS_VERSION


def test_a_version_comes_back_from_a_file_as_it_was() -> None:
    given = current_for(("1min", "5min"))
    again = msgspec.json.decode(msgspec.json.encode(given), type=Inputs)
    assert (again, version_of(again)) == (given, INPUTS_VERSION)
    assert differences(again, CURRENT) == []


def test_another_order_and_another_kernel_are_another_version_and_timeframes_are_not() -> None:
    for changes in ({"names": ("a", "c", "b")}, {"kernels": {"geometry": "12", "inputs": "22"}}):
        assert version_of(msgspec.structs.replace(STORED, **changes)) != version_of(STORED)
    assert version_of(msgspec.structs.replace(STORED, timeframes=("5min",))) == version_of(STORED)


def test_words_and_layout_change_no_digest_and_code_does() -> None:
    source = 'def f(x):\n    """Add one."""\n    return x + 1  # one\n'
    reworded = 'def f( x ):\n    """Add."""\n\n    return (x + 1)\n'
    assert source_digest([source]) == source_digest([reworded])
    assert source_digest([source]) != source_digest([source.replace("1", "2")])
    assert source_digest(["class E:\n    '''Only a text.'''\n"]) == source_digest(["class E:\n    pass\n"])


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(version).failed == 0
