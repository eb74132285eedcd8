"""What verification finds: changed bytes, missing rows, books that do not add up; and what it does not."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from tests.builders import START_MS
from tests.journal.values import fill, instant, opened, order, submit, trade
from tests.trading.worlds import wish
from trader.core.errors import JournalError
from trader.core.trade import Part
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.records import Checkpoint, DecisionRecord, DustRecord, EquityPoint, OperatorRecord, Readings, Record
from trader.journal.schema import BOOKS, LOG, STANDING, metadata
from trader.journal.verify import verify

GROUPED = [table.name for table in (*LOG, *BOOKS) if table.name != "gaps"]


def fill_up(place: Place, *more: Record) -> None:
    """Write something into every table, in several groups."""
    with opened(place, threaded=False) as journal:
        for at in range(5):
            said = Readings(START_MS, (wish(),))
            beside = [EquityPoint(START_MS, 1.0, 1.0, 0.0), DecisionRecord(START_MS, {"gap": [at]}), said]
            journal.append(instant(at), (submit(at + 1), submit(at + 100)), beside)
            group_ends(journal)
        journal.record(order(state="filled", final=True, filled=Decimal(1)), fill(), Checkpoint(1, 1, b"state"))
        journal.record(DustRecord(START_MS, "BTC", Decimal(1), "BTCUSDT", 7, "fee"), OperatorRecord(1, "pause", "cli"))
        group_ends(journal)
        journal.record(trade(9), *more)


def group_ends(journal: Journal) -> None:
    """Commit what was told so far."""
    journal._pump.pump()


def change(place: Place, statement: str) -> None:
    """Change a journal behind its back."""
    with place.writing().connect() as connection, connection.begin():
        connection.execute(sa.text(statement))


def faults(place: Place) -> str:
    """Return all that is wrong, in words."""
    return "\n".join(verify(place).faults)


def flip(place: Place, table: str, column: str = "payload") -> None:
    """Flip a bit in a row of `table`."""
    there = metadata.tables[table]
    with place.writing().connect() as connection, connection.begin():
        value = connection.execute(sa.select(there.c[column]).limit(1)).scalar_one()
        flipped = bytes([*value[:-1], value[-1] ^ 1]) if isinstance(value, bytes) else value + 1
        connection.execute(sa.update(there).where(there.c[column] == value).values({column: flipped}))


def test_a_sound_journal_has_no_faults_and_is_counted(place: Place) -> None:
    fill_up(place)
    found = verify(place)
    assert (found.faults, found.groups, found.entries, found.pruned) == ((), 7, 8, 0)
    assert found.rows > 30


@pytest.mark.parametrize("table", GROUPED)
def test_a_bit_flipped_in_what_never_changes_names_its_group(place: Place, table: str) -> None:
    fill_up(place)
    flip(place, table)
    assert "was changed or is missing" in faults(place)
    assert faults(place).startswith("group ")


@pytest.mark.parametrize("table", [table.name for table in STANDING])
def test_a_bit_flipped_in_what_is_replaced_names_its_row(place: Place, table: str) -> None:
    fill_up(place)
    flip(place, table)
    assert f"{table}: the row with" in faults(place)


@pytest.mark.parametrize(
    ("table", "column"), [("events", "time"), ("transitions", "wall"), ("fills", "trade_id"), ("commands", "ordinal")]
)
def test_a_changed_column_is_found_as_well_as_a_changed_value(file_place: Place, table: str, column: str) -> None:
    fill_up(file_place)
    last = "(SELECT max(seq) FROM commands)" if table == "commands" else "1"
    where = f"WHERE ordinal = 1 AND seq = {last}" if table == "commands" else ""
    change(file_place, f"UPDATE {table} SET {column} = {column} + 7 {where}")
    assert "was changed or is missing" in faults(file_place)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM events WHERE seq = 2", "group 2 (entries 2 to 2"),
        ("DELETE FROM commands WHERE seq = 3 AND ordinal = 1", "the event of entry 3 and its commands do not fit: +1"),
        ("DELETE FROM groups WHERE id = 3", "group 4 (entries 4 to 4"),
        ("DELETE FROM groups WHERE id = 3", "does not follow on group 2, which ends with entry 2: groups are missing"),
        ("DELETE FROM groups WHERE id = 7", "what follows it is in no group"),
        ("UPDATE groups SET entries = 9 WHERE id = 2", "does not fit the chain: its row, or the group before it"),
        ("UPDATE groups SET wall = 0 WHERE id = 2", "does not fit the chain"),
        ("DELETE FROM fills", "order r1-1-e-1 filled 1, its fills sum to 0"),
        ("DELETE FROM orders", "order r1-1-e-1 has changes and no row"),
        ("DELETE FROM transitions", "order r1-1-e-1 is not what its last change made it"),
    ],
)
def test_what_is_missing_or_out_of_order_is_named(place: Place, statement: str, words: str) -> None:
    fill_up(place)
    if "id = 7" in statement:
        with opened(place, 1) as journal:
            journal.append(instant(7), ())
        statement = "DELETE FROM groups WHERE id >= 7"
    change(place, statement)
    assert words in faults(place)


def test_books_that_do_not_add_up_are_named(place: Place) -> None:
    part = Part(1, START_MS, 0.5, 99.5, "stop_loss", 0.2, 0.0, -1.2, 9_998.8)
    fill_up(
        place,
        trade(1, exit=4, quantity=2.0),
        trade(3, exit=4, parts=[part]),
        order("r1-4-e-1", final=True, filled=Decimal(2), position_id=4),
        fill(11, "1.5", "r1-4-e-1", position_id=4),
    )
    said = faults(place)
    assert "trade 1 of pool 1 was of 2.0, the orders that opened it filled 1" in said
    assert "trade 3 of pool 1 has closed 1.0, its parts sum to 0.5" in said
    assert "order r1-4-e-1 filled 2, its fills sum to 1.5" in said


def test_an_execution_that_closed_two_positions_adds_up_and_with_a_part_of_it_missing_does_not(place: Place) -> None:
    """To the exchange the positions of a side are one: a stop may close what another one holds."""
    fill_up(
        place,
        order("r1-6-e-1", final=True, filled=Decimal(1), position_id=6),
        fill(31, "1", "r1-6-e-1", position_id=6),
        order("r1-7-e-1", final=True, filled=Decimal(1), position_id=7),
        fill(32, "1", "r1-7-e-1", position_id=7),
        order("r1-6-s-1", final=True, filled=Decimal("1.5"), position_id=6, role="stop"),
        fill(33, "1", "r1-6-s-1", position_id=6, role="stop"),
        order("r1-7-x-1", final=True, filled=Decimal("0.5"), position_id=7, role="close"),
        fill(33, "0.5", "r1-7-x-1", position_id=7, role="close"),
        trade(6, exit=4),
    )
    assert faults(place) == ""
    change(place, "DELETE FROM fills WHERE client_id = 'r1-7-x-1'")
    assert "order r1-6-s-1 filled 1.5, its fills sum to 1" in faults(place)


def test_fees_in_the_coin_and_dust_explain_what_is_missing(place: Place) -> None:
    fee = fill(21, "1", "r1-5-e-1", position_id=5, fee=Decimal("0.001"), fee_asset="BTC")
    fill_up(
        place,
        order("r1-5-e-1", final=True, filled=Decimal(1), position_id=5),
        fee,
        order("r1-5-s-1", final=True, filled=Decimal("0.99"), position_id=5, role="stop"),
        fill(22, "0.99", "r1-5-s-1", position_id=5, role="stop"),
        DustRecord(START_MS, "BTC", Decimal("0.009"), "BTCUSDT", 5, "too little to sell"),
        trade(5, exit=4),
    )
    assert verify(place).faults == ()


def test_a_torn_page_is_found_and_a_damaged_file_is_refused_at_the_start(file_place: Place) -> None:
    fill_up(file_place)
    with file_place.path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    try:
        said = faults(file_place)
    except JournalError as error:
        said = str(error)
    assert "damaged" in said
    with pytest.raises(JournalError, match=r"damaged .*put it aside and go on with a backup|damaged: put it aside"):
        Journal(file_place).open()


def test_a_file_that_is_no_journal_is_refused(file_place: Place) -> None:
    file_place.home.mkdir()
    file_place.path.write_bytes(b"no database, whatever its name says" * 100)
    for attempt in (lambda: verify(file_place), lambda: Journal(file_place).open()):
        with pytest.raises(JournalError, match="it is damaged"):
            attempt()


def test_no_more_than_fifty_faults_are_told(file_place: Place) -> None:
    with opened(file_place, threaded=False) as journal:
        for at in range(60):
            journal.append(instant(at), ())
            group_ends(journal)
    change(file_place, "UPDATE events SET wall = 0")
    found = verify(file_place).faults
    assert len(found) == 51
    assert found[-1] == "more than 50 faults: no further ones were looked for"
