"""A stored model's inputs are held against the program's, and the difference is said."""

from __future__ import annotations

import doctest
from pathlib import Path

import msgspec

from trader.compiled import PACKAGE, imported_files
from trader.ml import version
from trader.ml.inputs import INPUTS
from trader.ml.version import CURRENT, INPUTS_VERSION, KERNELS, InputsVersion, difference, source_digest

STORED = InputsVersion(("a", "b", "c"), {"geometry": "11", "inputs": "22"})

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
    assert CURRENT.digest == INPUTS_VERSION


def test_a_version_comes_back_from_a_file_as_it_was() -> None:
    again = msgspec.json.decode(msgspec.json.encode(CURRENT), type=InputsVersion)
    assert (again, again.digest) == (CURRENT, INPUTS_VERSION)
    assert difference(again, CURRENT) == ""


def test_missing_and_new_inputs_are_named() -> None:
    current = msgspec.structs.replace(STORED, names=("a", "c", "d"))
    assert difference(STORED, current) == (
        "the model has inputs that the program has not: b; the program has inputs that the model has not: d"
    )


def test_another_order_is_shown_at_its_first_place() -> None:
    current = msgspec.structs.replace(STORED, names=("a", "c", "b"))
    assert difference(STORED, current) == (
        "the inputs stand in another order: number 2 is b in the model and c in the program"
    )
    assert current.digest != STORED.digest


def test_a_changed_a_missing_and_a_new_kernel_are_named() -> None:
    current = msgspec.structs.replace(STORED, kernels={"geometry": "12", "context": "33"})
    assert difference(STORED, current) == (
        "the context kernel is none in the model and 33 in the program; "
        "the geometry kernel is 11 in the model and 12 in the program; "
        "the inputs kernel is 22 in the model and none in the program"
    )
    assert current.digest != STORED.digest


def test_words_and_layout_change_no_digest_and_code_does() -> None:
    source = 'def f(x):\n    """Add one."""\n    return x + 1  # one\n'
    reworded = 'def f( x ):\n    """Add."""\n\n    return (x + 1)\n'
    assert source_digest([source]) == source_digest([reworded])
    assert source_digest([source]) != source_digest([source.replace("1", "2")])
    assert source_digest(["class E:\n    '''Only a text.'''\n"]) == source_digest(["class E:\n    pass\n"])


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(version).failed == 0
