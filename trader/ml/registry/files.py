"""Reading and writing the files of a version, and what they may be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from trader.core.errors import ModelError
from trader.ml.registry.paths import MODEL_ENDS, OBJECT


def read(path: Path) -> bytes:
    """Return the content of a file; raise `ModelError` where that cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


def check_content(path: Path, content: bytes) -> None:
    """Raise `ModelError` where a file that is called a model cannot be one: a pickle, for instance, is not read."""
    if path.suffix in MODEL_ENDS and content[:1] != OBJECT:
        begins = f"begins with {content[:4]!r}" if content else "is empty"
        raise ModelError(f"{path} {begins}; allowed: UBJSON or JSON, which begin with {OBJECT!r}")


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders within `folder`, sorted; none where it is not there."""
    try:
        return sorted(each.name for each in folder.iterdir() if each.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ModelError(f"{folder} cannot be read: {error.strerror or error}") from error


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make `folder` with `files`: their bytes are on the disk before it has its name."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # what a crash left
    temporary.mkdir()
    try:
        for name, content in files.items():
            with (temporary / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync(temporary)
        os.rename(temporary, folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
