"""The last gate: the daemon itself asks what the key may do, and wants to see a person's word."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from tests.engine.live.rigs import EAGER, Listener
from tests.engine.safety.rooms import Room, live_settings, room
from tests.exchange.embedded.traders import KEY
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.live.homes import home_of
from trader.engine.live.session import run_session
from trader.engine.live.venue import venue_endpoints
from trader.engine.safety.confirmation import Confirmation, terms_of
from trader.exchange.embedded.accounts.account import Right

NOWHERE = ("http://127.0.0.1:1", "ws://127.0.0.1:1")
SHORT = {**EAGER, "TIMEFRAMES": ["1s"], "PRELOAD_CANDLES": 60}


def confirm(given: Settings) -> Confirmation:
    confirmation = Confirmation(home_of(given))
    confirmation.write(terms_of(given, venue_endpoints(given)))
    return confirmation


async def faults_of_run(at: Room, home: Path, confirmed: bool = True, **overrides: Any) -> tuple[str, ...]:
    """Start a daemon and return what it says against it; nothing at the exchange has changed by then."""
    given = at.settings(home, **SHORT, **overrides)
    if confirmed:
        confirm(given)
    before = at.ledger()
    with pytest.raises(ConfigError) as caught:
        await run_session(given, lambda folder, rows: Listener())
    assert at.ledger() == before
    assert {line.split()[0] for line in at.asked} <= {"GET"}
    return tuple(caught.value.faults)


async def test_a_daemon_without_a_persons_word_does_not_begin(tmp_path: Path) -> None:
    async with room() as at:
        (fault,) = await faults_of_run(at, tmp_path, confirmed=False)
        assert "MODE = live is not confirmed (nothing was confirmed here before)" in fault
        assert "--yes gives it" in fault


async def test_a_key_that_can_withdraw_stops_the_daemon_whatever_was_confirmed(tmp_path: Path) -> None:
    async with room(frozenset(Right)) as at:
        (fault,) = await faults_of_run(at, tmp_path)
        assert "it can withdraw" in fault


async def test_all_that_speaks_against_it_is_said_at_once(tmp_path: Path) -> None:
    async with room(frozenset({Right.READ, Right.WITHDRAW})) as at:
        faults = await faults_of_run(at, tmp_path, confirmed=False)
        said = " ".join(faults)
        assert [word for word in ("may not trade", "can withdraw", "not confirmed") if word not in said] == []


async def test_settings_alone_stop_it_before_anything_is_asked(tmp_path: Path) -> None:
    async with room() as at:
        assert len(await faults_of_run(at, tmp_path, LIVE_TRADING="no", MAX_CAPITAL=None)) == 2
        assert at.asked == []


async def test_an_account_without_money_is_refused(tmp_path: Path) -> None:
    async with room(balances="BTC=1") as at:
        (fault,) = await faults_of_run(at, tmp_path)
        assert "the account has no USDT to trade with" in fault


# --- a person's word ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"MAX_CAPITAL": 900}, ["max_capital was 500.0 and is 900.0"]),
        ({"COINS": ["BTCUSDT"]}, ["coins was ('BTCUSDT', 'ETHUSDT') and is ('BTCUSDT',)"]),
        ({"RISK_PER_TRADE": 0.01}, ["risk_per_trade was 0.02 and is 0.01"]),
        ({"BINANCE_API_KEY": "another-key-of-tests"}, ["it is another key"]),
        ({"MIN_PROBABILITY": 0.9}, []),
    ],
)
def test_other_terms_are_confirmed_anew(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    given = live_settings(tmp_path, *NOWHERE)
    other = live_settings(tmp_path, *NOWHERE, **changes)
    confirmation = confirm(given)
    assert confirmation.changed(terms_of(other, venue_endpoints(other))) == words
    assert KEY not in confirmation.path.read_text()
    assert stat.S_IMODE(confirmation.path.stat().st_mode) == 0o600


def test_a_record_that_cannot_be_read_confirms_nothing(tmp_path: Path) -> None:
    given = live_settings(tmp_path, *NOWHERE)
    confirmation = confirm(given)
    confirmation.path.write_bytes(b"\xff{}")
    assert len(confirmation.changed(terms_of(given, venue_endpoints(given)))) == 1
