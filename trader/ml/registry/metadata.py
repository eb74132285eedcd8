"""What is known of a stored model: its inputs, what it learned from, its scores, its calibration; and as JSON.

The JSON has its own digest: a changed curve would change trades as a changed tree does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from trader.core.errors import ConfigError, ModelError
from trader.ml.calibration import Curve
from trader.ml.splits import Fold

#: The only form of `metadata.json` that this program reads and writes.
FORMAT = 1
#: Stands for the digest while it is computed.
UNSEALED = "0" * 64


class Inputs(msgspec.Struct, frozen=True):
    """What a model is given: names in order, a digest of each kernel that makes them, the timeframes it is for."""

    names: tuple[str, ...]
    kernels: dict[str, str]
    timeframes: tuple[str, ...]


class Span(msgspec.Struct, frozen=True):
    """What the candles of a stream were used for (`train`, `calibrate`, `test`): ms UTC, without the end."""

    use: str
    market: str
    coin: str
    timeframe: str
    start: int
    end: int
    rows: int


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a training says of its model.

    `created` is ms UTC; `data_sha256` the digest of the candles; `labels` the settings by which labels were made,
    `parameters` those of the training; `trials` counts all that were tried, also those thrown away. In `scores` an
    undefined one is None. `calibration` has the curves of each part, one for each output of it.
    """

    created: int
    inputs: Inputs
    spans: tuple[Span, ...]
    data_sha256: str
    seed: int
    labels: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    scores: dict[str, float | None] = {}
    calibration: dict[str, tuple[Curve, ...]] = {}
    libraries: dict[str, str] = {}
    folds: tuple[Fold, ...] = ()
    trials: int = 1
    note: str = ""


class StoredFile(msgspec.Struct, frozen=True):
    """Size in bytes and digest of one file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> StoredFile:
        """Return size and digest of `content`."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model: who it is, its files, what it is, and the digest of all of that."""

    format: int = FORMAT
    name: str
    version: str
    files: dict[str, StoredFile]
    description: Description
    sha256: str = UNSEALED


class _Head(msgspec.Struct):
    format: int


#: Made here: msgspec crashes where two threads are the first to decode a type.
_HEAD, _METADATA = msgspec.json.Decoder(_Head), msgspec.json.Decoder(Metadata)


def encode(metadata: Metadata) -> bytes:
    """Return `metadata` as JSON with its digest; numbers that are not finite become null.

    Raise `ModelError` for what could not be read again.
    """
    unsealed = msgspec.structs.replace(metadata, sha256=UNSEALED)
    try:
        content = msgspec.json.format(msgspec.json.encode(unsealed), indent=1) + b"\n"
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{metadata.name}@{metadata.version}: {error}; allowed: what JSON has") from error
    sealed = _with_digest(content, UNSEALED, hashlib.sha256(content).hexdigest())
    decode(sealed, f"{metadata.name}@{metadata.version}")
    return sealed


def decode(content: bytes, place: str) -> Metadata:
    """Return what `content` says; `place` is named in errors. Raise `ModelError` for another format and for a change.

    No object is made but those of this module: nothing that is read can run.
    """
    try:
        found = _HEAD.decode(content).format
        if found != FORMAT:
            raise ModelError(f"{place}: format {found}; allowed: {FORMAT}; use the program that wrote it")
        metadata = _METADATA.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{place} is no metadata of a model: {error}") from error
    except (ModelError, ConfigError) as error:  # of a curve, of a fold
        raise error if str(error).startswith(place) else ModelError(f"{place}: {error}") from error
    unsealed = _with_digest(content, metadata.sha256, UNSEALED)
    digest = hashlib.sha256(unsealed).hexdigest()
    if digest != metadata.sha256:
        raise ModelError(f"{place} was changed: its digest is {digest[:12]}…, it says {metadata.sha256[:12]}…")
    return metadata


def _with_digest(content: bytes, old: str, new: str) -> bytes:
    """Return `content` with another digest in its last field."""
    head, found, tail = content.rpartition(b'"sha256": "' + old.encode())
    return head + b'"sha256": "' + new.encode() + tail if found else content


def differences(model: Inputs, program: Inputs) -> list[str]:
    """Return in words what `model` is given otherwise than `program` gives it; nothing where it may be used.

    A model may know more timeframes than the program asks for, not fewer.

    >>> differences(Inputs(("a", "b"), {}, ("1min",)), Inputs(("b", "a"), {}, ("1min",)))
    ['input 1 is a in the model and b in the program, and 1 more stand elsewhere']
    """
    return list(_differences(model, program))


def _differences(model: Inputs, program: Inputs) -> Iterator[str]:
    lacking = [name for name in model.names if name not in program.names]
    unknown = [name for name in program.names if name not in model.names]
    if lacking:
        yield f"the model needs {', '.join(lacking)}, which the program does not have"
    if unknown:
        yield f"the model does not know {', '.join(unknown)}, which the program gives"
    pairs = list(zip_longest(model.names, program.names))
    moved = [(at, pair) for at, pair in enumerate(pairs, 1) if pair[0] != pair[1]]
    if moved and not lacking and not unknown:
        at, (ours, theirs) = moved[0]
        more = f", and {len(moved) - 1} more stand elsewhere" if moved[1:] else ""
        yield f"input {at} is {ours or 'none'} in the model and {theirs or 'none'} in the program{more}"
    for kernel in sorted({*model.kernels, *program.kernels}):
        ours, theirs = model.kernels.get(kernel, "none"), program.kernels.get(kernel, "none")
        if ours != theirs:
            yield f"{kernel} compute otherwise: {ours[:12]} in the model, {theirs[:12]} in the program"
    if missing := [each for each in program.timeframes if each not in model.timeframes]:
        yield f"the model was not trained for {', '.join(missing)}, only for {', '.join(model.timeframes) or 'none'}"


def check_inputs(metadata: Metadata, program: Inputs) -> None:
    """Raise `ModelError` with every difference where the program gives a model other inputs than it was trained on."""
    found = differences(metadata.description.inputs, program)
    if found:
        name = f"{metadata.name}@{metadata.version}"
        raise ModelError(f"{name} cannot be used: {'; '.join(found)}. Train it again, or use the program that made it")
