"""What is drawn in the report of a model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from trader.engine.train.proof.facts import Chance, Curves, Group, Weight
from trader.ml.calibration import Reliability
from trader.ml.scores import Part
from trader.reports.model.canvas import Canvas, around, finite, percent, rounded, ticks, words_alone

#: Inputs that are drawn, bars of a histogram, and marks below an axis at most.
MOST_INPUTS, BARS, MOST_MARKS = 15, 40, 9


def reliability(curves: Sequence[tuple[str, str, Reliability]]) -> str:
    """Draw how often came true what was said to be how probable; each curve is (kind, words, what it says)."""
    canvas = Canvas("Reliability: observed share by predicted probability", (0.0, 1.0), (0.0, 1.0))
    canvas.grid("came true")
    canvas.scale("said probability")
    canvas.line([(0.0, 0.0), (1.0, 1.0)], "zero")
    for kind, _, found in curves:
        points = list(zip(found.probability, found.came_true, found.rows, strict=True))
        known = [point for point in points if point[2]]
        canvas.line([(said, true) for said, true, _ in known], kind)
        most = max((rows for *_, rows in known), default=1)
        texts = [f"{rows:,} rows: said {said:.3f}, came true {true:.3f}" for said, true, rows in known]
        canvas.dots([(said, true, 2.5 + 4 * (rows / most) ** 0.5) for said, true, rows in known], kind, texts)
    return canvas.drawn([(kind, words) for kind, words, _ in curves])


def lift(parts: Sequence[Part], about: str, label: str, kind: str = "one") -> str:
    """Draw the mean outcome of each part by score, the highest score first; the line is that of all."""
    rows = sum(part.rows for part in parts)
    if not rows:
        return words_alone(f"{about}: nothing to draw.")
    mean = sum(part.rows * part.rate for part in parts if part.rows) / rows
    low, high = around([0.0, mean, *(part.rate for part in parts)])
    canvas = Canvas(about, (0.4, len(parts) + 0.6), (min(low, 0.0) if low < -1e-6 else 0.0, high))
    canvas.grid(label, percent)
    for number, part in enumerate(parts, 1):
        text = f"{part.rows:,} rows with {part.lowest:.4g} or more: {percent(round(part.rate, 6))}"
        canvas.bar(number - 0.38, number + 0.38, part.rate, kind if part.rate >= 0 else "bad", text)
    canvas.level(mean, "mark")
    canvas.scale("tenths of the rows, highest first", [(number, str(number)) for number in range(1, len(parts) + 1)])
    return canvas.drawn([(kind, about), ("mark", f"all rows: {rounded(mean)}")])


def importance(weights: Sequence[Weight], about: str) -> str:
    """Draw the inputs that count most, by what is lost without them and by their share of the gain, as bars."""
    top = [each for each in weights if each.loss > 0 or each.gain > 0][:MOST_INPUTS]
    if not top:
        return words_alone("No input counts: the trees have no splits.")
    height = 60 + 22 * len(top)
    most = max([*finite(each.loss for each in top), 1e-9])
    canvas = Canvas(about, (0.0, 1.0), (0.0, float(len(top))), height, left=205)
    for number, each in enumerate(top):
        at = len(top) - number - 0.5
        canvas.text((199.0, canvas.up(at) + 4), each.name, "end")
        _lying(canvas, at + 0.19, each.loss / most, "one", f"{each.loss:.5f} ± {each.deviation:.5f} log loss")
        _lying(canvas, at - 0.19, each.gain, "two", f"{100 * each.gain:.2f} % of the gain")
    canvas.scale("share of the gain, and loss as a share of the largest")
    return canvas.drawn([("one", f"loss when shuffled (largest {most:.4f})"), ("two", "gain in the trees")])


def _lying(canvas: Canvas, at: float, value: float, kind: str, text: str) -> None:
    canvas.bar(0.0, min(max(value, 0.0), 1.0), at + 0.17, kind, text, at - 0.17)


def equity(curves: Curves) -> str:
    """Draw the pools beside holding, in percent of the start."""
    names = ("buy and hold", "geometry", "model")
    lines = list(zip(("hold", "two", "one"), names, (curves.hold, curves.geometry, curves.model), strict=True))
    values = [value - 1 for _, _, line in lines for value in line]
    start, end = float(curves.time[0]), float(curves.time[-1])
    canvas = Canvas("Equity out of sample", (start, max(end, start + 1)), around([0.0, *values], 1e-3))
    canvas.grid("return", percent)
    canvas.level(0.0, "zero")
    for kind, _, line in lines:
        canvas.line([(float(time), value - 1) for time, value in zip(curves.time, line, strict=True)], kind)
    canvas.scale("UTC", _days(start, end))
    return canvas.drawn([(kind, words) for kind, words, _ in reversed(lines)])


def _days(start: float, end: float) -> list[tuple[float, str]]:
    places = [start + (end - start) * part / 4 for part in range(1, 4)]
    return [(place, f"{datetime.fromtimestamp(place / 1000, UTC):%Y-%m-%d}") for place in places]


def draws(chance: Chance, net: float) -> str:
    """Draw what random entries brought, and where the model stands among them."""
    known = finite(chance.means)
    if len(known) < 2 or known[0] == known[-1]:
        return words_alone("There are no random entries to draw.")
    counts, edges = np.histogram(known, BARS)
    span = around([0.0, *finite([net]), known[0], known[-1]])
    canvas = Canvas("Mean net return of random entries", span, (0.0, 1.1 * float(counts.max())))
    canvas.grid("draws")
    for (left, right), count in zip(pairwise(edges.tolist()), counts.tolist(), strict=True):
        canvas.bar(left, right, count, "two", f"{count} draws from {percent(round(left, 6))}")
    canvas.upright(0.0, "zero")
    if np.isfinite(net):
        canvas.upright(net, "mark")
    canvas.scale("mean net return of a trade", [(value, percent(value)) for value in ticks(*span)])
    return canvas.drawn([("two", f"{chance.draws:,} draws"), ("mark", f"the model: {rounded(net)}")])


def nets(groups: Sequence[Group], about: str) -> str:
    """Draw the mean net return of each group, with two standard errors."""
    shown = [group for group in groups if group.signals.entries]
    if not shown:
        return words_alone(f"{about}: no entries.")
    errors = [group.signals.error if np.isfinite(group.signals.error) else 0.0 for group in shown]
    reach = [(group.signals.net, 2 * error) for group, error in zip(shown, errors, strict=True)]
    ends = [net + sign * error for net, error in reach for sign in (-1, 1)]
    canvas = Canvas(about, (0.4, len(shown) + 0.6), around([0.0, *ends]))
    canvas.grid("mean net of a trade", percent)
    for number, (group, error) in enumerate(zip(shown, errors, strict=True), 1):
        signals = group.signals
        text = f"{group.name}: {percent(round(signals.net, 6))} over {signals.entries:,} trades"
        canvas.bar(number - 0.35, number + 0.35, signals.net, "one" if signals.net >= 0 else "bad", text)
        canvas.line([(number, signals.net - 2 * error), (number, signals.net + 2 * error)], "error")
    canvas.level(0.0, "zero")
    canvas.scale("", _named(shown))
    return canvas.drawn([("one", about), ("error", "± 2 standard errors over days")])


def losses(groups: Sequence[Group], about: str) -> str:
    """Draw the log loss of each group beside that of who knows the training shares alone."""
    shown = [group for group in groups if group.rows]
    if not shown:
        return words_alone(f"{about}: no candidates.")
    values = [value for group in shown for value in (group.log_loss, group.log_loss_of_shares)]
    canvas = Canvas(about, (0.4, len(shown) + 0.6), (0.0, around([0.0, *values])[1]))
    canvas.grid("log loss")
    for kind, name in (("two", "log_loss_of_shares"), ("one", "log_loss")):
        points = [(float(number), getattr(group, name)) for number, group in enumerate(shown, 1)]
        canvas.line(points, kind)
        canvas.dots([(*point, 3.0) for point in points], kind, [f"{x.name}: {getattr(x, name):.4f}" for x in shown])
    canvas.scale("", _named(shown))
    return canvas.drawn([("one", "model"), ("two", "training shares alone")])


def _named(groups: Sequence[Group]) -> list[tuple[float, str]]:
    """Return some of the names, so that they do not run into each other."""
    each = -(-len(groups) // MOST_MARKS)
    return [(float(number), group.name) for number, group in enumerate(groups, 1) if (number - 1) % each == 0]
