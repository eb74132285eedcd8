"""Leverage brackets: read in the exchange's own form, checked, kept, given to instruments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import settings
from trader.core.brackets import LeverageBracket
from trader.core.errors import DataError
from trader.market.brackets import brackets_of
from trader.market.importing.run import import_paths
from trader.market.instruments import instruments
from trader.market.store import Store

#: Leverage, cap and maintenance rate of each bracket, the smallest first; floors and `cum` follow.
TERMS = ((50, 10_000, 0.01), (20, 100_000, 0.025), (5, 1_000_000, 0.1))


def entry(symbol: str = "BTCUSDT", terms: Any = TERMS) -> dict[str, Any]:
    """Return one coin as the endpoint answers it."""
    rows, floor, rate, kept = [], 0, 0.0, 0.0
    for number, (leverage, cap, own) in enumerate(terms, 1):
        kept += floor * (own - rate)
        row = {"bracket": number, "initialLeverage": leverage, "notionalCap": cap, "notionalFloor": floor}
        rows.append(row | {"maintMarginRatio": own, "cum": round(kept, 6)})
        floor, rate = cap, own
    return {"symbol": symbol, "brackets": rows}


def changed(number: int, **fields: Any) -> dict[str, Any]:
    """Return a coin of which one bracket has other values; None is none."""
    found = entry()
    row = found["brackets"][number] | fields
    found["brackets"][number] = {name: value for name, value in row.items() if value is not None}
    return found


def test_brackets_are_read_in_the_exchanges_form_smallest_first() -> None:
    answer = entry()
    answer["brackets"].reverse()
    answer["notionalCoef"] = 1.5
    assert brackets_of(answer, "here") == (
        LeverageBracket(0.0, 10_000.0, 50.0, 0.01, 0.0),
        LeverageBracket(10_000.0, 100_000.0, 20.0, 0.025, 150.0),
        LeverageBracket(100_000.0, 1_000_000.0, 5.0, 0.1, 7_650.0),
    )


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (changed(0, notionalFloor=5), "BTCUSDT: the first bracket begins at 5; allowed: 0"),
        (
            changed(1, notionalFloor=20_000),
            "one bracket ends at 10000 and the next begins at 20000; allowed: without gap",
        ),
        (changed(1, notionalFloor=5_000, cum=0), "one bracket ends at 10000 and the next begins at 5000"),
        (
            changed(1, notionalCap=10_000),
            "bracket 2: notionalCap 10000 is impossible; allowed: a number above notional",
        ),
        (changed(1, initialLeverage=0), "bracket 2: initialLeverage 0 is impossible; allowed: a number of at least 1"),
        (changed(1, initialLeverage="x"), "bracket 2: initialLeverage 'x' is impossible"),
        (changed(1, initialLeverage=None), "bracket 2: initialLeverage is missing; allowed: a number of at least 1"),
        (
            changed(1, initialLeverage=60, maintMarginRatio=0.015),
            "leverage rises from 50 to 60 above 10000; allowed: the",
        ),
        (
            changed(1, maintMarginRatio=0.05),
            "maintMarginRatio 0.05 is impossible; allowed: a fraction below 1 / initial",
        ),
        (changed(1, maintMarginRatio=0.005, cum=0), "maintMarginRatio falls from 0.01 to 0.005 above 10000"),
        (changed(1, maintMarginRatio=float("nan")), "maintMarginRatio nan is impossible"),
        (changed(1, cum=300), "bracket 2: cum 300 is impossible; allowed: a number from 0 to notionalFloor ×"),
        (changed(1, cum=-1), "bracket 2: cum -1 is impossible"),
        ({"symbol": "BTCUSDT", "brackets": []}, "BTCUSDT: it has no brackets"),
        ({"symbol": "BTCUSDT", "brackets": [7]}, "7 is no bracket; allowed: a table with notionalFloor, notionalCap"),
    ],
)
def test_impossible_brackets_are_named(broken: dict[str, Any], fault: str) -> None:
    with pytest.raises(DataError) as caught:
        brackets_of(broken, "here")
    assert str(caught.value).startswith("here, BTCUSDT")
    assert fault in str(caught.value)


def saved(folder: Path, answer: Any, name: str = "brackets.json") -> Path:
    """Write an answer to a file."""
    path = folder / name
    path.write_text(json.dumps(answer))
    return path


def test_an_import_tells_them_by_their_contents_and_keeps_them_as_they_came(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    report = import_paths(store, [saved(tmp_path, [entry(), entry("ETHUSDT")], "what.json")])
    assert not report.failed
    assert list(report.lines()) == ["futures leverage brackets from what.json: 2 symbols"]
    assert json.loads((tmp_path / "data" / "futures" / "leverageBracket.json").read_text()) == [
        entry(),
        entry("ETHUSDT"),
    ]


def test_one_coin_alone_replaces_its_own_and_leaves_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    import_paths(store, [saved(tmp_path, [entry(), entry("ETHUSDT")])])
    import_paths(store, [saved(tmp_path, entry("ETHUSDT", TERMS[:1]))])
    kept = store.leverage_brackets("futures")
    assert {symbol: len(each["brackets"]) for symbol, each in kept.items()} == {"BTCUSDT": 3, "ETHUSDT": 1}


def test_broken_ones_leave_the_store_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    report = import_paths(store, [saved(tmp_path, [entry("ETHUSDT"), changed(1, cum=-1)])])
    assert report.failed
    assert "brackets.json, BTCUSDT, bracket 2: cum -1 is impossible" in "\n".join(report.lines())
    assert store.leverage_brackets("futures") == {}


def test_the_stores_own_file_is_not_imported_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_leverage_brackets("futures", {"BTCUSDT": entry()})
    assert import_paths(store, [tmp_path]).exchange_info == []


def test_futures_have_them_on_their_instruments_spot_has_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_leverage_brackets("futures", {"BTCUSDT": entry()})
    for market, count in (("futures", 3), ("spot", 0)):
        found, _ = instruments(store, settings(MARKET=market), ["BTCUSDT", "ETHUSDT"])
        assert [len(found[symbol].brackets) for symbol in found] == [count, 0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "is broken"),
        ("{}", 'no leverage brackets; allowed: a list of {"symbol": …, "brackets": […]}'),
        (json.dumps([entry(), entry()]), "symbol 'BTCUSDT' is impossible; allowed: each coin's name, once"),
    ],
)
def test_a_file_put_there_by_hand_is_checked(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "futures" / "leverageBracket.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(DataError, match=r"leverageBracket\.json") as caught:
        instruments(Store(tmp_path), settings(MARKET="futures"), ["BTCUSDT"])
    assert fault in str(caught.value)
