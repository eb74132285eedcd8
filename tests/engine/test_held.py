"""A model is asked about every candle of a stream with an open trade, by daemon and backtest alike."""

from __future__ import annotations

from pathlib import Path

from tests.builders import settings
from tests.engine.runs import daemon_run, generated, stored
from tests.ml.models import registered
from trader.engine.backtest import run_backtest
from trader.trading.notes import Note, Refused


class Held:
    """Keeps what was said of open trades alone."""

    def __init__(self) -> None:
        self.rules: list[str] = []

    def note(self, note: Note) -> None:
        if isinstance(note, Refused) and note.reading.signal is not None and note.reading.signal.held_only:
            self.rules.append(note.refusal.rule)


def test_candles_that_show_no_candidate_are_asked_about_while_a_trade_is_open(tmp_path: Path) -> None:
    registered(tmp_path / "models")
    frames = {"TIMEFRAMES": ["1min", "5min"], "MIN_PROBABILITY": 0.0, "MIN_STRENGTH": 0.0, "MIN_ATR_PCT": 0.0}
    chosen = settings(STRATEGY="classifier", MODELS_DIR=str(tmp_path / "models"), PRELOAD_CANDLES=300, **frames)
    store = stored(tmp_path / "candles", generated())
    start, end = 1_735_689_600_000 + 86_400_000, 1_735_689_600_000 + 2 * 86_400_000
    held = Held()
    past, lived = run_backtest(chosen, store, start, end, listeners=[held]), daemon_run(chosen, store, start, end)
    assert "already_open" in held.rules
    assert "opened" not in held.rules
    assert past.trades == lived.trades
    assert past.funnel == lived.funnel
