"""What a run says on the terminal."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from tests.reports.conftest import NOTES, Written
from tests.reports.results import M5
from trader.reports.terminal import plain_summary, terminal_summary


def test_the_first_lines_say_result_buy_and_hold_what_paused_and_where_the_files_are(traded: Written) -> None:
    lines = plain_summary(traded.result, traded.files, width=400).splitlines()
    assert lines[0].startswith("Result after costs: -")
    assert "Buy-and-hold of BTCUSDT, ETHUSDT: " in lines[0]
    assert lines[1:3] == [f"! {note}" for note in NOTES]
    assert str(traded.files.directory) in lines[6]
    for path in (traded.files.page, traded.files.workbook, traded.files.trades_log, traded.files.metrics):
        assert path.name in lines[6]


def test_the_funnel_leaves_out_rules_that_never_applied(traded: Written) -> None:
    text = plain_summary(traded.result, traded.files)
    assert "low_probability" in text
    assert "MIN_PROBABILITY = 0.65" in text
    assert "kill_switch" not in text


def test_each_coin_has_a_line(traded: Written) -> None:
    lines = plain_summary(traded.result, traded.files).splitlines()
    assert [line.split()[:2] for line in lines[-2:]] == [["BTCUSDT", "150"], ["ETHUSDT", "150"]]


def test_many_coins_are_cut_with_a_word(traded: Written) -> None:
    streams = [(f"COIN{at}USDT", M5) for at in range(30)]
    result = msgspec.structs.replace(traded.result, streams=streams)
    assert "more coins in the workbook" in plain_summary(result, traded.files)


def test_a_report_that_took_long_is_said_to_have(traded: Written) -> None:
    slow = msgspec.structs.replace(traded.files, elapsed_s=2.5)
    quick = msgspec.structs.replace(traded.files, elapsed_s=1.0)
    assert "The report took 2.5 s, 20% of the run's time." in plain_summary(traded.result, slow, width=400)
    assert "The report took" not in plain_summary(traded.result, quick, width=400)


def test_plain_text_has_no_colours_and_is_the_same_every_time(traded: Written) -> None:
    text = plain_summary(traded.result, traded.files)
    assert "\x1b" not in text
    assert text == plain_summary(traded.result, traded.files)


def test_a_terminal_gets_colours(traded: Written) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=120)
    console.print(terminal_summary(traded.result, traded.files))
    assert "\x1b[1m" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_run_without_trades_is_told_in_words(untraded: Written) -> None:
    text = plain_summary(untraded.result, untraded.files)
    assert "No trade was closed." in text
    assert "Result after costs: 0.00 %" in text
