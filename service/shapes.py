"""What every picture of ours is made of, as SVG: words and lines. What they mean is for the pictures to say."""

from collections.abc import Sequence
from math import floor
from typing import Final
from xml.sax.saxutils import escape

CHARACTER: Final = 0.54
"""Width of a character on average, in font sizes: lines are broken by it, for nobody can measure text here."""
INK, QUIET = "#111111", "#5b6770"


def text(
    x: float, y: float, words: str, *, size: int = 12, fill: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    """Words at a base line."""
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}'
    return f"<text {place}>{escape(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, *, stroke: str = QUIET, width: float = 1, dash: str = "") -> str:
    """From one point to another."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"'
        f' stroke-width="{width}"{dashed}/>'
    )


def path(d: str, *, stroke: str = "none", fill: str = "none", width: float = 1.5, dash: str = "") -> str:
    """Through several points."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{d}" stroke="{stroke}" fill="{fill}" stroke-width="{width}" stroke-linejoin="round"{dashed}/>'


def wrapped(words: str, width: float, size: int, *, most: int = 6) -> list[str]:
    """Lines that hold in so many pixels, broken between words; a word that is longer than a line is broken, too."""
    fits = max(1, floor(width / (size * CHARACTER)))
    lines: list[str] = []
    for word in (piece for w in words.split() for piece in _pieces(w, fits)):
        if lines and len(lines[-1]) + 1 + len(word) <= fits:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][: fits - 1]}…"]


def _pieces(word: str, fits: int) -> Sequence[str]:
    return [word[i : i + fits] for i in range(0, len(word), fits)]
