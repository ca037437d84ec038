"""Figures on a page."""

from __future__ import annotations

from interlocus.report.page.svg import picture

SVG = (
    '<?xml version="1.0"?>\n<svg width="72.5pt" height="10pt"><metadata>who</metadata><g id="axes_1">'
    '<path d="M 1.23456 7.5" style="stroke: #0072b2; fill: #123456" clip-path="url(#p1)"/>'
    "<text>0.708</text></g></svg>"
)


def test_a_drawing_takes_the_colours_of_the_page_and_keeps_its_text(tmp_path):
    path = tmp_path / "size_curve_both.svg"
    path.write_text(SVG)
    found = picture("size_curve_both", path)
    assert found is not None
    assert (found.kind, found.about, found.width) == ("size_curve", "both", 72.5)
    for part in ("stroke: var(--blue)", "#123456", "M 1.23 7.5", "<text>0.708</text>", 'id="size_curve_both-axes_1"'):
        assert part in found.drawing
    assert "url(#size_curve_both-p1)" in found.drawing
    assert "metadata" not in found.drawing


def test_what_the_page_shows_otherwise_is_no_picture(tmp_path):
    assert picture("heat_map_both", tmp_path / "none.svg") is None
