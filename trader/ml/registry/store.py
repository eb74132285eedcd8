"""The registry: adds versions, reads them, and says which one is current.

A version appears complete or not at all and never changes; the pointer is replaced at once. Readers need no lock and
no right to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from trader.core.errors import DataError, ModelError
from trader.market.durable import locked, write_atomic
from trader.ml.registry.files import check_content, folders_in, read, write_folder
from trader.ml.registry.metadata import Description, Metadata, StoredFile, decode, encode
from trader.ml.registry.paths import (
    METADATA,
    NAME,
    POINTER,
    VERSION,
    Reference,
    checked_file,
    checked_name,
    checked_version,
    next_version,
)

POINTER_FORMAT = 1


class Promotion(msgspec.Struct, frozen=True):
    """A version that became current, and when, ms UTC."""

    version: str
    at: int


class Pointer(msgspec.Struct, frozen=True):
    """The versions that were made current, oldest first, the last one is; and those that were rolled back."""

    history: tuple[Promotion, ...] = ()
    rolled_back: tuple[Promotion, ...] = ()
    format: int = POINTER_FORMAT


_POINTER = msgspec.json.Decoder(Pointer)


class Stored(NamedTuple):
    """A version that is there: its folder and what is known of it."""

    folder: Path
    metadata: Metadata

    @property
    def reference(self) -> Reference:
        """Name and version."""
        return Reference(self.metadata.name, self.metadata.version)

    def read(self, file: str) -> bytes:
        """Return the content of a file; raise `ModelError` where it is missing or not what was stored."""
        noted = self.metadata.files.get(file)
        if noted is None:
            raise ModelError(f"{self.folder} has no {file}; there are: {', '.join(self.metadata.files)}")
        content = read(self.folder / file)
        found = StoredFile.of(content)
        if found != noted:
            told = f"{found.size} bytes, digest {found.sha256[:12]}…; stored were {noted.size}, {noted.sha256[:12]}…"
            raise ModelError(f"{self.folder / file} was changed: it has {told}")
        check_content(self.folder / checked_file(file), content)
        return content


def stored_in(folder: Path) -> Stored:
    """Return the version in `folder`; raise `ModelError` where there is none that can be read."""
    return Stored(folder, decode(read(folder / METADATA), str(folder / METADATA)))


class Registry:
    """The models below a folder, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return the names of all models, sorted."""
        return [each for each in folders_in(self.folder) if NAME.fullmatch(each)]

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model, oldest first."""
        return [each for each in folders_in(self.folder / checked_name(name)) if VERSION.fullmatch(each)]

    def pointer(self, name: str) -> Pointer:
        """Return which version is current, and those before it; empty where none was promoted."""
        path = self.folder / checked_name(name) / POINTER
        if not path.exists():
            return Pointer()
        try:
            found = _POINTER.decode(read(path))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} is no pointer to a version: {error}; delete it and promote a version") from error
        if found.format != POINTER_FORMAT:
            raise ModelError(f"{path}: format {found.format}; allowed: {POINTER_FORMAT}")
        for each in (*found.history, *found.rolled_back):
            checked_version(each.version)
        return found

    def current(self, name: str) -> str | None:
        """Return the current version of a model, or None where none was promoted."""
        history = self.pointer(name).history
        return history[-1].version if history else None

    def open(self, name: str, version: str | None = None) -> Stored:
        """Return a version of a model, by default the current one; raise `ModelError` where there is none."""
        chosen = version or self._promoted(name)
        if chosen not in self.versions(name):
            raise ModelError(f"{self._named(name)} has no version {chosen}; {self._offer(name)}")
        stored = stored_in(self.folder / name / chosen)
        if stored.reference != (name, chosen):
            raise ModelError(f"{stored.folder / METADATA} is that of {stored.reference}; put the right one back")
        return stored

    def add(self, name: str, description: Description, files: Mapping[str, bytes]) -> Reference:
        """Store a new version, without promoting it, and return its name."""
        for file, content in files.items():
            check_content(self.folder / name / checked_file(file), content)
        with self._writing(name) as home:
            reference = Reference(name, next_version(self._taken(name)))
            noted = {file: StoredFile.of(content) for file, content in files.items()}
            metadata = Metadata(name=name, version=reference.version, files=noted, description=description)
            write_folder(home / reference.version, {**files, METADATA: encode(metadata)})
            return reference

    def promote(self, name: str, version: str, at: int) -> str | None:
        """Make a version current, at `at`, ms UTC, and return the one that was; its files are checked before."""
        self._check(name, version)
        with self._writing(name):
            pointer = self.pointer(name)
            before = pointer.history[-1].version if pointer.history else None
            if before != version:
                self._point(name, Pointer((*pointer.history, Promotion(version, at)), pointer.rolled_back))
            return before

    def rollback(self, name: str) -> tuple[str, str]:
        """Make the version current that was so before, and return the one that was current and this one."""
        self._promoted(name)
        with self._writing(name):
            history, rolled_back = self.pointer(name).history, self.pointer(name).rolled_back
            if len(history) < 2:
                raise ModelError(f"{self._named(name)} has nothing to go back to: one version was promoted")
            back, gone = history[-2:]
            self._check(name, back.version)
            self._point(name, Pointer(history[:-1], (*rolled_back, gone)))
            return gone.version, back.version

    def _promoted(self, name: str) -> str:
        current = self.current(name)
        if current is None:
            raise ModelError(f"no version of {self._named(name)} is promoted; {self._offer(name)}")
        return current

    def _check(self, name: str, version: str) -> None:
        stored = self.open(name, checked_version(version))
        for file in stored.metadata.files:
            stored.read(file)

    def _point(self, name: str, pointer: Pointer) -> None:
        content = msgspec.json.format(msgspec.json.encode(pointer), indent=1) + b"\n"
        write_atomic(self.folder / name / POINTER, lambda file: file.write(content))

    def _taken(self, name: str) -> list[str]:
        """Return all versions that are there or were current: no name is used for another model again."""
        there = self.versions(name)
        try:
            pointer = self.pointer(name)
        except ModelError:  # hours of training must not be lost for it; whoever opens or promotes is told
            return there
        return [*there, *(each.version for each in (*pointer.history, *pointer.rolled_back))]

    def _named(self, name: str) -> str:
        return f"model {name} in {self.folder}"

    def _offer(self, name: str) -> str:
        if there := self.versions(name):
            return f"there are: {', '.join(there)}; python start.py models promote {name}@{there[-1]} takes the newest"
        return f"there are these models: {', '.join(self.names()) or 'none'}"

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        """Hold the model's folder against other writers, and tell what the disk refuses as a fault of the model."""
        home = self.folder / checked_name(name)
        try:
            with locked(home):
                yield home
        except DataError as error:
            raise ModelError(str(error)) from error
        except OSError as error:
            raise ModelError(f"{error.filename or home} cannot be written: {error.strerror or error}") from error
