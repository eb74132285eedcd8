"""Goes through the registry and names every file that is missing or not what was stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trader.core.errors import ModelError
from trader.ml.registry.store import Registry


class Verified(NamedTuple):
    """What was looked at, and a sentence for each fault."""

    versions: int
    files: int
    faults: tuple[str, ...]


def verify(registry: Registry, name: str | None = None) -> Verified:
    """Check the pointer and all versions of a model, or of every model."""
    versions, files = 0, 0
    faults: list[str] = []
    for each in [name] if name else registry.names():
        faults += _pointer_faults(registry, each)
        for version in registry.versions(each):
            looked_at, found = verify_version(registry, each, version)
            versions, files = versions + 1, files + looked_at
            faults += found
    if name and not versions:
        faults.append(f"model {name} in {registry.folder} has no version")
    return Verified(versions, files, tuple(faults))


def verify_version(registry: Registry, name: str, version: str) -> tuple[int, list[str]]:
    """Return how many files were looked at, and a sentence for each fault."""
    try:
        stored = registry.open(name, version)
    except ModelError as error:
        return 1, [str(error)]
    faults = []
    for file in stored.metadata.files:
        try:
            stored.read(file)
        except ModelError as error:
            faults.append(str(error))
    return 1 + len(stored.metadata.files), faults


def _pointer_faults(registry: Registry, name: str) -> Iterator[str]:
    try:
        history = registry.pointer(name).history
    except ModelError as error:
        yield str(error)
        return
    there = registry.versions(name)
    for number, each in enumerate(reversed(history)):
        if each.version not in there:
            what = "is current" if not number else "was current, for a rollback,"
            yield f"{registry.folder / name / each.version} {what} and is missing"
