"""Draw how one trade is guarded, candle by candle: `python -m docs.draw_rules`.

The candles are made up. Every level and every fill comes from the core and the simulated broker, run over them with the
defaults of `config.py`. Writes docs/rules/one_trade.svg and prints the table that `docs/rules.md` quotes;
`tests/test_docs.py` compares both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from docs.draw_patterns import BOTTOM, HEIGHT, LEFT, RIGHT, STYLE, TOP, WIDTH, Canvas, candles
from trader.core.candle import Candle
from trader.core.events import Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill
from trader.core.signal import Pattern, Reading, Signal
from trader.core.timeframe import Timeframe
from trader.engine.engine import Engine
from trader.engine.settings import from_dict
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.trading.logic import TradingLogic
from trader.trading.notes import Note, PartClosed, StopMoved, TradeOpened

PICTURE = Path(__file__).parent / "rules" / "one_trade.svg"
SYMBOL, TIMEFRAME = "BTCUSDT", Timeframe.MIN_5
FILTERS = {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}
#: Open, high, low, close. The signal is seen at the close of candle 0.
PRICES = (
    (99.80, 100.05, 99.70, 100.00),
    (100.00, 100.30, 99.85, 100.20),
    (100.20, 100.35, 99.60, 99.75),
    (99.75, 100.25, 99.70, 100.15),
    (100.15, 100.60, 100.10, 100.50),
    (100.50, 100.90, 100.40, 100.80),
    (100.80, 101.00, 100.55, 100.95),
    (100.95, 101.30, 100.85, 101.20),
    (101.20, 101.45, 101.05, 101.40),
    (101.40, 101.75, 101.30, 101.60),
    (101.60, 101.95, 101.45, 101.80),
    (101.80, 101.85, 101.50, 101.60),
    (101.60, 101.65, 101.20, 101.30),
    (101.30, 101.40, 101.05, 101.15),
)
OWN_STYLE = (
    ".stop{fill:none;stroke:#d1495b;stroke-width:2}.target{stroke:#2a9d6f;stroke-dasharray:5 4}"
    ".entry{stroke:#3a6ea5;stroke-dasharray:2 3}.fill{fill:#fff;stroke:#111;stroke-width:2}"
    ".c{font-weight:600}.e{text-anchor:end}"
)


class OneSignal:
    """Opinions that see a double bottom at the close of the first candle, and nothing more."""

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return the reading of the first instant."""
        if instant.time != TIMEFRAME.ms:
            return ()
        signal = Signal(Pattern.DOUBLE_BOTTOM, 0.72, 0.72)
        return [Reading(SYMBOL, TIMEFRAME, instant.candles[0].close, ema50=99.6, atr14=0.25, signal=signal)]


class Story:
    """Writes down by candle: the fills, the stop that is raised at its end, and since when each stop stands."""

    def __init__(self) -> None:
        self.at = 0
        self.fills: list[tuple[int, Fill]] = []
        self.raised: list[tuple[int, float, str]] = []
        self.stops: list[tuple[int, float]] = []
        self.targets: list[tuple[float, str]] = []
        self.net = 0.0

    def note(self, note: Note) -> None:
        """Take what the core tells."""
        if isinstance(note, TradeOpened):
            self.fills.append((self.at, note.fill))
            self.stops.append((self.at, note.trade.stop))
            self.targets = [(target.price, target.reason) for target in note.trade.targets]
        elif isinstance(note, StopMoved):
            self.raised.append((self.at, note.trade.stop, note.trade.stop_reason))
            self.stops.append((self.at + 1, note.trade.stop))
        elif isinstance(note, PartClosed):
            self.fills.append((self.at, note.fill))
            self.net = note.trade.net


def play() -> Story:
    """Run the candles through core and broker, and return what happened."""
    settings = from_dict({"COINS": [SYMBOL], "TIMEFRAMES": [TIMEFRAME]})
    exits, instruments = {SYMBOL: TIMEFRAME}, {SYMBOL: Instrument.from_filters(SYMBOL, FILTERS)}
    story = Story()
    logic = TradingLogic(settings, exits, instruments, OneSignal(), story)
    engine = Engine(logic, SimulatedBroker(settings, exits, instruments, logic))
    for at, prices in enumerate(PRICES):
        story.at = at
        candle = Candle(SYMBOL, TIMEFRAME, at * TIMEFRAME.ms, *prices, volume=1.0)
        engine.step(Instant(candle.close_time, (candle,)))
    return story


def markdown(story: Story) -> str:
    """Return the table of the candles in which something happened."""
    rows = ["| candle | low to high | stop | what happens |", "|---|---|---|---|"]
    for at, (_, high, low, _) in enumerate(PRICES):
        said = [*_filled(story, at), *_raised(story, at)]
        if said:
            rows.append(f"| {at} | {low:.2f} to {high:.2f} | {_standing(story, at)} | {'; '.join(said)} |")
    return "\n".join([*rows, "", f"Net of the trade, after all fees: {story.net:+.2f} USDT."])


def _standing(story: Story, at: int) -> str:
    stops = [price for since, price in story.stops if since <= at]
    return f"{stops[-1]:.2f}" if stops else "none"


def _filled(story: Story, at: int) -> Iterator[str]:
    for when, fill in story.fills:
        if when == at:
            yield f"`{fill.reason}`: {fill.quantity:g} at {fill.price:.4f}, fee {fill.fee:.2f}"


def _raised(story: Story, at: int) -> Iterator[str]:
    for when, price, reason in story.raised:
        if when == at:
            yield f"at its end the stop goes to {price:.2f} (`{reason}`)"


def picture(story: Story) -> str:
    """Return the candles with stop, targets and fills as an SVG picture."""
    columns = {name: np.array(values) for name, values in zip(_NAMES, zip(*PRICES, strict=True), strict=True)}
    times = np.arange(len(PRICES)) * TIMEFRAME.ms
    table = CandleTable.build(SYMBOL, TIMEFRAME, times, **columns, volume=np.ones(len(PRICES)))
    levels = [price for _, price in story.stops] + [price for price, _ in story.targets]
    canvas = Canvas(table, 0, len(PRICES), [min(levels) - 0.15, max(levels) + 0.15])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<style>{STYLE}{OWN_STYLE}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="t" x="{LEFT}" y="18">One LONG trade with the default settings (made-up candles)</text>',
        *_levels(canvas, story),
        candles(canvas, table, rising=True),
        candles(canvas, table, rising=False),
        _stop_path(canvas, story),
        *_fill_marks(canvas, story),
        *_numbers(canvas),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


_NAMES = ("open", "high", "low", "close")


def _levels(canvas: Canvas, story: Story) -> Iterator[str]:
    entry_at, entry = story.fills[0]
    lines = [(price, reason, "target") for price, reason in story.targets]
    for price, name, kind in [*lines, (entry.price, "entry", "entry")]:
        y = canvas.y(price)
        yield f'<line class="{kind}" x1="{canvas.x(entry_at - 0.5)}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{WIDTH - RIGHT + 6}" y="{y + 4}">{price:.2f}</text>'
        yield f'<text class="e" x="{WIDTH - RIGHT}" y="{y - 5}">{name}</text>'


def _stop_path(canvas: Canvas, story: Story) -> str:
    """Return the stop as steps: a raised one counts from the next candle on."""
    last = story.fills[-1][0]
    ends = [since for since, _ in story.stops[1:]] + [last + 1]
    path = ""
    for (since, price), until in zip(story.stops, ends, strict=True):
        path += f"{'L' if path else 'M'}{canvas.x(since - 0.5)} {canvas.y(price)}H{canvas.x(until - 0.5)}"
    labels = [(*story.stops[0], "stop_loss", -5)]
    labels += [(at + 1, price, reason, 14) for at, price, reason in story.raised[:2]]
    texts = (
        f'<text x="{canvas.x(since - 0.5) + 4}" y="{round(canvas.y(price) + below, 1)}">{reason} {price:.2f}</text>'
        for since, price, reason, below in labels
    )
    return f'<path class="stop" d="{path}"/>' + "".join(texts)


def _fill_marks(canvas: Canvas, story: Story) -> Iterator[str]:
    for at, fill in story.fills:
        x, y = canvas.x(at), canvas.y(fill.price)
        yield f'<circle class="fill" cx="{x}" cy="{y}" r="4.5"/>'
    at, fill = story.fills[-1]
    text = f"out at {fill.price:.2f}"
    yield f'<text class="c e" x="{canvas.x(at + 0.4)}" y="{round(canvas.y(PRICES[at][2]) + 20, 1)}">{text}</text>'


def _numbers(canvas: Canvas) -> Iterator[str]:
    for at in range(len(PRICES)):
        yield f'<text class="m" x="{canvas.x(at)}" y="{HEIGHT - 6}">{at}</text>'
    yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
    yield f'<line class="break" x1="{canvas.x(0.5)}" x2="{canvas.x(0.5)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'


def main() -> None:
    """Write the picture and print the table."""
    story = play()
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(story), "utf-8")
    print(markdown(story))


if __name__ == "__main__":
    main()
