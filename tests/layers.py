"""Reads the import statements of a package and finds those that break the order of its layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

#: From top to bottom; a package imports only from those above it.
ORDER = (
    "core",
    # computation on candles
    "compiled",
    "metrics",
    "indicators",
    "market",
    # the learners
    "patterns",
    "ml",
    # the opinions
    "strategy",
    # the decision
    "trading",
    "simulation",
    # ------- the glass floor: nothing above this line does I/O -------
    "exchange",
    "journal",
    "execution",
    "notify",
    # the runs
    "engine",
    "reports",
    # the people
    "web",
    "cli",
)
LAST_ABOVE_GLASS = "simulation"

#: What nothing above the glass floor imports: sockets, clocks, threads, HTTP, databases.
WORLD = frozenset(
    {
        "aiohttp",
        "asyncio",
        "binance",
        "ccxt",
        "concurrent",
        "ftplib",
        "http",
        "httpx",
        "multiprocessing",
        "requests",
        "select",
        "selectors",
        "signal",
        "smtplib",
        "socket",
        "socketserver",
        "sqlalchemy",
        "sqlite3",
        "ssl",
        "subprocess",
        "threading",
        "time",
        "urllib",
        "urllib3",
        "websockets",
    }
)

#: Libraries that one adapter alone knows.
ADAPTERS = {"binance": "exchange.binance", "ccxt": "exchange.ccxt"}


class Import(NamedTuple):
    """One imported module, by its full name, and where that stands."""

    module: str
    line: int
    in_function: bool


def broken(package: Path) -> list[str]:
    """Return a sentence for each import within `package` that breaks the order, and for each cycle."""
    modules = {_name(path, package): path for path in sorted(package.rglob("*.py"))}
    imports = {name: list(imports_of(path, name, package.name)) for name, path in modules.items()}
    faults = [
        f"{modules[name].relative_to(package.parent)}:{each.line}: {fault}"
        for name, found in imports.items()
        for each in found
        for fault in _faults(_within(name), each, package.name)
    ]
    return list(dict.fromkeys(faults)) + [
        f"import cycle: {' -> '.join(cycle)}" for cycle in cycles(_edges(imports, modules))
    ]


def imports_of(path: Path, name: str, package: str) -> Iterator[Import]:
    """Yield what the module `name` imports; for `from a import b` both `a` and `a.b`, as b may be a module."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    inner = {id(node) for function in ast.walk(tree) if _is_function(function) for node in ast.walk(function)}
    for node in ast.walk(tree):
        yield from (Import(module, node.lineno, id(node) in inner) for module in _imported(node, _home(path, name)))


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _home(path: Path, name: str) -> list[str]:
    parts = name.split(".")
    return parts if path.name == "__init__.py" else parts[:-1]


def _imported(node: ast.AST, home: list[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    above = home[: len(home) - node.level + 1] if node.level else []
    parent = ".".join([*above, *(node.module.split(".") if node.module else [])])
    return [parent, *(f"{parent}.{alias.name}" for alias in node.names)]


def cycles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Return one path through each import cycle, its first module again at the end."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in edges:
        _follow(start, [], edges, done, found)
    return found


def _follow(
    module: str, path: list[str], edges: Mapping[str, set[str]], done: set[str], found: list[list[str]]
) -> None:
    if module in path:
        found.append([*path[path.index(module) :], module])
        return
    if module in done:
        return
    for other in sorted(edges.get(module, ())):
        _follow(other, [*path, module], edges, done, found)
    done.add(module)


def _edges(imports: Mapping[str, list[Import]], modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Return what each module imports of the package; of `a` and `a.b` in one statement the deeper one."""
    edges: dict[str, set[str]] = {}
    for name, found in imports.items():
        known = [each for each in found if each.module in modules]
        passed = {(each.line, each.module.rpartition(".")[0]) for each in known}
        edges[name] = {each.module for each in known if (each.line, each.module) not in passed}
    return edges


def _faults(name: str, found: Import, package: str) -> Iterator[str]:
    home, module = name.split(".")[0], found.module
    top = module.split(".")[0]
    if found.in_function:
        yield f"{module} is imported inside a function; imports stand at the top of the file"
    if home and home not in ORDER:
        yield f"{package}/{home} has no layer yet: enter it in the order of tests/layers.py"
    elif top == package:
        yield from _against_order(home, _within(module).split(".")[0])
    elif top in WORLD and home and ORDER.index(home) <= ORDER.index(LAST_ABOVE_GLASS):
        yield f"{home} imports {top}, and nothing above the glass floor does I/O or reads a clock"
    elif top in ADAPTERS and not f"{name}.".startswith(f"{ADAPTERS[top]}."):
        yield f"{name} imports {top}, which only {package}/{ADAPTERS[top].replace('.', '/')} knows"


def _against_order(home: str, imported: str) -> Iterator[str]:
    if imported in ORDER and home and ORDER.index(imported) > ORDER.index(home):
        yield f"{home} imports {imported}, which is below it"


def _name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _within(module: str) -> str:
    """Return a module's name without that of the whole package: "" for the package itself."""
    return module.partition(".")[2]
