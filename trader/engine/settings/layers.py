"""Reads the layers of settings: `config.py`, and over it a preset, `config.yaml`, `.env`, the environment, options.

Each reader gives assignments with the place where they stand, and faults of what it cannot read.
"""

from __future__ import annotations

import ast
import functools
import io
import runpy
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from dotenv.parser import Binding, parse_stream

from trader.core.errors import ConfigError
from trader.engine.redaction import hide_tokens
from trader.engine.settings.values import PlainLoader, canonical, child, leaves, parse_text

#: `config.py` lies beside the package `trader`, wherever a command is started.
CONFIG = Path(__file__).resolve().parents[3] / "config.py"

#: Prefix of our names in environment and `.env`, and the names beside settings that have it.
PREFIX = "TRADER_"
NOT_SETTINGS = frozenset({"TRADER_SHARED"})

#: Well-known names that work without the prefix.
BARE_NAMES = (
    "MODE",
    "DATA_SOURCE",
    "PRESET",
    "BACKTEST_INITIAL_CAPITAL",
    "NUM_WORKERS",
    "BINANCE_API_KEY",
    "BINANCE_API_SECRET",
    "KEY_NAME",
    "KEYSTORE_PASSPHRASE",
    "KEYSTORE_PASSPHRASE_FILE",
    "LIVE_TRADING",
    "MAX_CAPITAL",
    "BINANCE_DEMO_MODE",
)

#: Tables whose keys are coins, which have names of their own in capitals.
BY_COIN = (("LEVERAGE_BY_COIN",), ("HEDGING", "coin_overrides"))


class Assignment(NamedTuple):
    """One value of one setting, and where it was given. `path`: the setting's name, then keys within it."""

    path: tuple[str, ...]
    value: Any
    origin: str


class Layer(NamedTuple):
    """What one place says, in rising order, and sentences on what of it cannot be read."""

    assignments: list[Assignment]
    faults: list[str]


def defaults() -> dict[str, Any]:
    """Return the constants of `config.py` as plain data, the caller's own; raise `ConfigError` when it has an error."""
    return deepcopy(_constants())


@functools.cache
def _constants() -> dict[str, Any]:
    try:
        values = runpy.run_path(str(CONFIG))
    except SyntaxError as error:
        raise ConfigError(f"config.py:{error.lineno}: {error.msg}") from None
    except Exception as error:
        raise ConfigError(f"config.py cannot be read: {type(error).__name__}: {error}") from None
    return {name: value for name, value in values.items() if name.isupper()}


@functools.cache
def default_origins() -> dict[str, str]:
    """Return where `config.py` sets each name, as `config.py:LINE`."""
    body = ast.parse(CONFIG.read_text("utf-8")).body
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id: f"config.py:{target.lineno}" for target in targets if isinstance(target, ast.Name)}


def read_mapping(values: Mapping[str, Any], origin: str = "given") -> Layer:
    """Read plain data: tests, the scenario runner."""
    return Layer([each for name, value in values.items() for each in _assign((name,), value, origin)], [])


def read_options(options: Mapping[str, str], origins: Mapping[str, str]) -> Layer:
    """Read options, NAME.KEY to text; `origins` names the option of those that do not come from `--set`."""
    named = [(tuple(name.split(".")), text, origins.get(name, "option --set")) for name, text in options.items()]
    return _read_texts(named)


def read_environment(environ: Mapping[str, str]) -> Layer:
    """Read `TRADER_<NAME>`, keys within by `__`, and the bare names; one with the prefix is stronger."""
    return _read_texts(_named(environ.items(), lambda name: f"environment {name}"))


def read_dotenv(path: Path) -> Layer:
    """Read the file `.env`, if there is one, by the names of the environment."""
    if not path.is_file():
        return Layer([], [])
    try:
        bindings = list(parse_stream(io.StringIO(path.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError) as error:
        return Layer([], [_unreadable(path, error)])
    pairs = {binding.key: binding for binding in bindings if binding.key and binding.value is not None}
    texts = [(name, binding.value or "") for name, binding in pairs.items()]
    layer = _read_texts(_named(texts, lambda name: f"{path.name}:{_line(pairs[name])}"))
    wrong = [each for each in bindings if each.error or (each.value is None and _is_ours(each.key))]
    return Layer(layer.assignments, layer.faults + [f"{path.name}:{_line(each)}: is not NAME=VALUE" for each in wrong])


def read_yaml(path: Path, required: bool = False) -> Layer:
    """Read the file `config.yaml`; only one that was asked for must exist."""
    if not path.is_file():
        return Layer([], [f"--config {path}: there is no such file"] if required else [])
    try:
        loader = PlainLoader(path.read_text("utf-8"))
        root = loader.get_single_node()
        return _read_nodes(loader, root, path) if root else Layer([], [])
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Layer([], [hide_tokens(f"{path.name}:{line}: is not YAML: {error.problem}")])
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return Layer([], [_unreadable(path, error)])


def _read_nodes(loader: PlainLoader, root: yaml.Node, path: Path) -> Layer:
    if not isinstance(root, yaml.MappingNode):
        return Layer([], [f"{path.name}: allowed: a table of NAME: value"])
    found, faults = [], []
    seen: set[tuple[str, ...]] = set()
    for names, node in _nodes(root, ()) if root.value else ():
        name, origin = _ours(names), f"{path.name}:{node.start_mark.line + 1}"
        if name in seen:
            faults.append(f"{'.'.join(name)} ({origin}): is given twice")
        seen.add(name)
        found.append(Assignment(name, loader.construct_object(node, deep=True), origin))
    return Layer(found, faults)


def _nodes(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    if not isinstance(node, yaml.MappingNode) or not node.value:
        yield path, node
        return
    for key, value in node.value:
        yield from _nodes(value, (*path, str(key.value)))


def _named(pairs: Any, origin: Any) -> list[tuple[tuple[str, ...], str, str]]:
    """Return path, text and origin of what is ours, weaker ones first: bare names, whole tables, keys."""
    ours = [(name, text) for name, text in pairs if _is_ours(name)]
    bare = [((name,), text, origin(name)) for name, text in ours if name in BARE_NAMES and text]
    prefixed = [(_path(name), text, origin(name)) for name, text in ours if name.startswith(PREFIX)]
    return bare + sorted(prefixed, key=lambda each: len(each[0]))


def _is_ours(name: str | None) -> bool:
    return name in BARE_NAMES or (bool(name) and str(name).startswith(PREFIX) and name not in NOT_SETTINGS)


def _path(name: str) -> tuple[str, ...]:
    return tuple(name.removeprefix(PREFIX).split("__"))


def _read_texts(named: list[tuple[tuple[str, ...], str, str]]) -> Layer:
    layer = Layer([], [])
    for names, text, origin in named:
        path = _ours(names)
        try:
            value = parse_text(text, functools.reduce(child, path, _constants()))
        except ValueError as error:
            layer.faults.append(f"{'.'.join(path)} ({origin}): {error}")
            continue
        layer.assignments.extend(_assign(path, value, origin))
    return layer


def _assign(path: tuple[str, ...], value: Any, origin: str) -> Iterator[Assignment]:
    for names, leaf in leaves(path, value):
        yield Assignment(_ours(names), leaf, origin)


def _ours(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of a setting as `config.py` has it, with coins in capitals."""
    path = canonical(names, _constants())
    for table in BY_COIN:
        size = len(table)
        if path[:size] == table and len(path) > size:
            return (*table, path[size].upper(), *path[size + 1 :])
    return path


def _line(binding: Binding) -> int:
    """Return the line of the name: the parser counts blank lines before it as the binding's own."""
    text = binding.original.string
    return int(binding.original.line) + len(text[: len(text) - len(text.lstrip())].splitlines())


def _unreadable(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    return f"{path.name}: cannot be read: {reason}"
