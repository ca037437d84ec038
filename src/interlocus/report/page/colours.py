"""Colours of the page as CSS: of scores, on one scale for light and for dark pages, and of verdict words."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex

from interlocus.verdicts.words import ANSWER_WORDS, VERDICT_WORDS, Colour

SHADE_COUNT = 25
LOWEST_SHADE, HIGHEST_SHADE = 0.5, 1.0
"""Scores at the two ends of the scale; scores beyond an end get its colour."""

_DARK = LinearSegmentedColormap.from_list("dark", ["#202a35", "#1f4e63", "#1f8a8a", "#86cf9b", "#f6f2b8"])
_DARK_DIFFERENCE = LinearSegmentedColormap.from_list("dark difference", ["#e8a13a", "#232b34", "#5aa9e6"])
_LIGHT_DIFFERENCE = LinearSegmentedColormap.from_list("light difference", ["#b35806", "#f7f7f7", "#2166ac"])


def shade(value: float, *, low: float = LOWEST_SHADE, high: float = HIGHEST_SHADE) -> int:
    """The number of the shade of a value, from 0 at `low` and below to `SHADE_COUNT - 1` at `high` and above."""
    share = (value - low) / (high - low)
    return round(min(max(share, 0.0), 1.0) * (SHADE_COUNT - 1))


def scale_css() -> str:
    """Rules for the classes `h0`, `h1`, … of scores and `d0`, `d1`, … of differences, for light and for dark pages."""
    light = _rules("h", mpl.colormaps["YlGnBu"]) + _rules("d", _LIGHT_DIFFERENCE)
    dark = _rules("h", _DARK) + _rules("d", _DARK_DIFFERENCE)
    return "\n".join([*light, "@media screen and (prefers-color-scheme: dark) {", *dark, "}"])


def word_css() -> str:
    """One rule a verdict word, from the colour that `verdicts.words` gives it and `report.css` defines."""
    colours: dict[str, Colour] = {
        entry.word: entry.colour for entry in (*VERDICT_WORDS.values(), *ANSWER_WORDS.values())
    }
    return "\n".join(f".mark.{word}, .word.{word} {{ {_mark_style(colour)} }}" for word, colour in colours.items())


def _mark_style(colour: Colour) -> str:
    return (
        f"background: var(--mark-{colour}); color: var(--mark-{colour}-ink, var(--on-pale)); "
        f"border: 1px var(--mark-{colour}-line, solid) var(--mark-{colour}-edge, transparent);"
    )


def _rules(letter: str, colours: Colormap) -> list[str]:
    rules = []
    for number in range(SHADE_COUNT):
        red, green, blue, _ = colours(number / (SHADE_COUNT - 1))
        ink = readable((red, green, blue))
        rules.append(f".{letter}{number} {{ background: {to_hex((red, green, blue))}; color: {ink}; }}")
    return rules


def readable(colour: Sequence[float]) -> str:
    """Black or white, whichever contrasts more with a colour: with a ratio of at least 4.5 (WCAG 2)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return "#000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#fff"
