"""Draw each chart pattern from a real example that the code found: `python -m docs.draw_patterns --data DIR`.

Takes the best formation of each pattern in BTCUSDT 2025, on 5min and 15min candles, from the store at DIR, and writes
docs/patterns/<pattern>.svg; prints a line for each, which `docs/patterns.md` quotes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from trader.core.signal import Pattern
from trader.core.timeframe import Timeframe
from trader.market.history import history
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.patterns.describe import Formation, Point, completed
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import stream_opinions

SYMBOL = "BTCUSDT"
TIMEFRAMES = (Timeframe.MIN_5, Timeframe.MIN_15)
START_MS, END_MS = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (2025, 2026))
#: Candles from the first swing to the break: fewer show too little, more are too small to see.
LENGTH = (25, 95)
WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 8, 64, 30, 22
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:13px;font-weight:600}.m{text-anchor:middle}"
    ".up{stroke:#2a9d6f;fill:#2a9d6f}.down{stroke:#d1495b;fill:#d1495b}"
    ".zigzag{fill:none;stroke:#3a6ea5;stroke-width:1.2}.swing{fill:#3a6ea5}"
    ".broken{stroke:#111;stroke-width:1.8}.other{stroke:#111;stroke-dasharray:5 4}"
    ".break{stroke:#e09f3e;stroke-width:1.5}.grid{stroke:#e8e8e8}"
)


class Canvas:
    """Turns (candle, price) into pixels of a picture that shows candles `first:last` of `table`."""

    def __init__(self, table: CandleTable, first: int, last: int, prices: list[float]) -> None:
        self.first, self.last = first, last
        self.step = (WIDTH - LEFT - RIGHT) / (last - first)
        self.low = min(float(table.low[first:last].min()), *prices)
        self.high = max(float(table.high[first:last].max()), *prices)

    def x(self, index: float) -> float:
        """Return the middle of candle `index`."""
        return round(LEFT + (index - self.first + 0.5) * self.step, 1)

    def y(self, price: float) -> float:
        """Return the height of `price`."""
        return round(TOP + (self.high - price) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM), 1)


def best_examples(tables: list[CandleTable]) -> Iterator[tuple[CandleTable, Formation]]:
    """Yield for each pattern the completed formation with the best score among those of a length to be drawn."""
    found = [(table, formation) for table in tables for formation in formations(table)]
    for pattern in Pattern:
        own = [pair for pair in found if pair[1].pattern == pattern]
        yield max(own, key=lambda pair: pair[1].score)


def formations(table: CandleTable) -> Iterator[Formation]:
    """Yield the completed formations of a length to be drawn, as the features see them."""
    atr14 = stream_opinions(table, GeometryStrategy(), 0).atr14
    for formation in completed(table.open, table.high, table.low, table.close, table.volume, atr14):
        if LENGTH[0] <= formation.broken_at - formation.swings[0][0] <= LENGTH[1]:
            yield formation


def picture(table: CandleTable, formation: Formation) -> str:
    """Return the formation with the candles around it as an SVG picture."""
    start, end = formation.swings[0][0], formation.broken_at
    first, last = max(0, start - 12), min(len(table), end + 9)
    lines = (*formation.broken, *formation.other)
    canvas = Canvas(table, first, last, [price for _, price in lines])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="t" x="{LEFT}" y="18">{title(table, formation)}</text>',
        *scale(canvas),
        mark(canvas, table, formation),
        candles(canvas, table, rising=True),
        candles(canvas, table, rising=False),
        f'<polyline class="zigzag" points="{" ".join(f"{canvas.x(i)},{canvas.y(p)}" for i, p in formation.swings)}"/>',
        *(f'<circle class="swing" cx="{canvas.x(i)}" cy="{canvas.y(p)}" r="3"/>' for i, p in formation.swings),
        line(canvas, formation.other, "other"),
        line(canvas, formation.broken, "broken"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def title(table: CandleTable, formation: Formation) -> str:
    """Return what the picture shows: pattern, score, stream, time of the break."""
    name = formation.pattern.replace("_", " ")
    return f"{name}, score {formation.score:.2f}: {table.symbol} {table.timeframe}, {moment(table, formation)}"


def moment(table: CandleTable, formation: Formation) -> str:
    """Return the close time of the candle that broke the line."""
    time_ms = int(table.open_time[formation.broken_at]) + table.timeframe.ms
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def scale(canvas: Canvas) -> Iterator[str]:
    """Yield four lines with their prices."""
    for k in range(4):
        price = canvas.low + (canvas.high - canvas.low) * k / 3
        y = canvas.y(price)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{WIDTH - RIGHT + 6}" y="{y + 4}">{price:,.0f}</text>'


def candles(canvas: Canvas, table: CandleTable, rising: bool) -> str:
    """Return all rising or all falling candles as one path."""
    path, width = [], round(canvas.step * 0.64, 1)
    for i in range(canvas.first, canvas.last):
        open, close = float(table.open[i]), float(table.close[i])
        if (close >= open) != rising:
            continue
        x, top, bottom = canvas.x(i), canvas.y(max(open, close)), canvas.y(min(open, close))
        path.append(f"M{x} {canvas.y(float(table.high[i]))}V{canvas.y(float(table.low[i]))}")
        path.append(f"M{round(x - width / 2, 1)} {top}h{width}v{round(max(bottom - top, 0.5), 1)}h-{width}z")
    return f'<path class="{"up" if rising else "down"}" d="{"".join(path)}"/>'


def line(canvas: Canvas, ends: tuple[Point, Point], kind: str) -> str:
    """Return one of the formation's two lines."""
    (x1, y1), (x2, y2) = ((canvas.x(i), canvas.y(p)) for i, p in ends)
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def mark(canvas: Canvas, table: CandleTable, formation: Formation) -> str:
    """Return the mark of the candle at which the pattern was complete."""
    x = canvas.x(formation.broken_at)
    mark = f'<line class="break" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    return mark + f'<text class="m" x="{x}" y="{HEIGHT - 6}">break</text>'


def main() -> None:
    """Draw all."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default="data", help="the store with BTCUSDT 1min candles of 2025")
    store = Store(options.parse_args().data)
    tables = [history(store, "spot", SYMBOL, timeframe, START_MS, END_MS) for timeframe in TIMEFRAMES]
    target = Path(__file__).parent / "patterns"
    target.mkdir(exist_ok=True)
    for table, formation in best_examples(tables):
        (target / f"{formation.pattern}.svg").write_text(picture(table, formation), "utf-8")
        parts = ", ".join(f"{name} {value:.2f}" for name, value in formation.parts.items())
        print(f"{title(table, formation)}; height {formation.height_atr:.1f} ATR; {parts}")


if __name__ == "__main__":
    main()
