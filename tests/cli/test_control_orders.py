"""A person's commands where orders are real: what is said is what the exchange has confirmed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.live.venues import FIRST_MS, Daemon, control, exchange, make_store
from trader.cli.app import main
from trader.core.timeframe import HOUR_MS

END_MS = FIRST_MS + 24 * HOUR_MS
KEY, SECRET = "key-of-a-person", "secret-of-a-person"
FAST, SLOW = 2_400, 120


class World:
    """A daemon with real orders, its exchange, and somebody who types commands."""

    def __init__(self, daemon: Daemon, url: str) -> None:
        self.daemon = daemon
        self.url = url
        self.capsys: Any = None

    def types(self, line: str) -> tuple[int, str]:
        """Return exit code and output of `start.py LINE`."""
        self.capsys.readouterr()
        code = main([*line.split(), "--set", f"DATA_DIR={self.daemon.folder / 'data'}"])
        out, err = self.capsys.readouterr()
        return code, err + out

    def done(self, line: str) -> str:
        """Return the output of a command that must succeed."""
        code, said = self.types(line)
        assert code == 0, said
        return said

    @property
    def status(self) -> Any:
        return json.loads(self.done("status --json"))

    def trade(self) -> Any:
        """Let the market hurry until a trade is open; return it."""
        control(self.url, "speed", speed=FAST)
        end = time.monotonic() + 40
        while not (trades := [each for each in self.status["trades"] if not each["closing"]]):
            assert time.monotonic() < end, self.daemon.said()[-2000:]
        control(self.url, "speed", speed=SLOW)
        return trades[0]

    def settled(self) -> Any:
        """Return the orders' part of the status as soon as every request has been answered."""
        end = time.monotonic() + 20
        while (orders := self.status["orders"])["unknown"] or orders["unguarded"]:
            assert time.monotonic() < end, self.daemon.said()[-2000:]
        return orders

    def held(self) -> dict[str, float]:
        """Return what the exchange says that the account has of each coin, and how many orders rest."""
        (account,) = control(self.url, "ledger")["accounts"]
        spot = account["markets"]["spot"]
        resting = sum(each["status"] == "NEW" for each in spot["orders"])
        balances = {name: float(each["free"]) + float(each["locked"]) for name, each in spot["balances"].items()}
        return {**balances, "orders": resting}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("orders")
    make_store(root / "store", END_MS)
    account = ("--key", KEY, "--secret", SECRET, "--balance", "USDT=10000")
    with exchange(
        root / "store", root / "ex.log", "--to", str(END_MS), "--speed", str(FAST), "--hold", *account
    ) as url:
        daemon = Daemon(root / "home", REST_URL=url, BINANCE_API_KEY=KEY, BINANCE_API_SECRET=SECRET)
        try:
            daemon.wait_for("streams are up")
            yield World(daemon, url)
        finally:
            daemon.kill()


@pytest.fixture
def world(running: World, capsys: pytest.CaptureFixture[str]) -> World:
    running.capsys = capsys
    return running


def test_status_tells_of_the_orders_side(world: World) -> None:
    world.trade()
    orders = world.settled()
    assert (orders["connected"], orders["halted"]) == (True, "")
    assert orders["resting"] >= 2
    assert orders["resting"] == world.held()["orders"]
    assert (orders["journal"], orders["alarms"]) == ("", [])
    assert f"orders: account connected, {orders['resting']} open at the exchange, unguarded 0, 0 unknown, 0 alarms" in (
        world.done("status")
    )


def test_close_says_what_the_exchange_has_confirmed(world: World) -> None:
    trade = world.trade()
    base = trade["symbol"].removesuffix("USDT")
    said = world.done(f"close {trade['symbol']}")
    assert f"trade {trade['id']}, {trade['symbol']} LONG: " in said
    assert "(manual), net " in said
    assert "done, confirmed by the exchange\n" in said
    assert world.held()[base] < trade["quantity"] / 100, "what a fee has cut off a step at most is left"


def test_a_close_that_the_exchange_does_not_answer_is_said_with_its_reason(world: World) -> None:
    trade = world.trade()
    control(world.url, "fault", kind="timeout_before", probability=1, amount=1)
    code, said = world.types(f"close {trade['symbol']} --timeout 3")
    assert code == 1
    assert "still under way after 3 s: " in said
    assert f"{trade['symbol']}: " in said.split("still under way")[1]
    control(world.url, "fault", kind="timeout_before", probability=0)
    code, said = world.types("close-all --yes --timeout 20")
    assert (code, "closes already" in said or "confirmed by the exchange" in said) == (0, True), said
    end = time.monotonic() + 20
    while trade["id"] in [each["id"] for each in world.status["trades"]]:
        assert time.monotonic() < end, world.daemon.said()[-2000:]


def test_kill_leaves_nothing_at_the_exchange_and_lift_lets_entries_go_on(world: World) -> None:
    trade = world.trade()
    said = world.done("kill --yes")
    assert "done, confirmed by the exchange\n" in said
    assert world.held()["orders"] == 0
    assert world.held()[trade["symbol"].removesuffix("USDT")] < trade["quantity"] / 100
    assert (world.status["trades"], world.status["orders"]["resting"]) == ([], 0)
    assert "done, confirmed by the exchange\n" in world.done("lift --wait")
    assert "a person paused entries" in world.done("pause --wait")
    assert "accepted: entries resume" in world.done("resume")
    world.trade()
