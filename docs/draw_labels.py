"""Draw how labels are made, and count them, for docs/labels.md: `python -m docs.draw_labels --data data`.

Needs the candles of BTCUSDT (spot) for January 2025 in the store: a formation with its labels (5min), two that overlap,
and two entries with what became of them (1min). Prints the shares that the page quotes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docs.draw_patterns import BOTTOM, HEIGHT, LEFT, STYLE, TOP, WIDTH, Canvas, candles, line, moment, scale
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.engine.settings import from_dict
from trader.market.history import history
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.market.table import CandleTable, Floats
from trader.patterns import constants as c
from trader.patterns.describe import Formation, completed, swings
from trader.patterns.geometry import COLUMNS, new_state, run
from trader.patterns.labels import CLASSES, UNKNOWN, PatternLabels, pattern_labels
from trader.simulation.outcomes import Entries, Outcomes, follow_entries
from trader.simulation.shadow import Shadow, Shadows
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import StreamOpinions, stream_opinions

TARGET = Path(__file__).parent / "labels"
SYMBOL = "BTCUSDT"
START_MS, END_MS = (int(datetime(2025, month, 1, tzinfo=UTC).timestamp() * 1000) for month in (1, 2))
#: Candles from first swing to break, from last swing to break, from entry to exit: enough to see, few enough to draw.
LENGTH, LEG, HELD = (18, 70), (4, 16), (15, 80)
OWN_STYLE = (
    ".a{fill:#3a6ea5;fill-opacity:.18}.b{fill:#e09f3e;fill-opacity:.25}.held{fill:#777;fill-opacity:.1}"
    ".known{stroke:#3a6ea5;stroke-dasharray:4 3}.end{stroke:#777;stroke-width:2;stroke-dasharray:1 3}"
    ".fill{fill:#fff;stroke:#111;stroke-width:2}.e{text-anchor:end}"
)

Parts = Iterable[str]


def formation_picture(table: CandleTable, atr14: Floats) -> str:
    """Return the clearest formation whose whole last leg carries its label, with what is known when."""
    labels = pattern_labels(table, atr14)
    alone = (each for each in drawable(table, atr14) if _claimed(labels, each) == {CLASSES.index(each.pattern)})
    formation = max(alone, key=lambda each: each.score)
    first, broken_at = formation.swings[-1][0], formation.broken_at
    end = int(labels.label_end[first])
    canvas = _canvas(table, formation.swings[0][0] - 8, end + 12, [formation])
    marks = [
        _mark(canvas, confirmed_at(table, atr14, formation), "known", "confirmed", above=True),
        _mark(canvas, broken_at, "break", "break"),
        _mark(canvas, end, "end", "end of the first label"),
    ]
    title = f"{_name(formation)}, score {formation.score:.2f}: {table.symbol} {table.timeframe}, "
    parts = [_band(canvas, first, broken_at, "a"), *_shape(canvas, formation), *marks]
    return _svg(table, canvas, title + moment(table, formation), parts)


def overlap_picture(table: CandleTable, atr14: Floats) -> str:
    """Return the clearest two formations of different patterns that want the same candles, and who gets them."""
    labels = pattern_labels(table, atr14)
    pair = max(_overlapping(table, atr14, labels), key=lambda pair: min(each.score for each in pair))
    first, last = min(each.swings[0][0] for each in pair), max(each.broken_at for each in pair)
    canvas = _canvas(table, first - 8, last + 8, pair)
    bands = [
        _band(canvas, start, end, name)
        for formation, name in zip(pair, "ab", strict=True)
        for start, end in _runs(labels, formation)
    ]
    colours = zip(pair, ("blue", "yellow"), strict=True)
    title = " and ".join(f"{_name(each)} {each.score:.2f} ({colour})" for each, colour in colours)
    shapes = [part for each in pair for part in _shape(canvas, each)]
    breaks = (_mark(canvas, each.broken_at, "break", word) for each, word in zip(pair, ("", "breaks"), strict=True))
    return _svg(table, canvas, f"{title}: {table.symbol} {table.timeframe}", [*bands, *shapes, *breaks])


def outcome_picture(table: CandleTable, reading: Reading, decided: int, shadow: Shadow) -> str:
    """Return one entry and all its fills, with the span on which the label depends."""
    interval = table.timeframe.ms
    fills = [(shadow.entry_time, shadow.entry_price, "entry")]
    fills += [(fill.time - interval, fill.price, fill.reason) for fill in shadow.fills]
    rows = [int(table.open_time.searchsorted(time)) for time, _, _ in fills]
    at_close = int(table.open_time.searchsorted(decided)) - 1
    canvas = Canvas(table, max(0, at_close - 12), min(len(table), rows[-1] + 12), [price for _, price, _ in fills])
    pattern = reading.signal.pattern.replace("_", " ") if reading.signal is not None else ""
    circles = [
        f'<circle class="fill" cx="{canvas.x(row)}" cy="{canvas.y(price)}" r="4"/>'
        f'<text x="{canvas.x(row) + 8}" y="{canvas.y(price) - 6}">{reason.replace("_", " ")}</text>'
        for row, (_, price, reason) in zip(rows, fills, strict=True)
    ]
    marks = [_mark(canvas, at_close, "known", "T"), _mark(canvas, rows[-1], "end", "end of the label")]
    title = f"{pattern}, {shadow.direction.name}, net {shadow.net_return:+.2%}: {table.symbol} {table.timeframe}"
    return _svg(table, canvas, title, [_band(canvas, rows[0], rows[-1], "held"), *marks], circles)


def confirmed_at(table: CandleTable, atr14: Floats, formation: Formation) -> int:
    """Return the candle that confirmed the formation's last swing: from there on the geometry could know of it."""
    rows = formation.broken_at + 1
    state, columns = new_state(), (table.open, table.high, table.low, table.close, table.volume, atr14)
    run(state, *(np.ascontiguousarray(column[:rows]) for column in columns), np.empty((rows, COLUMNS)))
    wanted = {index for index, _ in formation.swings}
    for size in range(len(c.TURN_ATR)):
        kept = {swing.index: swing.confirmed_at for swing in swings(state, size)}
        if wanted <= kept.keys():
            return kept[formation.swings[-1][0]]
    return formation.broken_at


def drawable(table: CandleTable, atr14: Floats) -> Iterator[Formation]:
    """Yield the completed formations of a size to be drawn."""
    for each in completed(table.open, table.high, table.low, table.close, table.volume, atr14):
        start, last, broken_at = each.swings[0][0], each.swings[-1][0], each.broken_at
        fits = LENGTH[0] <= broken_at - start <= LENGTH[1] and LEG[0] <= broken_at - last <= LEG[1]
        if fits and LENGTH[1] < broken_at < len(table) - LENGTH[1]:
            yield each


def _claimed(labels: PatternLabels, formation: Formation) -> set[int]:
    return set(labels.label[formation.swings[-1][0] : formation.broken_at + 1].tolist())


def _overlapping(table: CandleTable, atr14: Floats, labels: PatternLabels) -> Iterator[tuple[Formation, Formation]]:
    for one, other in permutations(drawable(table, atr14), 2):
        both = {CLASSES.index(each.pattern) for each in (one, other)}
        overlap = max(one.swings[-1][0], other.swings[-1][0]) < one.broken_at < other.broken_at
        if overlap and len(both) == 2 and both <= _claimed(labels, one) | _claimed(labels, other):
            yield one, other


def _runs(labels: PatternLabels, formation: Formation) -> Iterator[tuple[int, int]]:
    """Yield first and last candle of each stretch of the formation's last leg that has its class."""
    first = formation.swings[-1][0]
    own = labels.label[first : formation.broken_at + 1] == CLASSES.index(formation.pattern)
    steps = np.diff(np.r_[0, own, 0])
    yield from zip(first + np.flatnonzero(steps > 0), first + np.flatnonzero(steps < 0) - 1, strict=True)


def _name(formation: Formation) -> str:
    return formation.pattern.replace("_", " ")


def _canvas(table: CandleTable, first: int, last: int, shown: Sequence[Formation]) -> Canvas:
    prices = [price for each in shown for _, price in (*each.broken, *each.other)]
    return Canvas(table, first, last, prices)


def _svg(table: CandleTable, canvas: Canvas, title: str, parts: Parts, above: Parts = ()) -> str:
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<style>{STYLE}{OWN_STYLE}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="t" x="{LEFT}" y="18">{title}</text>',
        *scale(canvas),
        *parts,
        candles(canvas, table, rising=True),
        candles(canvas, table, rising=False),
        *above,
        "</svg>\n",
    ])  # fmt: skip


def _shape(canvas: Canvas, formation: Formation) -> list[str]:
    points = " ".join(f"{canvas.x(i)},{canvas.y(price)}" for i, price in formation.swings)
    lines = [line(canvas, formation.other, "other"), line(canvas, formation.broken, "broken")]
    return [f'<polyline class="zigzag" points="{points}"/>', *lines]


def _band(canvas: Canvas, first: int, last: int, name: str) -> str:
    start, width = canvas.x(first - 0.5), round((last - first + 1) * canvas.step, 1)
    return f'<rect class="{name}" x="{start}" y="{TOP}" width="{width}" height="{HEIGHT - BOTTOM - TOP}"/>'


def _mark(canvas: Canvas, index: int, kind: str, said: str, above: bool = False) -> str:
    """Return a line through a candle with a word under it, or beside its upper end."""
    x = canvas.x(index)
    mark = f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    place = f'class="e" x="{x - 4}" y="{TOP + 12}"' if above else f'class="m" x="{x}" y="{HEIGHT - 6}"'
    return mark + f"<text {place}>{said}</text>"


def examples(table: CandleTable, shadows: Shadows, entries: Entries) -> Iterator[tuple[str, str]]:
    """Yield name and picture of a LONG won in several parts and of a lost one, the first of a length to be drawn."""
    wanted = {"won", "lost"}
    for decided, reading in zip(entries.time.tolist(), entries.readings(), strict=True):
        shadow = shadows.follow(reading, decided)
        if shadow is None or shadow.direction < 0:
            continue
        if not HELD[0] <= (shadow.fills[-1].time - decided) / table.timeframe.ms <= HELD[1]:
            continue
        name = "won" if shadow.net_return > 0 and len(shadow.fills) > 1 else "lost" if shadow.net_return < 0 else ""
        if name in wanted:
            wanted.remove(name)
            yield name, outcome_picture(table, reading, decided, shadow)


def shares(labels: PatternLabels) -> dict[str, float]:
    """Return the share of each class among the known labels, in percent."""
    known = labels.label[labels.label != UNKNOWN]
    return {name: 100 * float(np.mean(known == number)) for number, name in enumerate(CLASSES)}


def seen(stream: StreamOpinions, least: float = 0.0) -> Entries:
    """Return an entry at every candle of a stream with a score above `least`."""
    rows: NDArray[np.int64] = np.flatnonzero(stream.probability > least)
    return Entries.of(stream, rows, stream.pattern[rows], stream.probability[rows])


def in_words(outcomes: Outcomes) -> str:
    """Return the figures of some entries in words."""
    hours = np.median(outcomes.exit_time - outcomes.entry_time) / 3_600_000
    won, net = 100 * outcomes.won.mean(), 100 * outcomes.net.mean()
    left_out = f"{outcomes.unfilled} unfilled, {outcomes.unfinished} unfinished"
    return f"{len(outcomes)} ended ({left_out}), {won:.1f} % won, mean net {net:+.3f} %, median {hours:.1f} h"


def main() -> None:
    """Draw all, and print the shares."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default="data", help="the store with BTCUSDT 1min candles of January 2025")
    store = Store(options.parse_args().data)
    chosen = from_dict({"COINS": [SYMBOL]})
    frames = [Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.MIN_15]
    tables = {frame: history(store, "spot", SYMBOL, frame, START_MS, END_MS) for frame in frames}
    streams = {frame: stream_opinions(table, GeometryStrategy(), 0) for frame, table in tables.items()}
    minutes, grid = tables[Timeframe.MIN_1], instruments(store, chosen, [SYMBOL])[0][SYMBOL]
    five = tables[Timeframe.MIN_5], streams[Timeframe.MIN_5].atr14
    one = minutes, streams[Timeframe.MIN_1].atr14
    pictures = {"formation": formation_picture(*five), "overlap": overlap_picture(*one)}
    pictures |= examples(minutes, Shadows(chosen, minutes, grid), seen(streams[Timeframe.MIN_5], 0.6))
    TARGET.mkdir(exist_ok=True)
    for name, svg in pictures.items():
        (TARGET / f"{name}.svg").write_text(svg, "utf-8")
    for frame, table in tables.items():
        counted = shares(pattern_labels(table, streams[frame].atr14))
        print(frame, ", ".join(f"{name} {share:.2f} %" for name, share in counted.items()))
        for least in (0.0, 0.65):
            entries = seen(streams[frame], least)
            print(f"{frame} score > {least}: {in_words(follow_entries(chosen, minutes, grid, entries))}")


if __name__ == "__main__":
    main()
