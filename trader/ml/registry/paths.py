"""What models, versions and files may be called, and where they lie.

models/
  pattern/              one name
    current.json        which version is current, and those before it
    v0001/              one version: never changed once it is there
      metadata.json     what it is, and the digest of every file
      recogniser.json   what the training gave, any number of files
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trader.core.errors import ModelError

METADATA = "metadata.json"
POINTER = "current.json"

#: Ends of file names. Models are XGBoost's UBJSON or JSON; all of these are data, none is code.
MODEL_ENDS = (".ubj", ".json")
ENDS = (*MODEL_ENDS, ".csv", ".html", ".md", ".png", ".svg", ".txt")
#: The first byte of a model: UBJSON and JSON both begin with an object.
OBJECT = b"{"

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
VERSION = re.compile(r"v\d{4}")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
HIGHEST = 9_999


class Reference(NamedTuple):
    """One version of one model.

    >>> str(Reference("pattern", "v0003"))
    'pattern@v0003'
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def parse(text: str) -> tuple[str, str | None]:
    """Return name and version of `NAME[@VERSION]`; the version is None where none is named.

    >>> parse("pattern@v0003"), parse("pattern")
    (('pattern', 'v0003'), ('pattern', None))
    """
    name, at, version = text.partition("@")
    return checked_name(name), checked_version(version) if at else None


def checked_name(name: str) -> str:
    """Return `name`; raise `ModelError` where no model may be called so."""
    if NAME.fullmatch(name):
        return name
    raise ModelError(f"model {name!r}: allowed: a small letter, then small letters, digits, - and _, 40 at most")


def checked_version(version: str) -> str:
    """Return `version`; raise `ModelError` where no version is called so."""
    if VERSION.fullmatch(version):
        return version
    raise ModelError(f"version {version!r}: allowed: v and four digits, such as v0001")


def checked_file(file: str) -> str:
    """Return `file`; raise `ModelError` where a version may have no such file."""
    if FILE.fullmatch(file) and file.endswith(ENDS) and file != METADATA:
        return file
    raise ModelError(f"file {file!r}: allowed: letters, digits, . - _, ending in {' '.join(ENDS)}, not {METADATA}")


def next_version(taken: list[str]) -> str:
    """Return the version behind all that are taken; names of versions sort by age.

    >>> next_version([]), next_version(["v0002", "v0009"])
    ('v0001', 'v0010')
    """
    number = max((int(version[1:]) for version in taken), default=0) + 1
    if number > HIGHEST:
        raise ModelError(f"version {number}: allowed: up to {HIGHEST}; give the model another name")
    return f"v{number:04}"
