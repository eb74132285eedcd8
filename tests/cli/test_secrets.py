"""A planted key appears in nothing that any command writes: terminal, log files, stores, reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from tests.shared import ROOT

NOTHING: dict[str, str] = {}
KEY = "planted+key/0123456789"
SECRET = 'planted"secret\\ä=9876543210'

CANDLES = "open_time,open,high,low,close,volume\n" + "".join(
    f"{1_735_689_600_000 + at * 60_000},{100 + at},{101 + at},{99 + at},{100.5 + at},1\n" for at in range(5)
)


class Case(NamedTuple):
    """One start of the program: what is typed, what the environment and the files say."""

    arguments: tuple[str, ...]
    environ: dict[str, str] = NOTHING
    files: dict[str, str] = NOTHING
    code: int | None = None


KEYS = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}
DOTENV = {".env": f"BINANCE_API_KEY='{KEY}'\nTRADER_BINANCE_API_SECRET='{SECRET}'\n"}
IMPORT = ("import", "BTCUSDT-1min.csv", "--debug")

#: Every command that can run to its end on what a temporary directory has; a new command needs its line here.
CASES = {
    "import, keys in the environment": Case(IMPORT, KEYS, code=0),
    "import, keys in .env": Case(IMPORT, {}, DOTENV, code=0),
    "import, keys in config.yaml": Case(IMPORT, files={"config.yaml": "BINANCE_API_KEY: " + json.dumps(KEY)}, code=0),
    "import, keys as options": Case((*IMPORT, "--set", f"BINANCE_API_SECRET={SECRET}"), code=0),
    "settings": Case(("settings",), KEYS, DOTENV, code=0),
    "settings as JSON": Case(("settings", "--json", "--set", f"REST_URL=https://{KEY}:x@y.z"), KEYS, DOTENV, code=0),
    "settings, the key as a passphrase": Case(("settings",), {**KEYS, "KEYSTORE_PASSPHRASE": SECRET}, code=0),
    "keys, the key as a name": Case(("keys", "remove", KEY), KEYS, code=2),
    "settings, the key as a preset": Case(("settings", "--diff", KEY), KEYS, code=2),
    "settings, the key as a home": Case(("settings", "--explain", "--set", f"DATA_DIR={KEY}"), KEYS, code=0),
    "backtest without data": Case(("backtest", "--debug"), KEYS),
    "exchange": Case(("exchange", "--until-stdin-closes", "--debug"), KEYS),
    "a file that is named like the key": Case(("import", KEY, "--debug"), KEYS),
    "no such command": Case((KEY,), KEYS, code=2),
    "no such option": Case(("import", f"--{KEY}"), KEYS, code=2),
    "the key as another setting": Case((*IMPORT, "--set", f"MODE={KEY}"), KEYS, code=2),
    "the key under a wrong name": Case(IMPORT, {"TRADER_BINANCE_API_KEYS": KEY}, code=2),
    "the key under a wrong name in .env": Case(IMPORT, {}, {".env": f"TRADER_API_SECRET='{SECRET}'\n"}, code=2),
    "the key of a wrong kind": Case(IMPORT, files={"config.yaml": f"BINANCE_API_KEY: ['{KEY}']\n"}, code=2),
    "the key in a file that is no YAML": Case(IMPORT, files={"config.yaml": f"BINANCE_API_KEY: '{KEY}\n"}, code=2),
    "the key in a line that is no pair": Case(IMPORT, files={".env": f"BINANCE_API_KEY '{KEY}'\n"}, code=2),
    "the key without a name": Case((*IMPORT, "--set", KEY), KEYS, code=2),
    "the key in a URL": Case((*IMPORT, "--set", f"REST_URL={KEY}"), KEYS, code=2),
    "without a command": Case((), {**KEYS, "DATA_SOURCE": KEY}, code=2),
}


def forms(secret: str) -> Iterator[bytes]:
    """Yield how a secret may look in a file."""
    texts = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    yield from (text.encode() for text in texts)


def shows_a_key(text: bytes) -> bool:
    """Tell whether `text` has a planted key in any form."""
    return any(form in text for secret in (KEY, SECRET) for form in forms(secret))


def places(root: Path, ended: subprocess.CompletedProcess[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield everything that was written, with the name of where."""
    yield "standard output", ended.stdout
    yield "standard error", ended.stderr
    yield from ((str(path.relative_to(root)), path.read_bytes()) for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", CASES)
def test_a_planted_key_is_nowhere(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    given = {"BTCUSDT-1min.csv": CANDLES, **case.files}
    for file, text in given.items():
        (tmp_path / file).write_text(text)
    system = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, str(ROOT / "start.py"), *case.arguments]
    ended = subprocess.run(
        command, cwd=tmp_path, env=system | case.environ, capture_output=True, input=b"", timeout=60, check=False
    )
    assert case.code in (None, ended.returncode), ended.stderr.decode()
    for file in given:
        (tmp_path / file).unlink()
    assert [place for place, text in places(tmp_path, ended) if shows_a_key(text)] == []


def test_the_search_finds_a_key_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"key": SECRET}))
    ended = subprocess.CompletedProcess([], 0, b"", quote(KEY, safe="").encode())
    assert [place for place, text in places(tmp_path, ended) if shows_a_key(text)] == ["standard error", "report.json"]
