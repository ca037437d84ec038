"""Figures on a page."""

from __future__ import annotations

from interlocus.report.figures import SavedPicture
from interlocus.report.page.svg import inline_picture

SVG = (
    '<?xml version="1.0"?>\n<svg width="72.5pt" height="10pt"><metadata>who</metadata><g id="axes_1">'
    '<path d="M 1.23456 7.5" style="stroke: #0072b2; fill: #123456" clip-path="url(#p1)"/>'
    "<text>0.708</text></g></svg>"
)


def test_a_drawing_takes_the_colours_of_the_page_and_keeps_its_text(tmp_path):
    path = tmp_path / "size_curve_both.svg"
    path.write_text(SVG)
    inline = inline_picture(SavedPicture(section=None, label="A label", caption="A caption.", group="", path=path))
    assert (inline.label, inline.caption, inline.width) == ("A label", "A caption.", 72.5)
    for part in ("stroke: var(--blue)", "#123456", "M 1.23 7.5", "<text>0.708</text>", 'id="size_curve_both-axes_1"'):
        assert part in inline.drawing
    assert "url(#size_curve_both-p1)" in inline.drawing
    assert "metadata" not in inline.drawing
