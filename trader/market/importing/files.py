"""Finding the files to import, and taking them out of zip and gz."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Literal

import msgspec

from trader.core.errors import ConfigError, DataError

Form = Literal["parquet", "text", "json"]

_FORMS: dict[str, Form] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".json": "json",
}
#: Endings that are read; .txt only when the file itself is named, for folders are full of notes.
READ = ("parquet", "csv", "tsv", "json", "zip")
CHECKSUM = ".CHECKSUM"
_FOUND = re.compile(r"\.(parquet|pq|csv|tsv|json|zip)(\.gz)?$", re.IGNORECASE)
_OF_STORE = re.compile(
    r"(spot|futures)/(exchange_info\.json(\.gz)?|leverageBracket\.json|[^/]+/funding\.parquet|"
    r"[^/]+/[^/]+/(\d{4}-\d{2}\.parquet|manifest\.json))"
)


class FoundFile(msgspec.Struct, frozen=True):
    """A file to import; `named` when the caller named it itself, not only a folder above it."""

    path: Path
    named: bool
    size: int


class Part(msgspec.Struct, frozen=True):
    """One table or document: a file, or one member of an archive. `data` is None where `name` is to be opened."""

    name: PurePath
    form: Form
    data: bytes | None


def find(paths: Iterable[Path], store_root: Path) -> list[FoundFile]:
    """Return the files named and those below the folders named, in order of name, without the store's own."""
    found: dict[Path, FoundFile] = {}
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path} is not there; name files or folders that are")
        for file in _below(path) if path.is_dir() else [path]:
            real = file.resolve()
            if file.is_file() and not _is_of_store(real, store_root.resolve()) and file.suffix != CHECKSUM:
                found.setdefault(real, FoundFile(file, file == path, file.stat().st_size))
    return list(found.values())


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        yield from (Path(root, name) for name in sorted(names) if _FOUND.search(name) and not name.startswith("."))


def _is_of_store(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and bool(_OF_STORE.fullmatch(path.relative_to(root).as_posix()))


def parts_of(path: Path) -> list[Part]:
    """Return what is in `path`; raise `DataError` when it is broken, fails its checksum, or is of no form we read."""
    try:
        _require_checksum(path)
        if path.suffix.lower() == ".zip":
            return list(_members(path))
        if path.suffix.lower() == ".gz":
            return [_part(path, PurePath(path.with_suffix("")), gzip.decompress(path.read_bytes()))]
        return [_part(path, path, None)]
    except (OSError, EOFError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"broken: {error}") from error


def _members(path: Path) -> Iterator[Part]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if _FOUND.search(name) and not name.startswith("__MACOSX")]
        for name in names:
            yield _part(path, path / name, archive.read(name))
    if not names:
        raise DataError("no CSV in the archive")


def _part(path: Path, name: PurePath, data: bytes | None) -> Part:
    form = _FORMS.get(name.suffix.lower())
    if form is None or (form == "parquet" and data is not None):
        raise DataError(f"{name.suffix or 'a file without an ending'} is not read; allowed: {', '.join(READ)}, .gz")
    if data is None and form != "parquet":
        data = path.read_bytes()
    return Part(name, form, data)


def _require_checksum(path: Path) -> None:
    """Compare with Binance's `<name>.CHECKSUM` where that lies beside the file."""
    beside = path.with_name(path.name + CHECKSUM)
    if not beside.exists():
        return
    expected = beside.read_text("ascii", "ignore").split()[:1]
    with path.open("rb") as file:
        if expected != [hashlib.file_digest(file, "sha256").hexdigest()]:
            raise DataError(f"broken: its SHA-256 is not the one in {beside.name}")
