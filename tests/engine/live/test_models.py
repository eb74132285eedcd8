"""The daemon asks the model that is current, and takes up what is promoted, at one instant and without missing any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.engine.live.rigs import BEGIN, Listener, backtest, counted, daemon, opened, tables_of, traded, two_coins
from tests.engine.live.test_restart import run_until, saved
from tests.ml.models import registered
from tests.ml.stored import change
from trader.core.timeframe import MINUTE_MS
from trader.ml.registry.store import Registry
from trader.trading.notes import ModelChanged, Note, TradeOpened

END = BEGIN + 290 * MINUTE_MS
#: A minute of the play lasts 15 ms. While a promotion is under way it lasts a quarter of a second: the registry is
#: looked at once a second.
SPEED, SLOW = 4_000.0, 240.0


def classifier(folder: Path, **overrides: Any) -> dict[str, Any]:
    return {"STRATEGY": "classifier", "MODELS_DIR": str(folder), **overrides}


class Promoter(Listener):
    """Promotes another version once a trade was opened; `pace` sets the speed of the play meanwhile."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry
        self.pace: Callable[[float], None] = lambda speed: None

    def note(self, note: Note) -> None:
        super().note(note)
        if isinstance(note, TradeOpened) and self._registry.current("patterns") == "v0001":
            self.pace(SLOW)
            self._registry.promote("patterns", "v0002", at=2)
        elif isinstance(note, ModelChanged) and note.before:
            self.pace(SPEED)


def changes(audience: Listener) -> list[tuple[str, str]]:
    return [(note.before, note.model) for note in audience.of(ModelChanged)]


async def test_a_promotion_in_the_middle_is_taken_up_and_a_backtest_with_it_is_equal(tmp_path: Path) -> None:
    models, source = tmp_path / "models", two_coins()
    audience = Promoter(registered(models))
    given = {"end": END, "speed": SPEED, "audience": audience}
    async with daemon(tmp_path / "live", source, **given, **classifier(models)) as rig:
        audience.pace = rig.exchange.play.clock.set_speed
        await rig.to_the_end()
        lived, model = (traded(audience), counted(rig)), rig.trader.book.model
    assert changes(audience) == [("", "patterns@v0001"), ("patterns@v0001", "patterns@v0002")]
    assert model == "patterns@v0002"
    times = [note.time for note in audience.of(ModelChanged)]
    assert times[0] == BEGIN + MINUTE_MS < times[1] < END
    decided = [note.trade.signal_time for note in audience.of(TradeOpened)]
    assert min(decided) < times[1] <= max(decided)
    told = {utc_text(note.time): note.model for note in audience.of(ModelChanged)}
    past = {"DATA_SOURCE": "backtest", "MODEL_SCHEDULE": told}
    assert lived == backtest(tmp_path / "past", tables_of(source), END, **classifier(models, **past))
    alone = {"DATA_SOURCE": "backtest", "MODEL": "patterns@v0001"}
    assert lived != backtest(tmp_path / "alone", tables_of(source), END, **classifier(models, **alone))


def utc_text(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).replace(tzinfo=None).isoformat()


async def test_a_version_of_its_own_is_kept_whatever_is_promoted(tmp_path: Path) -> None:
    models = tmp_path / "models"
    audience = Promoter(registered(models))
    given = {"end": END, "speed": SPEED, "audience": audience}
    async with daemon(tmp_path / "live", **given, **classifier(models, MODEL="patterns@v0001")) as rig:
        await rig.to_the_end()
    assert opened(audience) > 0
    assert changes(audience) == [("", "patterns@v0001")]


async def test_without_a_model_the_rest_runs_on_and_what_is_promoted_later_is_asked(tmp_path: Path) -> None:
    models, audience = tmp_path / "models", Listener()
    given = {"end": END, "speed": SPEED, "audience": audience}
    async with daemon(tmp_path / "live", **given, **classifier(models)) as rig:
        assert "no version of model patterns" in rig.trader.warnings()[0]
        registered(models)
        await rig.to_the_end()
        assert rig.trader.warnings() == []
    begun = [note.time for note in audience.of(ModelChanged)]
    assert len(begun) == 1
    assert begun[0] > BEGIN + MINUTE_MS
    entries = [note.trade.signal_time for note in audience.of(TradeOpened)]
    assert entries
    assert min(entries) >= begun[0]


async def test_a_model_that_cannot_be_used_after_a_restart_is_told_to_be_asked_no_more(tmp_path: Path) -> None:
    models, source, audience = tmp_path / "models", two_coins(), Listener()
    registered(models)
    async with daemon(tmp_path / "live", source, end=END, speed=12_000.0, **classifier(models)) as rig:
        await run_until(rig, BEGIN + 40 * MINUTE_MS)
    snapshot = saved(tmp_path / "live")
    assert snapshot.book.model == "patterns@v0001"
    change(models / "patterns" / "v0001" / "recogniser.json")
    given = {"end": END, "at": snapshot.at, "audience": audience, "snapshot": snapshot}
    async with daemon(tmp_path / "live", source, **given, **classifier(models)) as rig:
        await rig.to_the_end()
    assert changes(audience) == [("patterns@v0001", "")]
    assert opened(audience) == 0


async def test_a_promoted_version_that_cannot_be_used_leaves_the_one_before_in_force(tmp_path: Path) -> None:
    models, audience = tmp_path / "models", Listener()
    registry = registered(models)
    async with daemon(tmp_path / "live", end=END, speed=SPEED, audience=audience, **classifier(models)) as rig:
        registry.promote("patterns", "v0002", at=2)
        change(models / "patterns" / "v0002" / "recogniser.json")
        await rig.trader.models.watch.look()
        assert "recogniser.json was changed" in rig.trader.warnings()[0]
        registry.rollback("patterns")
        await rig.trader.models.watch.look()
        assert rig.trader.warnings() == []
        await rig.to_the_end()
    assert changes(audience) == [("", "patterns@v0001")]
    assert opened(audience) > 0
