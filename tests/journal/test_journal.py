"""What a journal keeps, and gives back, on both databases."""

from __future__ import annotations

import asyncio
import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import M1, START_MS
from tests.journal.server import Server
from tests.journal.values import RUN, fill, instant, opened, order, same, submit, trade, until
from trader.core.commands import AmendStop, CancelOrder
from trader.core.errors import JournalError
from trader.core.events import Action, EndOfData, Event, OperatorCommand
from trader.core.order import Fill, OrderDropped, Role
from trader.core.signal import Direction
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import DAY_MS, Reader
from trader.journal.records import Checkpoint, DecisionRecord, DustRecord, EquityPoint, OperatorRecord, RefusalDetail
from trader.journal.verify import verify

NAN = float("nan")


async def test_events_come_back_in_order_with_their_commands(place: Place) -> None:
    told: list[tuple[Event, tuple[object, ...]]] = [
        (instant(0, NAN), ()),
        (instant(1), (submit(1), submit(2, Role.STOP, price=NAN), AmendStop(1, 2, 99.75, "trailing_stop"))),
        (Fill(START_MS, 1, 1, "BTCUSDT", Role.ENTRY, Direction.LONG, 1.0, 100.5, 0.1, 0.02, "entry"), ()),
        (OrderDropped(START_MS, 3, "BTCUSDT", "expired"), (CancelOrder(1, 2),)),
        (OperatorCommand(Action.SET, "TRAILING_STOP.trail_pct", "0.004"), ()),
        (EndOfData(), ()),
    ]
    with opened(place) as journal:
        places = [journal.append(event, commands) for event, commands in told]  # type: ignore[arg-type]
        assert await journal.durable()
        with Reader(place) as reader:
            entries = list(reader.entries())
    assert places == [1, 2, 3, 4, 5, 6] == [entry.seq for entry in entries]
    assert same([(entry.event, entry.commands) for entry in entries], told)
    assert {entry.run for entry in entries} == {1}
    # What has no time of its own happens at the newest that is known.
    assert entries[-1].time == START_MS + 2 * M1.ms


async def test_an_instant_of_many_candles_takes_little_room(place: Place) -> None:
    many = instant(0)
    many = type(many)(many.time, many.candles * 400)
    with opened(place) as journal:
        journal.append(many, ())
        await journal.durable()
        with Reader(place) as reader:
            (entry,) = reader.entries()
    assert same(entry.event, many)


async def test_entries_are_read_from_a_place_a_time_or_a_run_on(place: Place) -> None:
    for start in (0, 1_500):
        with opened(place) as journal:
            for at in range(start, start + 1_500):
                journal.append(instant(at), ())
            await journal.durable()
    with Reader(place) as reader:
        assert [entry.seq for entry in reader.entries(after=2_990)] == list(range(2_991, 3_001))
        first, end = instant(9).time, instant(12).time
        assert [entry.seq for entry in reader.entries(start=first, end=end)] == [10, 11, 12]
        assert [entry.seq for entry in reader.entries(run=2)] == list(range(1_501, 3_001))
        assert reader.end() == 3_000


async def test_a_run_goes_on_with_a_pool_or_begins_one(place: Place) -> None:
    for continues in (None, 1, None):
        with opened(place, continues) as journal:
            journal.record(trade(1))
            await journal.durable()
    with Reader(place) as reader:
        assert [(run.id, run.pool, run.ended > 0) for run in reader.runs()] == [
            (1, 1, True),
            (2, 1, True),
            (3, 3, True),
        ]
        assert same(reader.runs()[0].settings, RUN.settings)
        assert len(reader.open_trades()) == 2
        assert len(reader.open_trades(pool=3)) == 1


async def test_a_fill_that_is_delivered_twice_is_one(place: Place) -> None:
    with opened(place) as journal:
        journal.record(fill(1), fill(1), fill(2))
        await journal.durable()
        journal.record(fill(2), fill(3))
    with opened(place, 1) as journal:
        journal.record(fill(3), fill(1), fill(4, client_id="other", position_id=9))
        await journal.durable()
        with Reader(place) as reader:
            assert [each.trade_id for each in reader.fills()] == [1, 2, 3, 4]
            assert [each.trade_id for each in reader.fills_of_order("r1-1-e-1")] == [1, 2, 3]
            assert [each.trade_id for each in reader.fills_of_trade(1, 9)] == [4]
            assert reader.fills_of_trade(2, 9) == []
            assert same(reader.fills()[0], fill(1))
    assert verify(place).faults == ()


async def test_a_fill_that_positions_share_is_kept_for_each(place: Place) -> None:
    with opened(place) as journal:
        journal.record(fill(1), fill(1, client_id="other", position_id=9))
        await journal.durable()
        journal.record(fill(1), fill(1, client_id="other", position_id=9))
    with Reader(place) as reader:
        assert [(each.trade_id, each.position_id) for each in reader.fills()] == [(1, fill().position_id), (1, 9)]


async def test_the_last_state_of_an_order_counts_and_its_whole_life_is_kept(place: Place) -> None:
    life = [
        order(request=submit().request, wire={"type": "MARKET", "quantity": "1.000"}),
        order(state="sent", updated=START_MS + 1),
        order(state="filled", updated=START_MS + 2, final=True, filled=Decimal("1.000"), exchange_id="77"),
    ]
    with opened(place) as journal:
        journal.record(order("r1-2-s-1", state="open", position_id=2, state_data=b"\x00\xff"))
        for state in life:
            journal.record(state)
        await journal.durable()
    with Reader(place) as reader:
        assert [found.client_id for found in reader.open_orders()] == ["r1-2-s-1"]
        assert reader.order("r1-1-e-1") == life[-1]
        assert reader.order("unknown") is None
        assert reader.orders_of(1, 2)[0].state_data == b"\x00\xff"
        changes = reader.transitions("r1-1-e-1")
        assert same([change.order for change in changes], life)
        assert [change.seq for change in changes] == [2, 3, 4]


async def test_a_restart_finds_the_newest_snapshot_and_what_came_after(place: Place) -> None:
    with opened(place) as journal:
        for at in range(30):
            journal.append(instant(at), ())
            journal.record(Checkpoint(instant(at).time, 2, bytes([at]) * 2_000))
        journal.append(instant(30), (submit(),))
        await journal.durable()
    with Reader(place) as reader:
        newest = reader.latest_snapshot()
        assert newest is not None
        assert (newest.state, newest.time, newest.version, newest.run) == (bytes([29]) * 2_000, instant(29).time, 2, 1)
        assert same([entry.event for entry in reader.entries(after=newest.seq)], [instant(30)])
        # The run's first and a few older ones stay, the others make room.
        assert [each.state[0] for each in reader.snapshots()] == [*range(29, 21, -1), 0]


async def test_trades_are_found_by_the_day_on_which_they_ended(place: Place) -> None:
    last_of_day = DAY_MS // M1.ms - 1
    with opened(place) as journal:
        growing = trade(1)
        journal.append(instant(0), (), [growing])
        growing.stop = 100.0
        journal.append(instant(1), (), [growing, trade(2, exit=5), trade(3, exit=last_of_day)])
        journal.append(instant(2), (), [trade(4, exit=last_of_day + 1)])
        await journal.durable()
    with Reader(place) as reader:
        assert [each.id for each in reader.trades_of_day(START_MS)] == [2, 3]
        assert [each.id for each in reader.trades_of_day(START_MS + DAY_MS)] == [4]
        assert same(reader.trades()[0], trade(2, exit=5))
        (still_open,) = reader.open_trades()
        assert (still_open.id, still_open.stop) == (1, 100.0)


async def test_equity_decisions_dust_and_what_people_asked_are_kept(place: Place) -> None:
    points = [EquityPoint(instant(at).time, 10_000.0 + at, 9_000.0, NAN) for at in range(3)]
    said_no = [
        DecisionRecord(instant(at).time, {"no_pattern": [0, 2]}, details=(RefusalDetail(1, "signal", "x", {"a": 1.5}),))
        for at in range(3)
    ]
    dust = [
        DustRecord(START_MS, "BTC", Decimal(change), "BTCUSDT", 1, "fee in the coin") for change in ("0.003", "-0.001")
    ]
    asked = OperatorRecord(START_MS, "pause", "web", outcome="paused")
    with opened(place) as journal:
        for point, decision in zip(points, said_no, strict=True):
            journal.append(instant(0), (), [point, decision])
        journal.record(*dust, asked)
        await journal.durable()
    with Reader(place) as reader:
        assert same(reader.equity(), points)
        assert same(reader.equity(points[1].time, points[2].time), points[1:2])
        assert same(list(reader.decisions()), said_no)
        assert reader.dust() == {"BTC": Decimal("0.002")}
        assert same(reader.dust_ledger(), dust)
        assert reader.operators() == [asked]


async def test_a_hundred_intentions_of_an_instant_cost_few_commits(place: Place) -> None:
    with opened(place, wait_s=10.0) as journal:
        before = journal.health().groups
        places = [journal.append(instant(at), (submit(at + 1),)) for at in range(100)]
        assert all(await asyncio.gather(*(journal.durable(seq) for seq in places)))
        assert journal.health().groups - before <= 5


async def test_what_was_committed_without_waiting_can_be_waited_for_later(place: Place) -> None:
    with opened(place, wait_s=10.0) as journal:
        seq = journal.append(instant(0), ())
        await until(lambda: journal.health().committed == seq)
        assert await journal.durable(seq)
        assert await journal.room()
    assert verify(place).faults == ()


async def test_without_a_thread_who_waits_writes(place: Place) -> None:
    with opened(place, threaded=False, clock=lambda: 42) as journal:
        seq = journal.append(instant(0), (submit(),))
        assert journal.health().waiting == 1
        assert await journal.durable(seq)
        assert journal.health().waiting == 0
        with Reader(place) as reader:
            assert [entry.wall for entry in reader.entries()] == [42]
        journal.append(instant(1), ())
    with Reader(place) as reader:
        assert reader.end() == 2


def test_a_second_writer_is_refused_with_the_process_that_writes(place: Place) -> None:
    with opened(place):
        second = Journal(place)
        with pytest.raises(JournalError, match=f"is being written by process {os.getpid()}"):
            second.open()
    with opened(place, 1):
        pass


def test_nothing_is_told_before_a_run_has_begun(place: Place) -> None:
    journal = Journal(place)
    journal.open()
    with pytest.raises(JournalError, match="a run must begin"):
        journal.append(instant(0), ())
    journal.close()


def test_a_journal_that_is_not_there_is_not_made_by_reading(place: Place) -> None:
    with pytest.raises(JournalError, match="there is no journal at"):
        Reader(place)
    assert not place.path.exists()


async def test_two_homes_on_one_server_have_journals_of_their_own(server: Server, tmp_path: Path) -> None:
    one, other = Place(tmp_path / "first-home", server.url), Place(tmp_path / "second-home", server.url)
    with opened(one) as first, opened(other) as second:
        first.append(instant(0), ())
        assert await first.durable()
        assert (first.last, second.last) == (1, 0)
