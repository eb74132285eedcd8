"""Foreign errors become words; passwords become nothing; addresses that cannot be are refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tests.journal.server import PASSWORD, QUOTED, Server
from tests.journal.values import opened
from trader.core.errors import ConfigError, JournalError
from trader.core.order import Role
from trader.journal.faults import FULL, POSTGRES, READ_ONLY, SQLITE, UNREACHABLE, UNUSABLE, WORDS, translated
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.policy import may_leave
from trader.journal.reader import Reader

#: Result codes of SQLite that are no failure of a database, or only a misuse of ours.
OURS = {
    *("OK", "ERROR", "INTERNAL", "ABORT", "NOMEM", "INTERRUPT", "NOTFOUND", "EMPTY", "SCHEMA", "MISUSE", "AUTH"),
    *("NOTICE", "WARNING", "ROW", "DONE"),
}


def test_every_failure_of_sqlite_is_in_the_table() -> None:
    names = {
        name.removeprefix("SQLITE_"): value
        for name, value in vars(sqlite3).items()
        if name.startswith("SQLITE_") and isinstance(value, int) and name.count("_") == 1
    }
    primary = {name for name in names if is_result_code(name)}
    assert {name for name in primary - OURS if names[name] not in SQLITE} == set()


def is_result_code(name: str) -> bool:
    """Tell result codes from the library's other constants, which share their beginning."""
    others = {
        *("ALTER", "ANALYZE", "ATTACH", "DELETE", "DENY", "DETACH", "FUNCTION", "IGNORE", "INSERT", "PRAGMA"),
        *("READ", "RECURSIVE", "REINDEX", "SAVEPOINT", "SELECT", "TRANSACTION", "UPDATE"),
    }
    return name not in others


def test_every_kind_has_its_words() -> None:
    assert set(SQLITE.values()) | set(POSTGRES.values()) | {UNUSABLE} == set(WORDS)


def test_a_journal_that_may_only_be_read_says_so(file_place: Place) -> None:
    with opened(file_place):
        pass
    connection = sqlite3.connect(f"file:{file_place.path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("DELETE FROM groups")
    connection.close()
    error = translated(caught.value, "here")
    assert error.kind == READ_ONLY
    assert "journal here: it cannot be written: mount its disk for writing" in str(error)


def test_a_home_that_cannot_be_made_says_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(JournalError, match=r"home/journal.sqlite: .*File exists"):
        Journal(Place(tmp_path / "home")).open()
    assert translated(OSError(28, "No space left on device"), "here").kind == FULL


def test_neither_statements_nor_their_values_are_told() -> None:
    foreign = OperationalError("INSERT INTO orders VALUES (?)", ("secret-value",), RuntimeError("it broke"))
    assert "secret-value" not in str(translated(foreign, "here"))
    assert "INSERT" not in str(translated(foreign, "here"))


def test_a_password_is_in_no_error_and_no_text(server: Server, tmp_path: Path) -> None:
    wrong = server.url.replace(QUOTED, "planted-wrong-one")
    gone = server.url.replace(str(server.port), "1")
    for url, password in ((wrong, "planted-wrong-one"), (gone, PASSWORD)):
        place = Place(tmp_path / "live-spot", url)
        assert place.password == password
        for attempt in (lambda place=place: Journal(place).open(), lambda place=place: Reader(place)):  # type: ignore[misc]
            with pytest.raises(JournalError) as caught:
                attempt()
            assert caught.value.kind == UNREACHABLE
            assert "127.0.0.1" in str(caught.value)
            assert "planted" not in str(caught.value) + repr(caught.value.__dict__) + str(place)


@pytest.mark.parametrize(
    "url", ["mysql://u:planted@h/d", "postgresql://u:planted@h", "sqlite://", "planted", "postgresql://u:planted@h:x/d"]
)
def test_an_address_that_cannot_be_says_what_is_allowed_and_not_what_was_given(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="allowed: nothing") as caught:
        Place(tmp_path, url)
    assert "planted" not in str(caught.value)


def test_a_home_has_a_schema_of_its_own(tmp_path: Path) -> None:
    place = Place(tmp_path / "live-futures", "postgres://someone:secret@db.example:6000/trading")
    assert str(place) == "postgresql://db.example:6000/trading (trader_live_futures)"
    assert str(Place(tmp_path / "live-spot")).endswith("live-spot/journal.sqlite")


def test_only_what_opens_a_position_waits_for_the_disk() -> None:
    assert [role for role in Role if not may_leave(role, False)] == [Role.ENTRY]
    assert not may_leave("whatever", False)
    assert all(may_leave(role, True) for role in Role)
