"""The judge finds what it is there for, and blames nobody for less."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.chaos.judge import Judge, Verdict
from tests.chaos.notes import Asked, Happened, Note, Notebook, Struck, read_notes
from tests.chaos.outages import Span
from trader.core.instrument import Instrument
from trader.execution.client_ids import ClientId, Purpose

GRID = Instrument.from_filters("BTCUSDT", {"tickSize": "1", "stepSize": "0.1", "minQty": "0.1", "minNotional": "5"})


def name(purpose: Purpose, position: int = 1, attempt: int = 0) -> str:
    return ClientId("p1", position, purpose, 0, attempt).text


def report(at: int, client_id: str, number: int, kind: str, status: str, done: str = "0", **more: object) -> Happened:
    """Return an event of an order of 1 BTC; `done` is what was executed by it just now, and in all."""
    side = "SELL" if "-s" in client_id or "-t" in client_id or "-c" in client_id else "BUY"
    row = {
        **{"e": "executionReport", "s": "BTCUSDT", "c": client_id, "C": "", "S": side, "q": "1", "x": kind},
        **{"X": status, "i": number, "l": done, "z": done, "L": "100", "n": "0", "N": "USDT", "t": number},
    }
    return Happened(at, "spot", row | more)


def entered(at: int, number: int = 1, attempt: int = 0) -> Happened:
    return report(at, name(Purpose.ENTRY, attempt=attempt), number, "TRADE", "FILLED", "1")


def guarded(at: int, number: int = 2) -> Happened:
    return report(at, name(Purpose.STOP), number, "NEW", "NEW")


def stopped(at: int, number: int = 2) -> Happened:
    return report(at, name(Purpose.STOP), number, "TRADE", "FILLED", "1")


def judged(*notes: Note, dead: Sequence[Span] = (), shut: Sequence[Span] = (), end: int = 100_000) -> Verdict:
    return Judge({"BTCUSDT": GRID}, {"BTCUSDT": "BTC"}, dead, shut).read(notes, end)


def failed(at: int, until: int) -> Asked:
    return Asked(at, until, "POST", "/api/v3/orderList/oco", (name(Purpose.STOP),), 0, ("timeout_after",))


def test_a_position_that_is_guarded_in_time_is_no_violation() -> None:
    verdict = judged(entered(1_000), guarded(5_900), stopped(90_000))
    assert (verdict.violations, verdict.orders, verdict.longest_bare_ms) == ([], 2, 4_900)


def test_more_than_five_seconds_without_a_stop_are_one() -> None:
    (words,) = judged(entered(1_000), guarded(6_100)).violations
    assert "without a stop for 5100 ms" in words


def test_what_is_bare_at_the_end_is_judged_too() -> None:
    assert len(judged(entered(1_000)).violations) == 1


def test_one_fault_is_no_excuse_and_two_are_one() -> None:
    one = failed(1_100, 3_000)
    assert len(judged(entered(1_000), one, guarded(7_000)).violations) == 1
    assert judged(entered(1_000), one, failed(3_500, 4_000), guarded(7_000)).violations == []


def test_a_request_counts_from_its_beginning_though_it_is_noted_at_its_end() -> None:
    lost = [failed(1_100, 16_100), failed(3_200, 18_200)]
    assert judged(entered(1_000), guarded(9_000), *lost).violations == []


def test_outages_do_not_count() -> None:
    assert judged(entered(1_000), guarded(9_000), dead=[(2_000, 6_000)]).violations == []
    assert judged(entered(1_000), guarded(9_000), shut=[(2_000, 6_000)]).violations == []
    assert judged(entered(1_000), Struck(2_000, "418", 3.0), guarded(9_000)).violations == []


def test_a_lost_event_excuses_its_own_position_until_the_audit() -> None:
    lost = Struck(10_000, "event_lost", 0.0, name(Purpose.STOP))
    gone = report(10_000, name(Purpose.STOP), 2, "EXPIRED", "EXPIRED")
    assert judged(entered(1_000), guarded(2_000), gone, lost, end=80_000).violations == []
    assert len(judged(entered(1_000), guarded(2_000), gone, lost, end=90_000).violations) == 1


def test_two_orders_that_enter_one_position_are_found() -> None:
    verdict = judged(entered(1_000), guarded(1_100), entered(1_200, 5, attempt=1), guarded(1_300, 6))
    assert ["entered by 2 orders" in words for words in verdict.violations] == [True]


def test_more_sold_than_bought_is_found() -> None:
    verdict = judged(entered(1_000), guarded(1_100), stopped(1_200), stopped(1_300, 3))
    assert ["more was closed than was opened" in words for words in verdict.violations] == [True]


def test_a_strangers_order_may_be_cancelled_by_himself_alone() -> None:
    by_hand = report(1_000, "web_b", 9, "CANCELED", "CANCELED", C="web_a")
    by_us = report(1_000, "x7", 9, "CANCELED", "CANCELED", C="web_a")
    assert judged(by_hand).violations == []
    assert len(judged(by_us).violations) == 1
    assert len(judged(Asked(1, 2, "DELETE", "/api/v3/order", ("web_a",), 400)).violations) == 1
    assert len(judged(Asked(1, 2, "DELETE", "/api/v3/openOrders", (), 200)).violations) == 1


def test_what_a_stranger_sells_beyond_his_own_was_ours() -> None:
    sale = report(3_000, "web_a", 9, "TRADE", "FILLED", "1", S="SELL")
    ended = report(3_000, name(Purpose.STOP), 2, "CANCELED", "CANCELED", C=name(Purpose.STOP), c="web_b")
    verdict = judged(entered(1_000), guarded(1_100), ended, sale)
    assert verdict.violations == []
    assert verdict.taken["BTCUSDT"] == 1


def test_notes_are_read_as_they_were_written(tmp_path: Path) -> None:
    notes: list[Note] = [entered(1), failed(2, 3), Struck(4, "5xx", 502.0)]
    notebook = Notebook(tmp_path / "notes")
    for each in notes:
        notebook.note(each)
    notebook.close()
    with (tmp_path / "notes").open("a") as file:
        file.write('{"is":"event","at"')
    assert list(read_notes(tmp_path / "notes")) == notes
