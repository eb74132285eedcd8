"""What has to be said of a run whose model has seen some of it."""

from __future__ import annotations

from collections.abc import Iterator

from trader.core.settings import Settings
from trader.core.timeframe import utc
from trader.engine.prepare import Span
from trader.ml.registry.metadata import Metadata
from trader.strategy.registry import STRATEGIES, planned_models, stored_model

#: What a model has learned from, in one way or another.
LEARNED = ("train", "calibrate")
_EVER = 1 << 62


def model_notes(settings: Settings, span: Span) -> list[str]:
    """Say which models are asked about time that they have learned from: such a result is no evidence."""
    if settings.STRATEGY in STRATEGIES:
        return []
    planned = planned_models(settings)
    ends = [time for time, _ in planned[1:]] + [_EVER]
    asked = (
        (stored_model(settings, model).metadata, max(start, span.start), min(end, span.end))
        for (start, model), end in zip(planned, ends, strict=True)
    )
    return [note for metadata, start, end in asked for note in _seen(metadata, start, end)]


def _seen(metadata: Metadata, start: int, end: int) -> Iterator[str]:
    learned = [each for each in metadata.description.spans if each.use in LEARNED]
    seen = [(max(each.start, start), min(each.end, end)) for each in learned]
    inside = [each for each in seen if each[0] < each[1]]
    if inside:
        first, last = utc(min(each[0] for each in inside))[:16], utc(max(each[1] for each in inside))[:16]
        yield (
            f"{metadata.name}@{metadata.version} has learned from {first} to {last}: it knows what comes there, and "
            "this result is no evidence; its report is, and any time behind that"
        )
