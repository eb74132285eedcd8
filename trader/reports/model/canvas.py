"""Small charts as inline SVG, in the colours of the page: no script draws them, and nothing is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

Point = tuple[float, float]
Range = tuple[float, float]

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 12, 44


def finite(values: Iterable[float]) -> list[float]:
    """Return the values that are numbers."""
    return [value for value in values if math.isfinite(value)]


def around(values: Iterable[float], least: float = 1e-9) -> Range:
    """Return a range that holds the values with some room; 0 to 1 without any.

    >>> around([0.0, 10.0])
    (-0.5, 10.5)
    """
    known = finite(values)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = max(0.05 * (high - low), least)
    return low - room, high + room


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round numbers within a range, about as many as wanted.

    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def plain(value: float) -> str:
    """Return a number as an axis has it.

    >>> plain(0.25), plain(12000.0)
    ('0.25', '12,000')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def percent(value: float) -> str:
    """Return a fraction in percent as an axis has it.

    >>> percent(0.0025), percent(-1.5)
    ('0.25 %', '-150 %')
    """
    return f"{100 * value:.6g} %"


def rounded(value: float) -> str:
    """Return a fraction in percent, to three digits.

    >>> rounded(0.226054)
    '22.6 %'
    """
    return percent(float(f"{value:.3g}"))


class Canvas:
    """One chart with a horizontal and a vertical scale; what is drawn first lies below."""

    def __init__(self, about: str, x: Range, y: Range, height: int = HEIGHT, left: int = LEFT) -> None:
        self._about, self._x, self._y, self._height, self._left = about, x, y, height, left
        self._parts: list[str] = []

    def across(self, value: float) -> float:
        """Return the place of a horizontal value, pixels."""
        low, high = self._x
        return round(self._left + (value - low) / (high - low) * (WIDTH - self._left - RIGHT), 2)

    def up(self, value: float) -> float:
        """Return the place of a vertical value, pixels."""
        low, high = self._y
        return round(self._height - BOTTOM - (value - low) / (high - low) * (self._height - TOP - BOTTOM), 2)

    def grid(self, label: str, written: Callable[[float], str] = plain) -> None:
        """Draw the vertical scale, with lines."""
        for value in ticks(*self._y):
            at = self.up(value)
            self._parts.append(f'<path class="grid" d="M{self._left} {at}H{WIDTH - RIGHT}"/>')
            self.text((self._left - 6, at + 4), written(value), "end")
        middle = (TOP + self._height - BOTTOM) / 2
        self._parts.append(
            f'<text class="label" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(label)}</text>"
        )

    def scale(self, label: str, marks: Iterable[tuple[float, str]] | None = None) -> None:
        """Draw the horizontal scale: `marks` are places with what is written there, by default round numbers."""
        places = [(value, plain(value)) for value in ticks(*self._x)] if marks is None else marks
        for value, text in places:
            self.text((self.across(value), self._height - BOTTOM + 16), text, "middle")
        self.text(((self._left + WIDTH - RIGHT) / 2, self._height - 8), label, "middle", "label")

    def line(self, points: Sequence[Point], kind: str) -> None:
        """Draw a line through the points; it is broken where one is no number."""
        path, pen = [], "M"
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            path.append(f"{pen}{self.across(x)} {self.up(y)}")
            pen = "L"
        self._parts.append(f'<path class="line {kind}" d="{"".join(path)}"/>')

    def dots(self, points: Sequence[tuple[float, float, float]], kind: str, texts: Sequence[str]) -> None:
        """Draw dots of a radius, pixels, each with a text that is shown when it is pointed at."""
        for (x, y, radius), text in zip(points, texts, strict=True):
            if math.isfinite(x) and math.isfinite(y):
                self._parts.append(
                    f'<circle class="{kind}" cx="{self.across(x)}" cy="{self.up(y)}" r="{radius:.1f}">'
                    f"<title>{escape(text)}</title></circle>"
                )

    def bar(self, left: float, right: float, value: float, kind: str, text: str, base: float = 0.0) -> None:
        """Draw a bar from `base` to `value`; nothing where the value is no number."""
        if not math.isfinite(value):
            return
        top, bottom = sorted((self.up(value), self.up(base)))
        x, width = self.across(left), self.across(right) - self.across(left)
        self._parts.append(
            f'<rect class="{kind}" x="{x}" y="{top}" width="{width:.2f}" height="{max(bottom - top, 0.5):.2f}">'
            f"<title>{escape(text)}</title></rect>"
        )

    def upright(self, value: float, kind: str) -> None:
        """Draw a line from the bottom to the top at a horizontal value."""
        self._parts.append(f'<path class="line {kind}" d="M{self.across(value)} {TOP}V{self._height - BOTTOM}"/>')

    def level(self, value: float, kind: str) -> None:
        """Draw a line from left to right at a vertical value."""
        if math.isfinite(value):
            self._parts.append(f'<path class="line {kind}" d="M{self._left} {self.up(value)}H{WIDTH - RIGHT}"/>')

    def text(self, at: Point, words: str, anchor: str = "start", kind: str = "tick") -> None:
        """Write words at a place in pixels."""
        self._parts.append(
            f'<text class="{kind}" x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def drawn(self, legend: Sequence[tuple[str, str]] = ()) -> str:
        """Return the chart with what is said of its kinds of lines: (kind, words)."""
        keys = "".join(f'<span class="key"><i class="{kind}"></i>{escape(words)}</span>' for kind, words in legend)
        return (
            f'<figure><svg viewBox="0 0 {WIDTH} {self._height}" role="img" aria-label="{escape(self._about)}">'
            f"{''.join(self._parts)}</svg><figcaption>{keys}</figcaption></figure>"
        )


def words_alone(words: str) -> str:
    """Return what stands in the place of a chart that there is nothing to draw for."""
    return f'<p class="soft">{escape(words)}</p>'
