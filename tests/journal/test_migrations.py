"""Older journals are brought up to date with what they hold, and kept as they were; newer ones are refused."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.journal.values import fill, instant, opened, order, same, submit, trade
from trader.core.errors import JournalError
from trader.journal.journal import Journal
from trader.journal.migrate import SCRIPTS
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint, DecisionRecord
from trader.journal.schema import HEAD, KEPT, REVISIONS, metadata
from trader.journal.session import WriteSession
from trader.journal.verify import verify


def filled(place: Place) -> None:
    """Write a journal of this program's tables with something in each."""
    with opened(place) as journal:
        for at in range(1_200):
            journal.append(instant(at), (submit(at + 1),), [DecisionRecord(instant(at).time, {"gap": [0]})])
        done = order(state="filled", final=True, filled=Decimal(1))
        journal.record(order(), fill(), trade(1), trade(2, exit=3), done, Checkpoint(5, 1, b"state"))


def as_of_the_first_revision(new: Place, old: Place) -> None:
    """Write at `old` what `new` holds, in the tables of the first revision."""
    session = WriteSession(old)
    session.open(REVISIONS[0])
    with new.reading().connect() as source, old.writing().connect() as target:
        tables = sa.MetaData()
        tables.reflect(target)
        for name in (table.name for table in KEPT if table.name in tables.tables):
            there = tables.tables[name]
            rows = [dict(row) for row in source.execute(sa.select(metadata.tables[name])).mappings()]
            kept = [{key: value for key, value in row.items() if key in there.c} for row in rows]
            if kept:
                target.execute(sa.insert(there), kept)
        target.commit()
    session.close()


def tables_of(place: Place) -> dict[str, Any]:
    """Return the tables that are there: columns, keys, indexes."""
    with place.reading().connect() as connection:
        look = sa.inspect(connection)
        return {
            name: (
                {column["name"]: (str(column["type"]), column["nullable"]) for column in look.get_columns(name)},
                look.get_pk_constraint(name)["constrained_columns"],
                sorted(str(index["column_names"]) for index in look.get_indexes(name)),
                sorted(str(unique["column_names"]) for unique in look.get_unique_constraints(name)),
            )
            for name in look.get_table_names()
            if name != "alembic_version"
        }


def test_a_journal_of_the_first_revision_is_brought_to_this_one_with_all_it_holds(
    place: Place, file_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    model = Place(file_place.home.with_name("model"))
    filled(model)
    as_of_the_first_revision(model, place)
    with pytest.raises(JournalError, match=r"is of revision 0001, this program reads 0002: the next start"):
        Reader(place)
    with opened(place, 1) as journal:
        journal.append(instant(2_000), ())
    assert verify(place).faults == ()
    with Reader(place) as reader, Reader(model) as before:
        assert same(list(reader.entries())[:-1], list(before.entries()))
        assert same(reader.open_trades(), before.open_trades())
        assert reader.latest_snapshot() == before.latest_snapshot()
        assert len(list(reader.decisions())) == 1_200
    assert "is of revision 0001 and is brought to 0002" in caplog.text
    assert "the journal as it was is kept in" in caplog.text


def test_the_copy_that_is_kept_before_a_migration_is_the_old_journal(file_place: Place) -> None:
    model = Place(file_place.home.with_name("model"))
    filled(model)
    as_of_the_first_revision(model, file_place)
    with opened(file_place):
        pass
    (copy,) = file_place.home.glob("journal-0001-*.sqlite")
    kept = Place.at(file_place.home, copy)
    with pytest.raises(JournalError, match="is of revision 0001"):
        Reader(kept)
    with opened(kept, 1):
        pass
    with Reader(kept) as reader:
        assert reader.end() == 1_201


def test_a_migration_that_fails_leaves_the_journal_as_it_was(place: Place, file_place: Place) -> None:
    model = Place(file_place.home.with_name("model"))
    filled(model)
    as_of_the_first_revision(model, place)
    # The last step of the migration finds its column there already.
    with place.writing().connect() as connection, connection.begin():
        connection.execute(sa.text("ALTER TABLE snapshots ADD COLUMN crc INTEGER"))
    before = tables_of(place)
    with pytest.raises(JournalError, match="crc"):
        Journal(place).open()
    assert tables_of(place) == before
    with pytest.raises(JournalError, match="is of revision 0001"):
        Reader(place)
    with place.writing().connect() as connection, connection.begin():
        connection.execute(sa.text("ALTER TABLE snapshots DROP COLUMN crc"))
    with opened(place, 1):
        pass
    assert verify(place).faults == ()


def test_a_journal_of_a_newer_program_is_refused_by_readers_and_writers(place: Place) -> None:
    with opened(place):
        pass
    with place.writing().connect() as connection, connection.begin():
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0099'"))
    for attempt in (lambda: Reader(place), lambda: Journal(place).open()):
        with pytest.raises(JournalError, match=r"is of revision 0099, .* a newer program has written it") as caught:
            attempt()
        assert caught.value.kind == "newer"


def test_the_migrations_make_the_tables_that_the_program_reads(place: Place) -> None:
    with opened(place):
        pass
    made = tables_of(place)
    other = Place(place.home.with_name(f"{place.home.name}-other"), place._url.render_as_string(hide_password=False))
    if place.is_sqlite:
        other = Place(place.home.with_name("other"))
        other.home.mkdir()
    with other.writing().connect() as connection, connection.begin():
        if not place.is_sqlite:
            connection.execute(sa.text(f'CREATE SCHEMA "{other.schema}"'))
        metadata.create_all(connection)
    assert made == tables_of(other)


def test_the_revisions_that_are_known_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)
    assert scripts.get_current_head() == HEAD
