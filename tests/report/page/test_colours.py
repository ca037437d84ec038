"""Colours of scores."""

from __future__ import annotations

import re

import pytest

from interlocus.report.page.colours import SHADE_COUNT, scale_css, shade


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_number_can_be_read_on_every_colour_of_every_scale():
    rules = re.findall(r"\.([hd])\d+ \{ background: (#\w{6}); color: #(\w{3}); \}", scale_css())
    assert len(rules) == 2 * 2 * SHADE_COUNT
    for _, ground, ink in rules:
        light, dark = sorted((_luminance(ground), _luminance("#" + "".join(2 * c for c in ink))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2, AA


def test_shades_rise_with_the_score_and_stop_at_the_ends_of_the_scale():
    assert [shade(value) for value in (0.0, 0.5, 0.75, 1.0)] == [0, 0, (SHADE_COUNT - 1) // 2, SHADE_COUNT - 1]
    assert shade(0.0, low=-1.0, high=1.0) == (SHADE_COUNT - 1) // 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_higher_scores_stand_out_more_from_the_page(scheme):
    light, _, dark = scale_css().partition("@media")
    rules = re.findall(r"\.h\d+ \{ background: (#\w{6})", light if scheme == "light" else dark)
    luminances = [_luminance(colour) for colour in rules]
    assert luminances == sorted(luminances, reverse=scheme == "light")
