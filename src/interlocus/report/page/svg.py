"""Figures made fit for a page: many on one page, in any light, and no longer than they have to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["size_curve", "stages", "decodable", "restarts", "published", "subspace", "reuse"]

INKS: Mapping[str, str] = {
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
"""From the colours of `interlocus.mplstyle` to those of the page, which has two for each: see `report.css`."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on the page.

    Args:
        kind: which kind of figure.
        about: what it shows: a hypothesis, or a family and site.
        width: in points.
        drawing: what stands in the `<svg>` tag after its name, and all that follows.
    """

    kind: Kind
    about: str
    width: float
    drawing: str


def picture(name: str, path: Path) -> Picture | None:
    """An SVG file of the run folder; `None` for a kind that the page shows in another way."""
    kind = next((kind for kind in get_args(Kind) if name == kind or name.startswith(f"{kind}_")), None)
    if kind is None:
        return None
    _, _, drawing = path.read_text(encoding="utf-8").partition("<svg")  # what stands before it is for a file of its own
    width = float(drawing.partition('width="')[2].partition("pt")[0])
    drawing = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)  # an id occurs once in a page
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<[^>]*>", _shorter, drawing)
    drawing = re.sub(r"#[0-9a-f]{6}\b", _ink, drawing)
    return Picture(kind=kind, about=name.removeprefix(kind).removeprefix("_"), width=width, drawing=drawing)


def _shorter(tag: re.Match[str]) -> str:
    """A tag with its places in hundredths of a point, which is finer than can be seen; text stays as it is."""
    return re.sub(r"(?<=\d\.\d\d)\d+", "", tag[0])


def _ink(colour: re.Match[str]) -> str:
    name = INKS.get(colour[0])
    return f"var(--{name})" if name else colour[0]
