"""Laws of drawings of graphs."""

import re
import xml.etree.ElementTree as ET

from interlocus.core.display import Node, draw_graph

SVG = "{http://www.w3.org/2000/svg}"
NODES = [
    *(Node(name=name, parents=()) for name in ("a", "b", "c", "d")),
    Node(name="left", parents=("a", "b"), note="0, 1", marked=True),
    Node(name="right", parents=("c", "d"), note="0, 1"),
    Node(name="output", parents=("left", "right", "a"), note="0, 1"),
]


def boxes(drawing: ET.Element) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, right and bottom of each node, by its name."""
    rects = [rect.attrib for rect in drawing.iter(f"{SVG}rect")]
    names = [text.text for text in drawing.iter(f"{SVG}text") if text.get("font-weight") == "bold"]
    edges = [[float(rect[side]) for side in ("x", "y", "width", "height")] for rect in rects]
    return {name: (x, y, x + w, y + h) for name, (x, y, w, h) in zip(names, edges, strict=True)}


def test_every_node_lies_inside_the_drawing_and_none_overlaps_another():
    drawing = ET.fromstring(draw_graph(NODES, title="a graph"))
    placed = boxes(drawing)
    assert list(placed) == [node.name for node in NODES]
    width, height = float(drawing.get("width", 0)), float(drawing.get("height", 0))
    for name, (left, top, right, bottom) in placed.items():
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        for other, box in placed.items():
            assert other == name or right <= box[0] or left >= box[2] or bottom <= box[1] or top >= box[3]


def test_every_arrow_goes_down_from_a_parent_to_its_child():
    drawing = ET.fromstring(draw_graph(NODES, title="a graph"))
    placed, expected = boxes(drawing), [(parent, node.name) for node in NODES for parent in node.parents]
    drawn = [[float(x) for x in re.findall(r"[\d.]+", path.get("d", ""))] for path in drawing.iter(f"{SVG}path")]
    assert len(drawn) == len(expected)
    for (parent, child), (x0, y0, *_, x1, y1) in zip(expected, drawn, strict=True):
        assert placed[parent][0] < x0 < placed[parent][2]
        assert placed[child][0] < x1 < placed[child][2]
        assert y0 == placed[parent][3] < y1 < placed[child][1]


def test_names_are_escaped():
    hostile = '<script>alert("1")</script>'
    drawing = ET.fromstring(draw_graph([Node(name=hostile, parents=(), note=hostile)], title=hostile))
    assert [text.text for text in drawing.iter(f"{SVG}text")] == [hostile, hostile]
    assert drawing.get("aria-label") == hostile
    assert not list(drawing.iter(f"{SVG}script"))


def test_only_marked_nodes_are_filled():
    rects = [rect.get("fill") for rect in ET.fromstring(draw_graph(NODES, title="a graph")).iter(f"{SVG}rect")]
    assert [fill != "none" for fill in rects] == [node.marked for node in NODES]
