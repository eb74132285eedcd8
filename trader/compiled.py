"""The one decorator through which our code is compiled, and the cache of what it made.

Numba stores machine code per function and notices when that function's own file changes. It does not notice a
changed callee or constant in another file, and would go on running the old one. So our cache lives in a directory
named after everything that the code was made from: all compiled sources and what they import, the versions of
numba, llvmlite and Python, the processor. Any change begins an empty directory; processes of one version share one.

The cache is in `$NUMBA_CACHE_DIR/trader`, else `$XDG_CACHE_HOME/trader/numba`, else `~/.cache/trader/numba`; where that
cannot be written, in a private directory of the system's temporary one; where neither can, code is compiled anew in
each process.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import llvmlite.binding
import numba

PACKAGE = Path(__file__).resolve().parent

#: Caches of other versions that are left alone: one machine may run a few checkouts, and switch between branches.
KEPT_CACHES = 8

#: Settings of numba that change the code which it makes.
CODE_SETTINGS = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_DEBUGINFO")

#: An absolute import: where from and what, in brackets or not; or the modules of a plain one.
IMPORTS = re.compile(
    r"^[ \t]*(?:from[ \t]+(\w[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled_sources(package: Path) -> list[Path]:
    """Return the modules of `package` that use `compiled`, and those of it that they import, in a fixed order.

    Read from the files' text: nothing is imported. What they import counts because numba freezes constants.
    """
    name = package.name
    uses = re.compile(rf"^\s*(from {name}\.compiled import|import {name}\.compiled\b)", re.MULTILINE)
    waiting = [path for path in package.rglob("*.py") if uses.search(path.read_text("utf-8"))]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(imported_files(path, package))
    return sorted(found)


def imported_files(path: Path, package: Path) -> Iterator[Path]:
    """Yield the files of `package` that the module at `path` imports by absolute name.

    Found by pattern, which may take a line of a text for an import: one file too many does no harm, and parsing them
    all would take half a second of every start.
    """
    for at, names, plain in IMPORTS.findall(path.read_text("utf-8")):
        words = re.findall(r"[\w.]+", names or plain)
        for name in (at, *(f"{at}.{word}" for word in words)) if at else words:
            yield from _file_of(name, package)


def _file_of(name: str, package: Path) -> Iterator[Path]:
    if name.split(".")[0] != package.name:
        return
    base = package.parent.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    yield from (candidate for candidate in candidates if candidate.is_file())


def cache_key(package: Path = PACKAGE) -> str:
    """Return the name of everything that decides what the compiled code of `package` is."""
    digest = hashlib.sha256()
    machine = (llvmlite.binding.get_host_cpu_name(), platform.machine(), platform.python_version())
    settings = (f"{name}={os.environ.get(name, '')}" for name in CODE_SETTINGS)
    for text in (numba.__version__, llvmlite.__version__, *machine, *settings):
        digest.update(text.encode() + b"\0")
    for path in compiled_sources(package):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:20]


def cache_homes() -> Iterator[Path]:
    """Yield the directories in which caches may live, the preferred first."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen) / "trader"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    yield Path(base) / "trader" / "numba"
    yield Path(tempfile.gettempdir()) / f"trader-numba-{_user_id()}"


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def open_cache(home: Path, key: str) -> Path | None:
    """Return the directory `home/key`, made if need be, marked as used now; None where it is not ours to write.

    Cached code is executed, so a directory that belongs to or can be written by somebody else is refused.
    """
    directory = home / key
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
        os.utime(directory)
    except OSError:
        return None
    return directory if _is_ours(home) and _is_ours(directory) else None


def _is_ours(directory: Path) -> bool:
    if not hasattr(os, "getuid"):
        return True
    status = directory.lstat()
    return status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH


def prune(home: Path, keep: int = KEPT_CACHES) -> None:
    """Remove all but the `keep` caches used last.

    A process that runs on a removed one goes on: its code is loaded, and what it still compiles is written anew.
    """
    caches = [path for path in home.iterdir() if re.fullmatch(r"[0-9a-f]{20}", path.name)]
    caches.sort(key=_used, reverse=True)
    for path in caches[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _choose_cache() -> Path | None:
    key = cache_key()
    for home in cache_homes():
        if directory := open_cache(home, key):
            prune(home)
            return directory
    return None


#: Where this process keeps compiled code; None where nothing can be written.
CACHE = _choose_cache()


def is_cold(function: Callable[..., Any]) -> bool:
    """Tell whether compiled code of `function` has still to be made, so that the first call will take seconds.

    >>> @compiled
    ... def third(x):
    ...     return x / 3
    >>> is_cold(third), third(3.0), is_cold(third)
    (True, 1.0, False)
    """
    dispatcher: Any = function
    name = f"{dispatcher.__module__.rpartition('.')[2]}.{dispatcher.__qualname__}-*.nbi"
    return not dispatcher.signatures and (CACHE is None or not any(CACHE.rglob(name)))


def compiled(function: Function) -> Function:
    """Compile `function` to machine code at its first call, and keep the code for later processes.

    No fast-math: the same numbers come out wherever the function is used, which is what makes a live value equal the
    batch value bit for bit. Division by zero gives inf or NaN as numpy's does; indices are not checked.

    >>> @compiled
    ... def half(x):
    ...     return x / 2
    >>> half(3.0)
    1.5
    """
    return _compile(function)


def compiled_for_threads(function: Function) -> Function:
    """Compile `function` as `compiled` does, and let other threads run while it does: for work on whole tables."""
    return _compile(function, nogil=True)


def inlined(function: Function) -> Function:
    """Compile `function` as `compiled` does, and make it part of whatever compiled code calls it.

    For small functions in hot loops: counts and lengths that the caller writes as numbers become part of the code.
    Each call is a copy, so a large one, or one with many callers, costs seconds at the first start.

    >>> @inlined
    ... def twice(x):
    ...     return x * 2
    >>> twice(3.0)
    6.0
    """
    return _compile(function, forceinline=True)


def _compile(function: Function, **options: bool) -> Function:
    dispatcher: Function = numba.njit(error_model="numpy", **options)(function)
    if CACHE is not None and Path(function.__code__.co_filename).is_file():
        _keep(dispatcher, CACHE)
    return dispatcher


def _keep(dispatcher: Any, cache: Path) -> None:
    """Let `dispatcher` cache in `cache`; numba looks at its global setting once, while caching is enabled."""
    usual = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache)
    try:
        dispatcher.enable_caching()
    finally:
        numba.config.CACHE_DIR = usual
