"""The few shapes that the charts are made of. Nothing is told by colour alone: shape, dashes and words say it, too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from service import shapes

INK, QUIET, LINE, BAND = "#1b2733", "#5b6770", "#1c5d99", "#e6eef6"
BETTER, WORSE = "#0f6b4f", "#a63d00"
"""Of what is more than chance. Words say the same."""
MOST_STEPS: Final = 7
LEGEND, ROW = 62, 16
"""How far below the plot a legend begins, and how high one of its rows is."""
WIDTH_OF_A_LETTER: Final = 0.52
"""On average, in heights of the letter."""
FONT: Final = "Helvetica, Arial, 'Liberation Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Frame:
    """The sheet that a chart is drawn on, and the margins around its plot. One that is narrow is for a phone."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def is_narrow(self) -> bool:
        """True if there is no room beside the plot: what would stand there stands above it."""
        return self.right < 100

    @property
    def edge(self) -> int:
        """Where the plot ends on the right."""
        return self.width - self.right

    @property
    def floor(self) -> int:
        """Where the plot ends below."""
        return self.height - self.bottom


WIDE: Final = Frame("wide", 780, 400, 64, 150, 64, 72)
NARROW: Final = Frame("narrow", 340, 400, 46, 14, 62, 96)


@dataclass(frozen=True, slots=True)
class Plot:
    """The area of a chart: `x` from 0 to `right`, `y` from `low` to `high`, in the units of what is shown."""

    right: float
    low: float
    high: float
    frame: Frame = WIDE

    def x(self, value: float) -> float:
        return self.frame.left + (self.frame.edge - self.frame.left) * value / (self.right or 1)

    def y(self, value: float) -> float:
        height = self.frame.floor - self.frame.top
        return self.frame.floor - height * (value - self.low) / ((self.high - self.low) or 1)

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """`M … L …` through the points."""
        return "M " + " L ".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


line, path, text = shapes.line, shapes.path, shapes.text


def dot(x: float, y: float, words: str, *, radius: float = 3) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{LINE}"><title>{escape(words)}</title></circle>'


def diamond(x: float, y: float, words: str, *, fill: str, half: float = 6) -> str:
    """What is more than chance by itself: another shape, larger, and dark."""
    d = f"M {x:.1f} {y - half:.1f} L {x + half:.1f} {y:.1f} L {x:.1f} {y + half:.1f} L {x - half:.1f} {y:.1f} Z"
    return f'<path d="{d}" fill="{fill}" stroke="#ffffff" stroke-width="1"><title>{escape(words)}</title></path>'


def ring(x: float, y: float, words: str, *, stroke: str) -> str:
    """One of too many in a row: by itself it may be chance."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="#ffffff" stroke="{stroke}" stroke-width="1.8">'
        f"<title>{escape(words)}</title></circle>"
    )


def cross(x: float, y: float, words: str, *, half: float = 3.5) -> str:
    """What is hidden."""
    d = f"M {x - half:.1f} {y - half:.1f} L {x + half:.1f} {y + half:.1f} M {x - half:.1f} {y + half:.1f}"
    d += f" L {x + half:.1f} {y - half:.1f}"
    return f'<path d="{d}" stroke="{QUIET}" stroke-width="1.5" fill="none"><title>{escape(words)}</title></path>'


def swatch(x: float, y: float) -> str:
    """The band, in a legend."""
    return f'<rect x="{x}" y="{y - 10}" width="16" height="11" fill="{BAND}" stroke="{QUIET}" stroke-dasharray="2 3"/>'


def drawing(name: str, title: str, description: str, heading: str, parts: Sequence[str], frame: Frame = WIDE) -> str:
    """The SVG document; `name` makes its ids its own on a page of several. `heading` stands below the title."""
    named, described = f"{name}-{frame.name}-title", f"{name}-{frame.name}-desc"
    # On a phone the title stands above the picture already, and would break into lines here.
    seen = (
        [text(12, 22, heading, size=13, fill=QUIET)]
        if frame.is_narrow
        else [text(20, 26, title, size=16, bold=True), text(20, 46, heading, size=12, fill=QUIET)]
    )
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}" role="img"'
            f' class="{frame.name}" aria-labelledby={quoteattr(f"{named} {described}")} font-family={quoteattr(FONT)}>',
            f"<title id={quoteattr(named)}>{escape(title)}</title>",
            f"<desc id={quoteattr(described)}>{escape(description)}</desc>",
            f'<rect width="{frame.width}" height="{frame.height}" fill="#ffffff"/>',
            *seen,
            *parts,
            "</svg>",
        )
    )


def wrapped(words: str, width: float, size: int) -> list[str]:
    """Lines that hold in so many pixels; SVG breaks none by itself."""
    return wrap(words, max(1, int(width / (size * WIDTH_OF_A_LETTER))))


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry of a legend: `band`, `diamond`, `ring` or `cross`, what it means, and the colour of both."""

    kind: str
    words: str
    fill: str = QUIET


def fitted(frame: Frame, marks: Sequence[Mark]) -> Frame:
    """The sheet, as high as its legend needs; a wide one has room."""
    if not frame.is_narrow:
        return frame
    rows = sum(len(_lines(mark, frame)) for mark in marks)
    more = LEGEND + ROW * rows - frame.bottom
    return replace(frame, height=frame.height + more, bottom=frame.bottom + more)


def legend(marks: Sequence[Mark], frame: Frame) -> Iterator[str]:
    """What the marks mean: side by side on a wide sheet, below each other on a narrow one."""
    x, y = (14 if frame.is_narrow else frame.left), frame.floor + LEGEND
    for mark in marks:
        yield _shape(mark, x + 8, y - 4)
        lines = _lines(mark, frame)
        yield from (text(x + 22, y + ROW * i, words, size=11, fill=mark.fill) for i, words in enumerate(lines))
        if frame.is_narrow:
            y += ROW * len(lines)
        else:
            x += 40 + round(len(mark.words) * 11 * WIDTH_OF_A_LETTER)


def _lines(mark: Mark, frame: Frame) -> list[str]:
    return wrapped(mark.words, frame.width - 40, 11) if frame.is_narrow else [mark.words]


def _shape(mark: Mark, x: float, y: float) -> str:
    match mark.kind:
        case "band":
            return swatch(x - 8, y + 4)
        case "diamond":
            return diamond(x, y, mark.words, fill=mark.fill)
        case "ring":
            return ring(x, y, mark.words, stroke=mark.fill)
        case _:
            return cross(x, y, mark.words)


def axis(plot: Plot, steps: Sequence[float], unit: str) -> list[str]:
    """Horizontal lines with their values."""
    parts = []
    frame = plot.frame
    for step in steps:
        y = plot.y(step)
        parts += [
            line(frame.left, y, frame.edge, y, stroke="#d5dbe0"),
            text(frame.left - 8, y + 4, f"{step:g}{unit}", fill=QUIET, anchor="end"),
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
