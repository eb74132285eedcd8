"""A short parity run; the long ones are a command of their own (`python -m tests.parity`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import parity
from tests.engine.live.venues import COINS, FIRST_MS, LOOSE, make_store
from trader.core.timeframe import HOUR_MS

END_MS = FIRST_MS + 10 * HOUR_MS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, END_MS)
    return root


def arguments(data: Path, *more: str) -> list[str]:
    span = ["--from", str(FIRST_MS), "--to", str(END_MS), "--timeout", "100"]
    pairs = [part for name, value in LOOSE.items() for part in ("--set", f"{name}={value}")]
    return ["--data", str(data), "--coins", ",".join(COINS), *span, *pairs, *more]


@pytest.mark.parametrize("faults", [(), ("--faults", "3")], ids=["without faults", "with faults"])
def test_daemon_and_backtest_give_the_same_trades(
    data: Path, faults: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = parity.main(arguments(data, *faults))
    said = capsys.readouterr().out
    assert code == 0, said
    assert said.rstrip().endswith("reconnects: equal")


def test_a_run_without_trades_shows_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main(arguments(data, "--set", "MIN_PROBABILITY=1")) == 1
    assert "nothing shown, no trade was made" in capsys.readouterr().out


def test_a_difference_is_printed_with_both_lines() -> None:
    found = list(parity._log_differences("a\nb\n", "a\nc\n"))
    assert found == ["trades_log.csv line 2\n  daemon:   b\n  backtest: c"]
