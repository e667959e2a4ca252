"""The SVG of a run chart as PNG, for letters and for what shows no SVG. A container has no font: it comes with us."""

from functools import cache
from importlib.resources import files
from typing import Final

import resvg_py

SCALE: Final = 2.0
"""Sharp on a telephone, and on paper at 180 dpi when printed 10 cm wide."""


def run_chart_png(svg: str) -> bytes:
    """Takes some hundredths of a second of a processor: call it in a thread."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, zoom=SCALE, skip_system_fonts=True, font_files=_fonts(), sans_serif_family="Roboto"
        )
    )


@cache
def _fonts() -> list[str]:
    folder = files("font_roboto") / "files"
    return [str(folder / f"Roboto-{weight}.ttf") for weight in ("Regular", "Bold")]
