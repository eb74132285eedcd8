"""The page, parsed: it is whole, loads nothing, shows what it should and escapes what it must."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.builders import walk
from tests.reports.conftest import WHEN, Written
from tests.reports.results import M5, M30, Market, a_run
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.reports.chosen import MAX_WINDOWS, chosen, spread
from trader.reports.digest import Digest
from trader.reports.drawing import MAX_POINTS, ONE_COIN_CANDLES, WINDOW_CANDLES
from trader.reports.page import page
from trader.reports.thin import thin, together

#: Attributes by which a page loads or sends something.
LOADING = {"src", "href", "data", "action", "srcset", "poster", "formaction", "background", "cite", "ping"}


class Parsed(HTMLParser):
    """What a browser would find: attributes that load, text outside scripts, the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.scripts: dict[str, str] = {}
        self.tags: list[str] = []
        self.policy = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [(tag, value) for name, value in attrs if name in LOADING]
        named = dict(attrs)
        self._inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self._inside = named.get("id") or f"script {len(self.scripts)}"
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def parsed(traded: Written) -> Parsed:
    return Parsed(traded.files.page.read_text())


@pytest.fixture(scope="module")
def data(parsed: Parsed) -> Any:
    return json.loads(parsed.scripts["data"])


def test_nothing_is_loaded_from_anywhere(parsed: Parsed) -> None:
    assert parsed.loads == []
    assert "link" not in parsed.tags
    assert "@import" not in parsed.scripts["style"]
    assert "url(" not in parsed.scripts["style"]
    assert parsed.policy.startswith("default-src 'none'")
    assert "http" not in parsed.policy


def test_plotly_is_inside_once_and_its_upload_button_is_off(parsed: Parsed) -> None:
    scripts = list(parsed.scripts.values())
    assert sum("plotly.js v" in script for script in scripts) == 1
    assert 'showSendToCloud: false, plotlyServerURL: ""' in scripts[-1]


def test_the_page_is_a_few_megabytes(traded: Written, untraded: Written) -> None:
    assert traded.files.page.stat().st_size < 7_500_000
    assert untraded.files.page.stat().st_size < 5_500_000


def test_names_and_notes_are_escaped(parsed: Parsed, traded: Written) -> None:
    assert "<b>drawdown</b>" in "".join(parsed.words)
    assert "b" not in parsed.tags
    evil = "</script><script>alert(1)</script>"
    trades = [msgspec.structs.replace(trade, pattern=evil, strategy=evil) for trade in traded.result.trades[:3]]
    result = msgspec.structs.replace(traded.result, trades=trades, notes=[evil])
    found = Parsed(page(Digest.of(result), traded.market.candles, WHEN))
    assert len(found.scripts) == len(parsed.scripts)
    assert json.loads(found.scripts["data"])["trades"][0]["title"].count(evil) == 1


def test_no_secret_is_on_the_page(traded: Written) -> None:
    assert "planted-secret" not in traded.files.page.read_text()


def test_the_main_figures_can_be_read_without_scripts(parsed: Parsed, traded: Written) -> None:
    words = " ".join(parsed.words)
    assert "Result after costs: -" in words
    for text in ("Sharpe", "Buy-and-hold", "low_probability", "MIN_PROBABILITY = 0.65", "trailing_stop", "2025-07"):
        assert text in words
    assert f"{len(traded.result.trades):,}" in words


def test_at_most_20_000_candles_are_drawn(data: Any) -> None:
    panes = [pane for trade in data["trades"] for pane in trade["panes"]]
    drawn = [len(each["candles"]["time"]) for each in (*data["coins"], *panes)]
    assert sum(drawn) <= 20_000
    assert max(drawn) <= ONE_COIN_CANDLES
    assert min(drawn) > 5


def test_the_equity_curve_keeps_its_ends_and_extremes(data: Any, traded: Written) -> None:
    curve, equity = traded.result.equity, data["equity"]["equity"]
    assert len(equity) <= MAX_POINTS
    assert equity[0] == traded.result.initial_capital
    assert equity[-1] == pytest.approx(traded.result.final_equity)
    assert min(equity) == pytest.approx(curve.equity.min())
    assert data["equity"]["time"][-1] == traded.result.end


def test_buy_and_hold_starts_at_the_capital_and_ends_at_its_return(data: Any, traded: Written) -> None:
    held = Digest.of(traded.result).values["buy_and_hold_return"]
    assert data["hold"]["equity"][0] == traded.result.initial_capital
    assert data["hold"]["equity"][-1] == pytest.approx(traded.result.initial_capital * (1 + (held or 0)))


def test_without_known_prices_there_is_no_buy_and_hold_curve(traded: Written) -> None:
    result = msgspec.structs.replace(traded.result, holds=[])
    found = json.loads(Parsed(page(Digest.of(result), traded.market.candles, WHEN)).scripts["data"])
    assert found["hold"] == {"time": [], "equity": []}


def test_each_window_shows_the_whole_trade_with_its_stop_path(data: Any, traded: Written) -> None:
    assert len(data["trades"]) == MAX_WINDOWS
    by_title = {trade["title"].split()[0]: trade for trade in data["trades"]}
    for trade in traded.result.trades:
        window = by_title.get(f"#{trade.id}")
        if window is None:
            continue
        assert sum(len(pane["candles"]["time"]) for pane in window["panes"]) <= WINDOW_CANDLES
        for pane in window["panes"]:
            assert pane["candles"]["time"][0] < trade.entry_time
            assert pane["candles"]["time"][-1] + pane["width"] >= min(trade.exit_time, traded.result.end)
        assert len(window["exits"]) == len(trade.parts)
        assert len(window["stops"]) == 1 + len(traded.result.stop_moves[trade.id])
        assert window["stops"][0] == [trade.entry_time, pytest.approx(trade.first_stop)]
        assert window["facts"][-1][0] == "net"


def test_a_short_trade_of_a_long_timeframe_is_shown_on_its_exit_candles_too(data: Any, traded: Written) -> None:
    by_id = {trade.id: trade for trade in traded.result.trades}
    shown = [(by_id[int(each["title"].split()[0][1:])], each["panes"]) for each in data["trades"]]
    for trade, panes in shown:
        short = trade.timeframe is M30 and trade.exit_time - trade.entry_time < 8 * M30.ms
        assert len(panes) == (2 if short else 1)
    assert {len(panes) for _, panes in shown} == {1, 2}
    assert all(panes[1]["width"] < panes[0]["width"] for _, panes in shown if len(panes) == 2)


def test_best_worst_and_longest_trades_have_a_window(traded: Written) -> None:
    trades = traded.result.trades
    why = {trade.id: reason for trade, reason in chosen(trades)}
    assert len(why) == MAX_WINDOWS
    assert why[max(trades, key=lambda trade: trade.net).id] == "best"
    assert why[min(trades, key=lambda trade: trade.net).id] == "worst"
    assert max(trades, key=lambda trade: trade.exit_time - trade.entry_time).id in why
    assert list(why.values()).count("at random") >= MAX_WINDOWS - 75
    assert chosen(trades) == chosen(list(reversed(trades)))


def test_a_trade_of_a_coin_without_a_stream_keeps_its_window(traded: Written) -> None:
    streams = [stream for stream in traded.result.streams if stream[0] == "BTCUSDT"]
    trades = [next(trade for trade in traded.result.trades if trade.symbol == "ETHUSDT")]
    result = msgspec.structs.replace(traded.result, streams=streams, trades=trades)
    found = json.loads(Parsed(page(Digest.of(result), traded.market.candles, WHEN)).scripts["data"])
    assert [coin["name"] for coin in found["coins"]] == ["BTCUSDT"]
    assert len(found["trades"]) == 1


def test_few_trades_all_have_a_window_without_a_reason(traded: Written) -> None:
    few = traded.result.trades[:7]
    assert [(trade.id, why) for trade, why in chosen(few)] == [(trade.id, "") for trade in few]


def test_many_trades_are_marked_evenly() -> None:
    few = [object() for _ in range(10)]
    assert spread(few, 5) == few[::2]  # type: ignore[arg-type]
    assert spread([], 5) == []


def test_a_run_without_trades_has_a_page_without_windows(untraded: Written) -> None:
    parsed = Parsed(untraded.files.page.read_text())
    assert json.loads(parsed.scripts["data"])["trades"] == []
    assert "No trade was closed." in " ".join(parsed.words)
    assert parsed.tags.count("select") == 1


def test_a_missing_history_leaves_words_instead_of_candles() -> None:
    result, _ = a_run(6, days=10)

    def nothing(symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        return CandleTable.empty(symbol, timeframe)

    found = json.loads(Parsed(page(Digest.of(result), nothing, WHEN)).scripts["data"])
    panes = [pane for trade in found["trades"] for pane in trade["panes"]]
    assert {pane["text"] for pane in panes} == {"no candles are stored for this time"}
    assert found["coins"][0]["candles"]["time"] == []


@pytest.mark.parametrize(("count", "limit"), [(10, 20), (100, 20), (1_000, 100), (7, 3), (5_000, 2)])
def test_thinning_keeps_both_ends_and_the_extremes(count: int, limit: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    rows = thin(values, limit)
    assert len(rows) <= max(limit, 4)
    assert rows[0] == 0
    assert rows[-1] == count - 1
    assert values[rows].max() == values.max()
    assert values[rows].min() == values.min()


def test_candles_drawn_together_keep_open_high_low_close() -> None:
    table = walk(1_000, timeframe=M5)
    count, fewer = together(table, 100)
    assert count == 12
    assert len(fewer) == 84
    assert fewer.open[0] == table.open[0]
    assert fewer.close[-1] == table.close[-1]
    assert fewer.high.max() == table.high.max()
    assert fewer.low[3] == table.low[36:48].min()
    assert math.fsum(fewer.volume) == pytest.approx(math.fsum(table.volume))
    assert (fewer.open_time % (12 * M5.ms) == 0).all()


def test_candles_that_fit_are_drawn_as_they_are() -> None:
    table = Market(1).base["BTCUSDT"]
    assert together(table, 288) == (1, table)
    assert together(CandleTable.empty("BTCUSDT", M5), 5)[0] == 1
