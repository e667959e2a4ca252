"""The few shapes that the charts are made of. Nothing is told by colour alone: shape, dashes and words say it, too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from service import shapes

WIDTH, HEIGHT = 780, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 64, 72
INK, QUIET, LINE, BAND, LOUD = "#1b2733", "#5b6770", "#1c5d99", "#e6eef6", "#a63d00"
MOST_STEPS: Final = 7
FONT: Final = "Helvetica, Arial, 'Liberation Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Plot:
    """The area of a chart: `x` from 0 to `right`, `y` from `low` to `high`, in the units of what is shown."""

    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / (self.right or 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.low) / ((self.high - self.low) or 1)

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """`M … L …` through the points."""
        return "M " + " L ".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


line, path, text = shapes.line, shapes.path, shapes.text


def dot(x: float, y: float, words: str, *, radius: float = 3) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{LINE}"><title>{escape(words)}</title></circle>'


def diamond(x: float, y: float, words: str, *, half: float = 6.5) -> str:
    """What is more than chance: another shape, larger, and dark."""
    d = f"M {x:.1f} {y - half:.1f} L {x + half:.1f} {y:.1f} L {x:.1f} {y + half:.1f} L {x - half:.1f} {y:.1f} Z"
    return f'<path d="{d}" fill="{LOUD}" stroke="#ffffff" stroke-width="1"><title>{escape(words)}</title></path>'


def cross(x: float, y: float, words: str, *, half: float = 3.5) -> str:
    """What is hidden."""
    d = f"M {x - half:.1f} {y - half:.1f} L {x + half:.1f} {y + half:.1f} M {x - half:.1f} {y + half:.1f}"
    d += f" L {x + half:.1f} {y - half:.1f}"
    return f'<path d="{d}" stroke="{QUIET}" stroke-width="1.5" fill="none"><title>{escape(words)}</title></path>'


def swatch(x: float, y: float) -> str:
    """The band, in a legend."""
    return f'<rect x="{x}" y="{y - 10}" width="16" height="11" fill="{BAND}" stroke="{QUIET}" stroke-dasharray="2 3"/>'


def drawing(name: str, title: str, description: str, heading: str, parts: Sequence[str]) -> str:
    """The SVG document; `name` makes its ids its own on a page of several. `heading` stands below the title."""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f" aria-labelledby={quoteattr(f'{name}-title {name}-desc')} font-family={quoteattr(FONT)}>",
            f"<title id={quoteattr(f'{name}-title')}>{escape(title)}</title>",
            f"<desc id={quoteattr(f'{name}-desc')}>{escape(description)}</desc>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            text(20, 26, title, size=16, bold=True),
            text(20, 46, heading, size=12, fill=QUIET),
            *parts,
            "</svg>",
        )
    )


def axis(plot: Plot, steps: Sequence[float], unit: str) -> list[str]:
    """Horizontal lines with their values."""
    parts = []
    for step in steps:
        y = plot.y(step)
        parts += [
            line(LEFT, y, WIDTH - RIGHT, y, stroke="#d5dbe0"),
            text(LEFT - 8, y + 4, f"{step:g}{unit}", fill=QUIET, anchor="end"),
        ]
    return parts


def spread(values: Iterable[float], *steps: float) -> tuple[float, float, float]:
    """From the multiple of a step below the least value to the one above the greatest, and the step.

    The first of the steps that makes no more than eight of them.
    """
    found = list(values)
    for step in steps:
        low, high = min(found) // step * step, -(-max(found) // step) * step
        if high - low < 2 * step:
            low, high = max(0.0, low - step), high + step
        if high - low <= MOST_STEPS * step:
            break
    return low, high, step


def shares(values: Iterable[float]) -> tuple[float, float, float]:
    """The same for shares in percent: nothing below 0 and above 100."""
    low, high, step = spread(values, 10, 20, 25)
    return low, min(high, 100), step


def steps_between(low: float, high: float, step: float) -> list[float]:
    return [round(low + step * i, 6) for i in range(round((high - low) / step) + 1)]
