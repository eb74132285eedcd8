"""What is held does not wait for its stop: neither behind an answer that is late, nor in doubt of what never left."""

from __future__ import annotations

import pytest

from tests.execution.desk.rigs import bench
from tests.execution.desk.test_spot import books_agree, is_guarded
from trader.exchange.embedded.faults import Fault
from trader.execution.desk import courier
from trader.execution.states import OrderState


async def test_a_stop_does_not_wait_for_the_late_answer_of_an_entry_that_news_has_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier, "ANSWER_S", 60.0)
    async with bench() as world:
        world.arm(Fault.ANSWER_LATE, 40.0)
        await world.enter()  # gives up after 20 s
        assert await is_guarded(world)
        await books_agree(world)


async def test_a_stop_that_found_no_room_was_never_sent_and_leaves_when_there_is_some() -> None:
    async with bench() as world:
        world.door.after(1, lambda: world.gate.pause(courier.ANSWER_S + 1.0))
        await world.enter()
        assert await is_guarded(world)
        states = {each.state for each in world.notebook.orders}
        assert OrderState.UNKNOWN not in states, "nobody can have got what has not left"
        assert courier.NOT_SENT.text in {each.note for each in world.notebook.orders}
        await books_agree(world)
