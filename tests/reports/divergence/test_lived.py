"""Days of a real daemon on the embedded exchange: what differs is explained, and in lockstep nothing differs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import parity
from tests.engine.live.venues import COINS, FIRST_MS, LOOSE, Daemon, exchange, make_store
from tests.ml.models import registered
from tests.parity_orders import ENVIRONMENT, KEY, SECRET
from trader.cli.app import main
from trader.core.timeframe import HOUR_MS, MINUTE_MS

END_MS = FIRST_MS + 5 * HOUR_MS
DAY = "2026-01-05"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, END_MS)
    return root


def reported(home: Path, out: Path) -> dict[str, Any]:
    """Return the figures of the report that a person asks for."""
    assert (
        main(["report", "--divergence", DAY, "--out", str(out), "--set", f"DATA_DIR={home}", "--set", "LOG_FILE="]) == 0
    )
    found: dict[str, Any] = json.loads((out / "divergence.json").read_text())
    return found


def test_in_lockstep_every_trade_is_the_same(data: Path, tmp_path: Path) -> None:
    span = ["--from", str(FIRST_MS), "--to", str(END_MS), "--timeout", "100"]
    pairs = [part for name, value in LOOSE.items() for part in ("--set", f"{name}={value}")]
    kept = ["--orders", "--keep", str(tmp_path / "kept")]
    assert parity.main(["--data", str(data), "--coins", ",".join(COINS), *span, *pairs, *kept]) == 0
    found = reported(tmp_path / "kept" / "daemon-data", tmp_path / "out")
    assert len(found["rows"]) >= 4
    assert {each["cause"] for each in found["totals"]} <= {"rounding"}
    assert found["unexplained"] == 0


def test_a_day_on_which_a_model_was_promoted_is_explained_too(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(tmp_path / "models")
    span = ["--from", str(FIRST_MS), "--to", str(END_MS), "--timeout", "100", "--timeframes", "1min,5min"]
    given = {**LOOSE, "MIN_PROBABILITY": "0.2", "MIN_STRENGTH": "0.2", "STRATEGY": "classifier"}
    given["MODELS_DIR"] = str(tmp_path / "models")
    pairs = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    kept = ["--orders", "--promote", "patterns@v0002", "--keep", str(tmp_path / "kept")]
    code = parity.main(["--data", str(data), "--coins", ",".join(COINS), *span, *pairs, *kept])
    said = capsys.readouterr().out
    assert code == 0, said
    assert re.search(r"replay of the journal.*: equal\n", said)
    assert re.search(r"patterns@v0002 from 2026-01-05T02:\d\d:00 on: equal$", said.rstrip())
    found = reported(tmp_path / "kept" / "daemon-data", tmp_path / "out")
    assert len(found["rows"]) >= 3
    assert {each["cause"] for each in found["totals"]} <= {"rounding"}
    assert found["unexplained"] == 0


def test_without_lockstep_what_differs_is_explained(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    account = ("--key", KEY, "--secret", SECRET, "--balance", "USDT=10000,BNB=1000", "--bnb-fees")
    # Fast enough for a test, slow enough for the daemon: it must not be a whole candle behind.
    options = ("--to", str(FIRST_MS + 4 * HOUR_MS + 15 * MINUTE_MS), "--speed", "1200", "--hold", *account)
    with exchange(data, tmp_path / "ex.log", *options) as url:
        fees = {"TAKER_FEE.spot": "0.00075", "MAKER_FEE.spot": "0.0009"}
        daemon = Daemon(tmp_path, REST_URL=url, ORDERS="exchange", **fees)
        try:
            assert daemon.finish(90) == 0, daemon.said()
        finally:
            daemon.kill()
    found = reported(tmp_path / "data", tmp_path / "out")
    assert any(row["live"] for row in found["rows"])
    assert found["unexplained"] == 0
    assert "latency" in {each["cause"] for each in found["totals"]}
    assert abs(sum(each["own"] + each["followed"] for each in found["totals"]) - found["cost"]) < 1e-6
