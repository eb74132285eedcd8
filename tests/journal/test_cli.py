"""`python start.py journal` as a person uses it: what it says, how it ends."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.journal.server import QUOTED, Server
from tests.journal.test_verify import change
from tests.journal.values import fill, instant, opened, order, submit
from trader.cli.app import main
from trader.journal.place import Place


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADER_") or name in ("MODE", "DATA_SOURCE")]:
        monkeypatch.delenv(name)


@pytest.fixture
def written(tmp_path: Path) -> Place:
    """Return a small journal where the daemon has it."""
    place = Place(tmp_path / "data" / "live" / "embedded-spot")
    write(place)
    return place


def write(place: Place) -> None:
    with opened(place) as journal:
        for at in range(20):
            journal.append(instant(at), (submit(at + 1),))
        journal.record(order(state="filled", final=True, filled=Decimal(1)), fill())


Said = pytest.CaptureFixture[str]


def test_a_sound_journal_is_said_to_be(written: Place, capsys: Said) -> None:
    assert main(["journal", "verify"]) == 0
    said = capsys.readouterr().out
    assert "21 entries in" in said
    assert said.endswith(": nothing is wrong\n")


def test_a_fault_is_named_and_ends_with_1(written: Place, capsys: Said) -> None:
    change(written, "UPDATE events SET wall = 0 WHERE seq = 3")
    assert main(["journal", "verify"]) == 1
    said = capsys.readouterr().out
    assert "an event or a command was changed or is missing" in said
    assert said.endswith(": 1 faults\n")


def test_a_backup_is_verified_and_read_like_the_journal(written: Place, capsys: Said) -> None:
    assert main(["journal", "backup", "copy.sqlite"]) == 0
    assert "21 entries, verified" in capsys.readouterr().out
    assert main(["journal", "verify", "--file", "copy.sqlite"]) == 0
    assert main(["journal", "backup", "copy.sqlite"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["journal", "backup"]) == 0
    assert len(list(written.home.glob("journal-*.sqlite"))) == 1


def test_an_export_goes_below_the_results_and_counts_its_rows(written: Place, tmp_path: Path, capsys: Said) -> None:
    assert main(["journal", "export"]) == 0
    said = capsys.readouterr().out
    assert "events               20\n" in said
    (folder,) = (tmp_path / "stat").iterdir()
    assert f"written to stat/{folder.name}\n" in said
    assert main(["journal", "export", "out", "--format", "parquet"]) == 0
    assert (tmp_path / "out" / "orders.parquet").exists()
    assert main(["journal", "export", "--format", "xlsx"]) == 2
    assert "allowed: csv, jsonl, parquet" in capsys.readouterr().err


def test_a_compaction_says_what_went_and_how_large_it_was(written: Place, capsys: Said) -> None:
    assert main(["journal", "compact", "--days", "7", "--events", "7"]) == 0
    said = capsys.readouterr().out
    assert "dropped: 0 decisions, 0 events" in said
    assert " before, " in said
    with opened(written, 1):
        assert main(["journal", "compact"]) == 0
        assert f"process {os.getpid()} runs on it" in capsys.readouterr().out
    assert main(["journal", "compact", "--days", "-1"]) == 2


@pytest.mark.parametrize("name", ["verify", "export", "compact", "backup"])
def test_without_a_journal_each_says_so_and_makes_none(name: str, tmp_path: Path, capsys: Said) -> None:
    assert main(["journal", name]) == 1
    assert "failed: there is no journal at data/live/embedded-spot/journal.sqlite" in capsys.readouterr().err
    assert not list(tmp_path.rglob("journal*.sqlite"))


@pytest.mark.parametrize("name", ["verify", "export", "compact", "backup"])
def test_each_has_help_with_examples(name: str, capsys: Said) -> None:
    assert main(["journal", name, "--help"]) == 0
    assert f"python start.py journal {name}" in capsys.readouterr().out


def test_a_journal_on_a_server_is_used_by_its_address_and_the_password_is_never_shown(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("TRADER_JOURNAL_URL", server.url)
    monkeypatch.setenv("TRADER_MODE", "paper")
    write(Place(tmp_path / "data" / "live" / "paper-spot", server.url))
    for arguments in (["verify"], ["backup", "copy.sqlite"], ["export", "out"], ["compact"]):
        assert main(["journal", *arguments]) == 0
    assert main(["settings"]) == 0
    assert main(["journal", "verify", "--set", "MARKET=futures"]) == 1
    assert main(["journal", "verify", "--set", f"JOURNAL_URL={server.url.replace('5', '6', 1)}x y"]) == 2
    said = "".join(capsys.readouterr())
    assert "nothing is wrong" in said
    assert "there is no journal at postgresql://127.0.0.1" in said
    assert "planted" not in said
    assert QUOTED not in said
    assert main(["journal", "verify", "--file", "copy.sqlite"]) == 0
