"""SVG files made fit for a page: unique ids, colours that follow light and dark mode, and shorter numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from interlocus.report.figures import SavedPicture

PAGE_COLOURS: Mapping[str, str] = {
    "#000000": "ink",
    "#ffffff": "paper",
    "#555555": "soft",
    "#0072b2": "blue",
    "#d55e00": "vermilion",
    "#009e73": "green",
    "#cc79a7": "purple",
    "#e69f00": "orange",
    "#56b4e9": "sky",
}
"""From the colours of `interlocus.mplstyle` to CSS variables, which `report.css` sets for light and for dark pages."""


@dataclass(frozen=True, kw_only=True)
class InlinePicture:
    """A picture inside the page.

    Args:
        label: What it shows, read aloud in place of it.
        caption: Text below the picture.
        width: Natural width of the drawing, in points.
        drawing: The `<svg>` element without its first five characters, so that the page can add attributes.
    """

    label: str
    caption: str
    width: float
    drawing: str


def inline_picture(saved: SavedPicture) -> InlinePicture:
    """Read an SVG file of the run folder and prepare it for the page."""
    text = saved.path.read_text(encoding="utf-8")
    width, drawing = page_drawing(saved.path.stem, text)
    return InlinePicture(label=saved.label, caption=saved.caption, width=width, drawing=drawing)


def page_drawing(name: str, text: str) -> tuple[float, str]:
    """The width in points of an SVG file, and its `<svg>` element without the tag's name.

    Args:
        name: Prefix that makes the ids of the drawing unique on the page.
        text: Content of the file.
    """
    _, _, drawing = text.partition("<svg")  # an XML declaration and a doctype belong in a file only
    width = float(drawing.partition('width="')[2].partition("pt")[0])
    drawing = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<[^>]*>", _round_coordinates, drawing)
    return width, re.sub(r"#[0-9a-f]{6}\b", _page_colour, drawing)


def _round_coordinates(tag: re.Match[str]) -> str:
    """A tag with numbers cut to hundredths of a point, which is finer than the eye can see; text is left alone."""
    return re.sub(r"(?<=\d\.\d\d)\d+", "", tag[0])


def _page_colour(colour: re.Match[str]) -> str:
    name = PAGE_COLOURS.get(colour[0])
    return f"var(--{name})" if name else colour[0]
