"""`start.py run` for real money, on an exchange on this machine that stands for Binance."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.engine.keys.makings import PASSPHRASE, file_store, key
from tests.engine.safety.rooms import Room, room
from tests.exchange.embedded.traders import ED_KEY, PRIVATE
from tests.shared import ROOT
from trader.cli.app import main
from trader.engine.keys.key import Key, checked_secret
from trader.engine.replay import snapshot_of
from trader.journal.place import Place
from trader.journal.reader import Reader

PEM = checked_secret(str(PRIVATE.export_key(format="PEM")))
#: What nothing may show: the middle of the private key, the API key, the passphrase.
HIDDEN = (PEM.splitlines()[1], ED_KEY, PASSPHRASE)


def started(at: Room, folder: Path) -> dict[str, str]:
    """Return the environment of a daemon in MODE=live in `folder`, its key in an encrypted file."""
    (folder / "data").mkdir(exist_ok=True)
    file_store(folder / "data").put(Key("ed", ED_KEY, PEM, "2026-01-05"))
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n")
    return {
        "PATH": os.environ["PATH"],
        "MODE": "live",
        "LIVE_TRADING": "yes",
        "MAX_CAPITAL": "500",
        "KEY_NAME": "ed",
        "TRADER_KEY_STORE": "file",
        "KEYSTORE_PASSPHRASE_FILE": "passphrase",
        "TRADER_REST_URL": at.url,
        "TRADER_STREAM_URL": at.exchange.base_url.replace("http", "ws", 1),
        "TRADER_TIMEFRAMES": "1s",
        "TRADER_PRELOAD_CANDLES": "60",
    }


async def said_until(process: asyncio.subprocess.Process, text: str) -> str:
    """Return what a daemon says, up to `text` or its end."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        while text not in said and (line := await process.stdout.readline()):
            said += line.decode()
    return said


async def until_it_trades(folder: Path, environ: dict[str, str]) -> tuple[str, int | None]:
    """Run the daemon without a terminal, stop it once it trades, and return what it said and the exit code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "start.py"), "run", "--yes", "--debug"),
        cwd=folder,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said = await said_until(process, "streams are up")
        process.send_signal(signal.SIGTERM)
        said += await said_until(process, "(the end)")
        return said, await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def on_a_terminal(folder: Path, environ: dict[str, str], question: str, answer: str) -> tuple[str, int | None]:
    """Run the daemon on a terminal, answer one question, and return the screen and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "start.py"), "run"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    screen = ""
    try:
        while piece := await asyncio.to_thread(os.read, ours, 4096):
            screen += piece.decode(errors="replace")
            if question in screen and answer:
                os.write(ours, f"{answer}\n".encode())
                answer = ""
    except OSError:
        pass  # the other end is gone
    finally:
        os.close(ours)
    return screen, await process.wait()


async def test_a_person_says_no_then_yes_and_nothing_shows_the_key(tmp_path: Path) -> None:
    async with room() as at:
        environ = started(at, tmp_path)
        before = at.ledger()
        screen, code = await on_a_terminal(tmp_path, environ, "on these terms? [y/N]", "n")
        assert code == 130, screen
        assert "in use at most      500.00 USDT" in screen
        assert "it cannot withdraw" in screen
        assert list((tmp_path / "data" / "live" / "live-spot").glob("confirmed*")) == []
        assert at.ledger() == before
        assert {line.split()[0] for line in at.asked} == {"GET"}

        said, code = await until_it_trades(tmp_path, environ | {"TRADER_REST_URL": at.exchange.base_url})
        assert code == 0, said[-3000:]
        assert "nothing reaches Binance" in said
    shows_nothing(tmp_path, screen + said)
    with Reader(Place(tmp_path / "data" / "live" / "live-spot")) as reader:
        (run,) = reader.runs()
        assert (run.mode, run.settings["MAX_CAPITAL"]) == ("live", 500)
        checkpoint = reader.latest_snapshot()
        assert checkpoint is not None
        assert snapshot_of(checkpoint).book.worth() == 500, "of the 1,000 that the account has"


def shows_nothing(folder: Path, said: str) -> None:
    """See that no file below a folder and nothing that was said has a part of the key."""
    (folder / "passphrase").unlink()
    files = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"journal.sqlite", "trader.log", "keys.json", "confirmed.json"} <= files.keys()
    places = [*files.items(), ("the screen", said.encode())]
    assert [(place, hidden) for place, text in places for hidden in HIDDEN if hidden.encode() in text] == []


def test_without_a_terminal_all_that_lacks_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", StringIO())
    file_store(tmp_path / "data").put(key("main"))
    code = main(["run", "--mode", "live", "--set", "KEY_NAME=mian", "--set", "KEY_STORE=file", "--set", "LOG_FILE="])
    said = capsys.readouterr().err
    assert code == 2
    assert "cannot start: 4 faults" in said
    wanted = ("LIVE_TRADING=yes", "MAX_CAPITAL", "--yes gives it", "did you mean main?")
    assert [word for word in wanted if word not in said] == []
    assert not (tmp_path / "data" / "live").exists(), "nothing was begun"
