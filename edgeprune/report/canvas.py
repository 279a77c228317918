"""Boxes, lines and words as SVG text: what the page of a build shows.

A build draws a handful of charts of rectangles. To import a plotting library, and to have it set
them, takes longer than all else that a small network's build does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

# Colours that read on white and on dark grey; words and axes take the page's own colour.
PALETTE = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#06b6d4", "#ec4899", "#84cc16")
Box = tuple[float, float, float, float]  # x, y, width, height
LETTER = 0.66  # its width, as a share of its size
DESK, PHONE = 830.0, 350.0  # pixels that a drawing is wide
SLANT = 11  # pixels between two names that are set aslant
TICKS = 5


class Canvas:
    """A drawing; the origin is on the upper left, sizes are pixels.

    Args:
        width: of the drawing.
        height: of the drawing.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def box(
        self,
        at: Box,
        colour: str,
        *,
        alpha: float = 1.0,
        edge: str = "none",
        tip: str = "",
    ) -> None:
        """A rectangle (x, y, width, height), with a text that a browser shows over it."""
        x, y, w, h = (_number(v) for v in at)
        title = f"<title>{escape(tip)}</title>" if tip else ""
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{colour}" '
            f'fill-opacity="{alpha:g}" stroke="{edge}" stroke-width=".8">{title}</rect>'
        )

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        dotted: bool = False,
        faint: bool = False,
    ) -> None:
        """A line in the colour of the page's words."""
        (x1, y1), (x2, y2) = ((_number(a), _number(b)) for a, b in (start, end))
        dots = ' stroke-dasharray="2 3"' if dotted else ""
        dots += ' stroke-opacity=".35"' if faint else ""
        self._parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="currentColor"{dots}/>'
        )

    def dot(
        self,
        x: float,
        y: float,
        radius: float,
        colour: str,
        *,
        tip: str = "",
        mark: int | None = None,
    ) -> None:
        """A disc, with a text that a browser shows over it; ``mark``: its number in a page."""
        at = f'cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"'
        title = f"<title>{escape(tip)}</title>" if tip else ""
        known = "" if mark is None else f' data-point="{mark}"'
        self._parts.append(f'<circle {at} fill="{colour}"{known}>{title}</circle>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 11,
        anchor: str = "middle",
        colour: str = "currentColor",
        bold: bool = False,
        turned: float = 0,
    ) -> None:
        """Words whose middle, in height, is at y."""
        weight = ' font-weight="bold"' if bold else ""
        turn = f' transform="rotate({turned:g} {_number(x)} {_number(y)})"' if turned else ""
        self._parts.append(
            f'<text x="{_number(x)}" y="{_number(y + 0.35 * size)}" font-size="{size:g}" '
            f'text-anchor="{anchor}" fill="{colour}"{weight}{turn}>{escape(words)}</text>'
        )

    def svg(self, title: str) -> str:
        """The drawing.

        Args:
            title: what it shows, for those who do not see it.
        """
        return (
            f'<svg role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" '
            f'height="{self.height:g}" font-family="sans-serif">\n' + "\n".join(self._parts) + "\n"
            "</svg>\n"
        )


class Chart(Canvas):
    """A canvas with axes: x runs from ``left`` to ``right``, y from ``low`` to ``high``.

    Args:
        x: ends of the horizontal axis.
        y: ends of the vertical one.
        size: width and height of the drawing.
        below: pixels for what is written under the axis.
        names: what stands under 0, 1, 2, ...: aslant, and not all, where there is no room.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        size: tuple[float, float] = (DESK, 330),
        below: float = 46,
        names: Sequence[str] = (),
    ) -> None:
        left, right = (78.0 if size[0] > PHONE else 62.0), size[0] - 12
        room = (right - left) / (x[1] - x[0])
        slant = bool(names) and room < 10 * LETTER * max(map(len, names))
        if names:
            below = 104 if slant else 30
        super().__init__(size[0], size[1] + 70 * slant)
        self._x, self._y = x, y
        self._frame = (left, 24.0, right, self.height - below)
        left, top, right, bottom = self._frame
        for i in range(0, len(names), math.ceil(SLANT / room) if slant else 1):
            at, down = self.at(i, y[0])[0], bottom + (10 if slant else 12)
            if slant:
                self.text(at + 3, down, names[i], size=10, anchor="end", turned=-45)
            else:
                self.text(at, down, names[i], size=10)
        self.line((left, top), (left, bottom))
        self.line((left, bottom), (right, bottom))

    @property
    def bottom(self) -> float:
        """Pixels down to the horizontal axis."""
        return self._frame[3]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        left, top, right, bottom = self._frame
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return left + across * (right - left), bottom - up * (bottom - top)

    def span(self, x: tuple[float, float], y: tuple[float, float]) -> Box:
        """Pixels of a box (x, y, width, height) between two values of each axis."""
        (x0, y0), (x1, y1) = self.at(x[0], y[1]), self.at(x[1], y[0])
        return x0, y0, x1 - x0, y1 - y0

    def beside(self, x: float, words: str, size: float = 11) -> tuple[float, float]:
        """Ends of words whose middle is near x, in pixels: they stay between the chart's ends."""
        left, _, right, _ = self._frame
        half = 0.5 * LETTER * size * len(words)
        middle = max(left + half + 3, min(x, right - half))
        return middle - half, middle + half

    @property
    def step(self) -> float:
        """Pixels of 1 on the horizontal axis."""
        return (self._frame[2] - self._frame[0]) / (self._x[1] - self._x[0])

    def heading(self, words: str) -> None:
        """A line over the chart."""
        self.text((self._frame[0] + self._frame[2]) / 2, 11, words, size=10)

    def key(self, rows: Sequence[tuple[str, str]]) -> None:
        """What colours stand for, in a line over the chart: (colour, words)."""
        at = self._frame[0] + 8
        for colour, words in rows:
            self.dot(at, 11, 4, colour)
            self.text(at + 8, 11, words, size=10, anchor="start")
            at += 24 + 10 * 0.58 * len(words)

    def ticks(
        self, name: str, *, marks: Sequence[tuple[float, str]] = (), horizontal: bool = False
    ) -> None:
        """Marks and the name of an axis; without marks round numbers are taken."""
        ends = self._x if horizontal else self._y
        count = TICKS if self.width > PHONE or not horizontal else 3
        for value, words in marks or [(v, f"{v:,g}") for v in round_numbers(*ends, count)]:
            if horizontal:
                self.text(self.at(value, self._y[0])[0], self.bottom + 12, words, size=10)
            else:
                y = self.at(self._x[0], value)[1]
                self.text(self._frame[0] - 6, y, words, size=10, anchor="end")
        left, top, right, bottom = self._frame
        if horizontal:
            self.text((left + right) / 2, self.height - 9, name)
        else:
            self.text(10, (top + bottom) / 2, name, turned=-90)


def round_numbers(low: float, high: float, count: int = TICKS) -> list[float]:
    """About so many round numbers between two ends."""
    rough = (high - low) / count
    if not rough > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def short(name: str, length: int = 18, *, begin: bool = False) -> str:
    """A name, printable, and where it is too long its end, or its beginning."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in name)
    if len(plain) <= length:
        return plain
    return plain[: length - 1] + "…" if begin else "…" + plain[-length + 1 :]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
