"""What the inputs are made of: by it a stored model is held against the program that would use it.

A kernel's digest is that of its code without comments, texts and layout: rewording a docstring retires no model.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

import msgspec

from trader.ml.inputs import INPUTS

_ROOT = Path(__file__).resolve().parent.parent

#: The files of each kernel, below `trader/`; which features an input takes is a kernel too, its description is not.
KERNELS: Mapping[str, tuple[str, ...]] = {
    "indicators": tuple(
        f"indicators/{name}.py"
        for name in (
            "columns",
            "kernel",
            "moving_averages",
            "oscillators",
            "ratios",
            "shape",
            "trend",
            "volatility",
            "volume",
            "windows",
        )
    ),
    "geometry": tuple(
        f"patterns/{name}.py"
        for name in (
            "constants",
            "continuations",
            "converging",
            "formations",
            "geometry",
            "layout",
            "maths",
            "outlook",
            "reversals",
            "zigzag",
        )
    ),
    "context": ("ml/context.py",),
    "features": ("ml/features.py",),
    "formulas": ("ml/formulas.py",),
    "candidates": ("ml/candidates.py",),
}


class InputsVersion(msgspec.Struct, frozen=True):
    """The inputs in their order, and a digest of each kernel that makes them; goes into a model's metadata."""

    names: tuple[str, ...]
    kernels: dict[str, str]

    @property
    def digest(self) -> str:
        """One name for all of it, 16 hexadecimal digits."""
        parts = (*self.names, *(f"{kernel}={self.kernels[kernel]}" for kernel in sorted(self.kernels)))
        return _digest(parts)


def difference(stored: InputsVersion, current: InputsVersion) -> str:
    """Say in words how the inputs of a stored model differ from `current`; the empty text where they do not."""
    return "; ".join((*_of_names(stored.names, current.names), *_of_kernels(stored.kernels, current.kernels)))


def _of_names(stored: tuple[str, ...], current: tuple[str, ...]) -> Iterator[str]:
    if gone := [name for name in stored if name not in current]:
        yield f"the model has inputs that the program has not: {', '.join(gone)}"
    if new := [name for name in current if name not in stored]:
        yield f"the program has inputs that the model has not: {', '.join(new)}"
    if gone or new or stored == current:
        return
    at, one, other = next(
        (at, one, other)
        for at, (one, other) in enumerate(zip_longest(stored, current, fillvalue="nothing"), 1)
        if one != other
    )
    yield f"the inputs stand in another order: number {at} is {one} in the model and {other} in the program"


def _of_kernels(stored: Mapping[str, str], current: Mapping[str, str]) -> Iterator[str]:
    for kernel in sorted(stored.keys() | current.keys()):
        one, other = stored.get(kernel, "none"), current.get(kernel, "none")
        if one != other:
            yield f"the {kernel} kernel is {one} in the model and {other} in the program"


def source_digest(sources: Iterable[str]) -> str:
    """Return a digest of Python sources that comments, docstrings and layout do not change.

    >>> source_digest(["x = 1  # one"]) == source_digest(["'''About x.'''\\nx  =  1"]) != source_digest(["x = 2"])
    True
    """
    return _digest(ast.unparse(_without_texts(ast.parse(source))) for source in sources)


def _without_texts(tree: ast.Module) -> ast.Module:
    """Take away every text that stands alone as a statement; a body that is left empty keeps a `pass`."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [each for each in body if not _is_text(each)] or [ast.Pass()]
    return tree


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _kernel(files: Iterable[str]) -> str:
    return source_digest((_ROOT / name).read_text("utf-8") for name in files)


def _current() -> InputsVersion:
    kernels = {kernel: _kernel(files) for kernel, files in KERNELS.items()}
    kernels["inputs"] = _digest(f"{each.name} = ({each.feature} - {each.minus}) / {each.over}" for each in INPUTS)
    return InputsVersion(tuple(each.name for each in INPUTS), kernels)


#: The inputs of this program, and their digest.
CURRENT = _current()
INPUTS_VERSION = CURRENT.digest
