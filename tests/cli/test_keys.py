"""`start.py keys`, as people and programs type it."""

from __future__ import annotations

import os
import pty
import sys
import time
from io import StringIO
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from tests.engine.keys.makings import PASSPHRASE, PEM, SECRET
from tests.shared import ROOT
from trader.cli.app import main

API_KEY = "planted-api-key-0123456789abcdefghij"
PIPED = f"{API_KEY}\n{SECRET}\n"


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Keys(Protocol):
    """Runs `keys` with arguments, without a terminal."""

    def __call__(self, *arguments: str, piped: str = "", passphrase: str = PASSPHRASE) -> Done: ...


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keys:
    """Return what runs the command in a folder."""

    def run(*arguments: str, piped: str = "", passphrase: str = PASSPHRASE) -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("KEYSTORE_PASSPHRASE", passphrase)
        monkeypatch.setattr(sys, "stdin", StringIO(piped))
        code = main(["keys", *arguments, "--set", "KEY_STORE=file"])
        return Done(code, *capsys.readouterr())

    return run


def written(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_a_key_is_added_listed_replaced_and_removed(keys: Keys, tmp_path: Path) -> None:
    added = keys("add", "main", piped=PIPED)
    assert (added.code, added.out) == (
        0,
        "main (HMAC) is in the encrypted file data/keys.json; KEY_NAME=main uses it\n",
    )
    again = keys("add", "main", piped=PIPED)
    assert again.code == 2
    assert "--replace puts another in its place" in again.err
    (tmp_path / "private.pem").write_text(f"bag attributes\n{PEM}")
    replaced = keys("add", "main", "--pem", "private.pem", "--replace", piped=f"{API_KEY}\n")
    (tmp_path / "private.pem").unlink()
    assert "main (Ed25519) is in" in replaced.out
    assert "-----BEGIN PUBLIC KEY-----" in replaced.out
    listed = keys("list", passphrase="")
    assert listed.out.split()[:2] == ["main", "Ed25519"]
    said = "".join(each.out + each.err for each in (added, again, replaced, listed)) + written(tmp_path)
    assert [hidden for hidden in (API_KEY, SECRET, PEM.splitlines()[1], PASSPHRASE) if hidden in said] == []
    removed = keys("remove", "main")
    assert removed.out.startswith("main is no more in the encrypted file data/keys.json")
    assert keys("list").out.startswith("no key is stored")


def test_what_cannot_be_stored_is_refused_and_not_shown(keys: Keys, tmp_path: Path) -> None:
    for piped, fault in (
        ("", "standard input has no secret"),
        (f"{API_KEY}\n", "standard input has no secret"),
        (f"{API_KEY}\n{SECRET} {SECRET}\n", "the secret is no key of Binance's"),
        (f"{API_KEY}\n{PEM[:60]}\n", "the private key cannot be read"),
    ):
        refused = keys("add", "main", piped=piped)
        assert (refused.code, fault in refused.err) == (2, True), refused.err
        assert SECRET not in refused.err + refused.out
    assert not (tmp_path / "data" / "keys.json").exists()


def test_without_a_terminal_and_a_passphrase_it_says_where_one_may_come_from(keys: Keys, tmp_path: Path) -> None:
    refused = keys("add", "main", piped=PIPED, passphrase="")
    assert refused.code == 2
    assert "KEYSTORE_PASSPHRASE in the environment, KEYSTORE_PASSPHRASE_FILE, or a terminal" in refused.err


def test_on_a_terminal_secrets_are_asked_for_without_echo(keys: Keys, tmp_path: Path) -> None:
    answers = {"API key: ": API_KEY, "secret: ": SECRET, "file of keys: ": PASSPHRASE, "same again: ": PASSPHRASE}
    screen, code = on_a_terminal(tmp_path, ["keys", "add", "main", "--set", "KEY_STORE=file"], answers)
    assert code == 0, screen
    assert "main (HMAC) is in the encrypted file" in screen
    assert [hidden for hidden in answers.values() if hidden in screen] == []
    assert keys("list").out.split()[:2] == ["main", "HMAC"]


def on_a_terminal(
    folder: Path, arguments: list[str], answers: dict[str, str], environ: dict[str, str] | None = None
) -> tuple[str, int]:
    """Run start.py on a terminal and type each answer when its question stands there; return the screen, the code."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        kept = {"PATH": os.environ["PATH"], "TERM": "dumb", "COLUMNS": "200", **(environ or {})}
        os.execve(sys.executable, [sys.executable, str(ROOT / "start.py"), *arguments], kept)
    screen, waiting, end = "", dict(answers), time.monotonic() + 60
    try:
        while time.monotonic() < end:
            screen += os.read(terminal, 4096).decode(errors="replace")
            for question in [question for question in waiting if screen.endswith(question)]:
                time.sleep(0.05)  # the echo is off a moment after the question
                os.write(terminal, f"{waiting.pop(question)}\n".encode())
    except OSError:
        pass  # the other end is gone: it has ended
    finally:
        os.close(terminal)
    _, status = os.waitpid(process, 0)
    return screen, os.waitstatus_to_exitcode(status)
