"""A short parity run; the long ones are a command of their own (`python -m tests.parity`)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests import parity, parity_models
from tests.engine.live.venues import COINS, FIRST_MS, HISTORY_MS, LOOSE, make_store
from tests.ml.models import registered
from tests.parity_orders import differences
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.market.store import Store
from trader.market.synthetic import SyntheticMarket
from trader.ml.registry.store import Registry

END_MS = FIRST_MS + 10 * HOUR_MS
#: Thresholds so low that hedges open and close within some hours.
HEDGED = {
    "HEDGING.hedge_threshold": "0.01",
    "HEDGING.hedge_recovery_threshold": "0.005",
    "HEDGING.coin_overrides.BTCUSDT.hedge_threshold": "0.01",
    "HEDGING.coin_overrides.ETHUSDT.hedge_threshold": "0.012",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, END_MS)
    return root


@pytest.fixture(scope="module")
def futures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("futures")
    store, market = Store(root), SyntheticMarket(7, COINS, FIRST_MS)
    for coin in COINS:
        store.merge("futures", market.candles(coin, Timeframe.MIN_1, FIRST_MS - HISTORY_MS, END_MS))
        store.merge_funding("futures", coin, [(FIRST_MS + 8 * HOUR_MS, 0.0001)])
    store.save_exchange_info("futures", market.exchange_info("futures"))
    return root


def arguments(data: Path, *more: str) -> list[str]:
    span = ["--from", str(FIRST_MS), "--to", str(END_MS), "--timeout", "100"]
    pairs = [part for name, value in LOOSE.items() for part in ("--set", f"{name}={value}")]
    return ["--data", str(data), "--coins", ",".join(COINS), *span, *pairs, *more]


def test_daemon_and_backtest_give_the_same_trades_whatever_fails(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = parity.main(arguments(data, "--faults", "3"))
    said = capsys.readouterr().out
    assert code == 0, said
    assert said.rstrip().endswith("reconnects: equal")


def test_hedges_open_and_close_alike_in_both(futures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [part for name, value in HEDGED.items() for part in ("--set", f"{name}={value}")]
    code = parity.main(arguments(futures, "--preset", "pattern_futures", *pairs, "--faults", "3"))
    said = capsys.readouterr().out
    assert code == 0, said
    *_, hedges, _, last = said.rstrip().splitlines()
    opened, closed = (int(word) for word in hedges.split() if word.isdigit())
    assert min(opened, closed) >= 3
    assert last.endswith("reconnects: equal")


def test_a_model_that_is_promoted_meanwhile_is_asked_from_one_instant_on_by_both(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(tmp_path / "models")
    given = {"STRATEGY": "classifier", "MODELS_DIR": tmp_path / "models", "MIN_PROBABILITY": 0.2, "MIN_STRENGTH": 0.2}
    pairs = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    more = ["--timeframes", "1min,5min", "--promote", "patterns@v0002", "--keep", str(tmp_path / "kept")]
    code = parity.main(arguments(data, *pairs, *more, "--faults", "3"))
    said = capsys.readouterr().out
    assert code == 0, said
    assert re.search(r"patterns@v0002 from 2026-01-05T05:\d\d:00 on: equal$", said.rstrip())
    assert Registry(tmp_path / "models").current("patterns") == "v0001"
    (first, model), _ = parity_models.changes(tmp_path / "kept" / "daemon.log")
    assert (first, model) == ("2026-01-05T00:01:00", "patterns@v0001")


def test_with_a_promotion_trades_on_both_sides_of_it_are_wanted() -> None:
    asked = [("2026-01-05T00:01:00", "patterns@v0001"), ("2026-01-05T05:00:00", "patterns@v0002")]

    def lacking(changes: list[tuple[str, str]], *hours: float) -> list[str]:
        times = (str(FIRST_MS + int(hour * HOUR_MS)) for hour in hours)
        return list(parity_models.lacking(changes, "patterns@v0002", "\n".join(["signal_time", *times])))

    assert lacking(asked, 4.9, 5) == []
    assert lacking(asked[:1], 1, 6) == ["patterns@v0002 was never asked"]
    assert lacking(asked, 5, 6) == ["no trade was decided before patterns@v0002"]
    assert lacking(asked, 1, 4) == ["no trade was decided by patterns@v0002"]


def test_a_version_that_is_not_there_cannot_be_promoted(data: Path, tmp_path: Path) -> None:
    registered(tmp_path / "models")
    given = ["--set", f"MODELS_DIR={tmp_path / 'models'}", "--keep", str(tmp_path / "kept")]
    with pytest.raises(SystemExit, match=r"--promote patterns@v0007: .* holds v0001, v0002"):
        parity.main(arguments(data, *given, "--promote", "patterns@v0007"))


def test_real_orders_on_spot_fill_as_the_backtest_has_them(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = parity.main(arguments(data, "--orders"))
    said = capsys.readouterr().out
    assert code == 0, said
    assert int(said.rstrip().splitlines()[-1].split()[2]) >= 5


def test_real_orders_on_futures_with_hedges_and_funding_fill_alike(
    futures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [part for name, value in HEDGED.items() for part in ("--set", f"{name}={value}")]
    code = parity.main(
        arguments(futures, "--preset", "pattern_futures", *pairs, "--orders", "--keep", str(tmp_path / "kept"))
    )
    said = capsys.readouterr().out
    assert code == 0, said
    *_, hedges, _, last = said.rstrip().splitlines()
    opened, closed = (int(word) for word in hedges.split() if word.isdigit())
    assert min(opened, closed) >= 3
    assert last.endswith("reconnects: equal")
    with (tmp_path / "kept" / "daemon" / "trades_log.csv").open() as log:
        assert [float(row["funding"]) for row in csv.DictReader(log) if float(row["funding"])]


def test_a_run_without_trades_shows_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main(arguments(data, "--set", "MIN_PROBABILITY=1", "--to", str(FIRST_MS + HOUR_MS))) == 1
    assert "nothing shown, no trade was made" in capsys.readouterr().out


def test_with_orders_money_may_differ_by_what_the_wire_cuts_off_and_prices_by_nothing() -> None:
    head = "trade_id,signal_time,symbol,timeframe,strategy,direction,exit_time,exit_reason,exit_price,quantity,"
    head += "part_quantity,fees,funding,net_pnl,equity_after"
    row = "1,5,BTCUSDT,1min,geometry,LONG,9,stop_loss,{},10.0,10.0,{},0.0,-3.0,{}"
    past = f"{head}\n{row.format(100.5, 0.25, 9990.0)}\n"

    def found(*values: float) -> list[str]:
        return list(differences(f"{head}\n{row.format(*values)}\n", past))

    assert found(100.5, 0.2500001, 9990.000001) == []
    assert [each.split(", ")[1].split(":")[0] for each in found(100.51, 0.26, 9990.1)] == [
        "exit_price",
        "fees",
        "equity_after",
    ]


def test_a_difference_is_printed_with_both_lines() -> None:
    found = list(parity._log_differences("a\nb\n", "a\nc\n"))
    assert found == ["trades_log.csv line 2\n  daemon:   b\n  backtest: c"]
