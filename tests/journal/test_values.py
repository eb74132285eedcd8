"""What was written is read equal, whatever it is: values made up by the machine, on both databases."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.journal.values import opened, same, trade
from trader.core.candle import Candle
from trader.core.commands import AmendStop, CancelOrder, Command, SubmitOrder
from trader.core.errors import JournalError
from trader.core.events import Action, EndOfData, Event, FundingFee, FundingRate, Instant, OperatorCommand
from trader.core.order import Fill, OrderDropped, OrderRequest, Role
from trader.core.signal import Direction
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.journal import codec
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import (
    Checkpoint,
    DecisionRecord,
    DustRecord,
    EquityPoint,
    FillRecord,
    OperatorRecord,
    OrderRecord,
    Record,
)
from trader.journal.rows import _MAKERS
from trader.journal.verify import verify

whole = st.integers(-(2**63), 2**63 - 1)
number = st.floats()
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
exact = st.decimals(allow_nan=False, allow_infinity=False)

candles = st.builds(Candle, text, st.sampled_from(Timeframe), whole, *[number] * 9)
requests = st.builds(
    OrderRequest,
    whole,
    whole,
    text,
    st.sampled_from(Role),
    st.sampled_from(Direction),
    *[number] * 3,
    text,
    whole,
    whole,
)
fills = st.builds(
    Fill, whole, whole, whole, text, st.sampled_from(Role), st.sampled_from(Direction), *[number] * 4, text
)
events = st.one_of(
    st.builds(
        Instant, whole, st.lists(candles, max_size=4).map(tuple), st.tuples(st.builds(FundingRate, text, whole, number))
    ),
    fills,
    st.builds(OrderDropped, whole, whole, text, text),
    st.builds(FundingFee, text, whole, number, st.none() | st.sampled_from(Direction)),
    st.builds(OperatorCommand, st.sampled_from(Action), text, text),
    st.just(EndOfData()),
)
commands = st.lists(
    st.one_of(
        st.builds(SubmitOrder, requests),
        st.builds(AmendStop, whole, whole, number, text),
        st.builds(CancelOrder, whole, whole),
    ),
    max_size=3,
)
orders = st.builds(
    OrderRecord,
    text,
    text,
    whole,
    whole,
    text,
    whole,
    text,
    whole,
    st.booleans(),
    text,
    st.none() | requests,
    st.dictionaries(text, text, max_size=2),
    exact,
    text,
    st.binary(max_size=20),
)
executions = st.builds(
    FillRecord, text, whole, text, whole, text, text, exact, exact, exact, text, whole, st.booleans(), text
)
records = st.one_of(
    orders,
    executions,
    st.builds(EquityPoint, whole, number, number, number),
    st.builds(DecisionRecord, whole, st.dictionaries(text, st.lists(whole, max_size=3), max_size=2)),
    st.builds(DustRecord, whole, text, exact, text, whole, text),
    st.builds(OperatorRecord, whole, text, text, text, text, text),
    st.builds(Checkpoint, whole, whole, st.binary(max_size=900)),
    st.builds(lambda at, price: trade(at, exit=1, peak=price), whole, number),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the place of a journal that every example goes on with."""
    home: Path = tmp_path_factory.mktemp("values") / f"home-{request.param}"
    return Place(home, request.getfixturevalue("server").url if request.param == "postgresql" else "")


@hypothesis(max_examples=40)
@given(told=st.lists(st.tuples(events, commands, st.lists(records, max_size=3)), min_size=1, max_size=5))
def test_what_was_written_is_read_equal(crowded: Place, told: list[tuple[Event, list[Command], list[Record]]]) -> None:
    with opened(crowded, threaded=False) as journal:
        assert journal.run is not None
        run, pool, after = journal.run.id, journal.run.pool, journal.last
        for event, led_to, beside in told:
            journal.append(event, led_to, beside)
    with Reader(crowded) as reader:
        entries = list(reader.entries(after=after))
        assert {entry.run for entry in entries} == {run}
        assert same(
            [(entry.event, entry.commands) for entry in entries], [(event, led_to) for event, led_to, _ in told]
        )
        flat = [record for _, _, beside in told for record in beside]
        kept = reader.trades(pool=pool)
        for trades in kept:
            assert any(same(trades, each) for each in flat if isinstance(each, Trade))
        assert {each.id for each in kept} == {each.id for each in flat if isinstance(each, Trade)}
        for kind, found in ((EquityPoint, reader.equity()), (DustRecord, reader.dust_ledger())):
            mine = [each for each in flat if type(each) is kind]
            assert same(found[len(found) - len(mine) :], mine)


def test_a_journal_of_a_thousand_made_up_values_has_no_fault(crowded: Place) -> None:
    with opened(crowded, threaded=False) as journal:
        is_new = journal.last == 0
    if is_new:  # in a test process that has not run the one above
        test_what_was_written_is_read_equal(crowded)
    found = verify(crowded)
    assert [fault for fault in found.faults if "filled" not in fault] == []


def test_every_event_and_command_of_the_core_has_a_kind() -> None:
    assert set(codec.EVENTS.values()) == set(get_args(Event))
    assert set(codec.COMMANDS.values()) == set(get_args(Command))
    assert set(codec.KIND_OF) == set(get_args(Event)) | set(get_args(Command))


def test_every_record_has_its_rows() -> None:
    assert set(_MAKERS) == set(get_args(Record))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_value_raise_nothing_but_a_journal_error(stored: bytes) -> None:
    for cls in (Instant, OrderRecord, Trade):
        with suppress(JournalError):
            codec.decode(stored, cls)


def test_a_kind_that_is_unknown_names_those_that_are_known() -> None:
    with pytest.raises(JournalError, match=r"'split' is unknown; known are instant, fill"):
        codec.decode_kind(codec.encode(trade()), "split", codec.EVENTS)
