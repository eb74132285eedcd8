"""What the inputs are made of: by it a stored model is held against the program that would use it.

A kernel's digest is that of its code without comments, texts and layout: rewording a docstring retires no model.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from trader.ml.inputs import INPUTS
from trader.ml.registry.metadata import Inputs

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


#: Fields that say nothing about what is computed, or are there in some versions of Python only.
UNTOLD = frozenset({"ctx", "kind", "type_comment", "type_params"})


def source_digest(sources: Iterable[str]) -> str:
    """Return a digest of Python sources that comments, docstrings and layout do not change.

    >>> source_digest(["x = 1  # one"]) == source_digest(["'''About x.'''\\nx  =  1"]) != source_digest(["x = 2"])
    True
    """
    return _digest(part for source in sources for part in _spelled(_without_texts(ast.parse(source))))


def _spelled(node: object) -> Iterator[str]:
    """Yield the nodes and values of a tree in a spelling that all versions of Python share.

    What `ast.unparse` and `ast.dump` write changes from one to the next, and a model must not depend on who asks it.
    """
    if isinstance(node, list):
        for each in node:
            yield from _spelled(each)
    elif isinstance(node, ast.AST):
        yield type(node).__name__
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name not in UNTOLD:
                yield name
                yield from _spelled(value)
        yield "end"
    else:
        yield repr(node)


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


def _current() -> Inputs:
    kernels = {kernel: _kernel(files) for kernel, files in KERNELS.items()}
    kernels["inputs"] = _digest(f"{each.name} = ({each.feature} - {each.minus}) / {each.over}" for each in INPUTS)
    return Inputs(tuple(each.name for each in INPUTS), kernels, ())


def version_of(inputs: Inputs) -> str:
    """Return one name for names and kernels of `inputs`, 16 hexadecimal digits, whatever timeframes they are for."""
    return _digest((*inputs.names, *(f"{kernel}={inputs.kernels[kernel]}" for kernel in sorted(inputs.kernels))))


def current_for(timeframes: Iterable[str]) -> Inputs:
    """Return what this program gives a model for streams of `timeframes`."""
    return Inputs(CURRENT.names, CURRENT.kernels, tuple(timeframes))


#: The inputs of this program, of whatever timeframe, and one name for them.
CURRENT = _current()
INPUTS_VERSION = version_of(CURRENT)
