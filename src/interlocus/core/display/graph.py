"""A directed graph of named nodes as an SVG drawing: layers from top to bottom, every arrow downwards.

The drawing needs no style sheet or script, and takes the text colour of the page around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape
from typing import NamedTuple

LETTER_WIDTH = 8.0
"""Width that one letter of a label takes, in pixels, as are all lengths below."""
BOX_PADDING = 24
"""Width of a box beyond its letters."""
BOX_HEIGHT = 44.0
BOX_GAP = 18.0
"""Space between two boxes of a layer."""
LAYER_STEP = 92.0
"""From the top of one layer to the top of the next."""
MARGIN = 6.0
"""Space around the whole drawing."""
ARROW_HEAD = 7.0
"""Height of the triangle at the tip of an arrow."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a graph.

    Args:
        name: Text in the box; unique in the graph.
        parents: Names of the nodes that an arrow to this node comes from; all of them are in the graph.
        note: A second line in the box, in smaller type; empty for none.
        marked: Whether the box is filled, so that it stands out.
    """

    name: str
    parents: tuple[str, ...]
    note: str = ""
    marked: bool = False


class _Box(NamedTuple):
    """Horizontal centre, top and width of a node, in pixels."""

    x: float
    y: float
    width: float


def draw_graph(nodes: Sequence[Node], *, title: str) -> str:
    """The graph as an SVG element in which all names are escaped.

    Args:
        nodes: At least one node; arrows must not form a cycle. Nodes of a layer with the same parents keep this order.
        title: Description for screen readers (`aria-label`).
    """
    boxes = _place_nodes(nodes)
    right = max(box.x + box.width / 2 for box in boxes.values()) + MARGIN
    bottom = max(box.y for box in boxes.values()) + BOX_HEIGHT + MARGIN
    arrows = [_draw_arrow(boxes[parent], boxes[node.name]) for node in nodes for parent in node.parents]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" width="{right:.0f}" '
        f'height="{bottom:.0f}" viewBox="0 0 {right:.0f} {bottom:.0f}" font-family="sans-serif" font-size="13" '
        f'fill="currentColor" stroke="none">'
        + "".join([*arrows, *(_draw_node(node, boxes[node.name]) for node in nodes)])
        + "</svg>"
    )


def _place_nodes(nodes: Sequence[Node]) -> dict[str, _Box]:
    """One layer for each depth. Within a layer, each node stands as nearly below the mean of its parents as fits."""
    layers = _layers(nodes)
    widest = max(_layer_width(layer) for layer in layers)
    boxes: dict[str, _Box] = {}
    for level, layer in enumerate(layers):
        middles = {n.name: sum(boxes[p].x for p in n.parents) / max(1, len(n.parents)) for n in layer}
        ordered = sorted(layer, key=lambda node: middles[node.name])
        x = MARGIN + (widest - sum(_width(node) + BOX_GAP for node in layer) + BOX_GAP) / 2
        for number, node in enumerate(ordered):
            width = _width(node)
            remaining = _layer_width(ordered[number:])
            left = min(max(x, middles[node.name] - width / 2), MARGIN + widest - remaining) if level else x
            boxes[node.name] = _Box(left + width / 2, MARGIN + level * LAYER_STEP, width)
            x = left + width + BOX_GAP
    return boxes


def _layers(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes by depth: a node without parents has depth 0, any other one more than its deepest parent."""
    by_name: Mapping[str, Node] = {node.name: node for node in nodes}
    depth: dict[str, int] = {}
    for name in TopologicalSorter({node.name: node.parents for node in nodes}).static_order():
        depth[name] = 1 + max((depth[parent] for parent in by_name[name].parents), default=-1)
    return [[node for node in nodes if depth[node.name] == level] for level in range(max(depth.values()) + 1)]


def _width(node: Node) -> float:
    return BOX_PADDING + LETTER_WIDTH * max(len(node.name), len(node.note))


def _layer_width(layer: Sequence[Node]) -> float:
    return sum(_width(node) + BOX_GAP for node in layer) - BOX_GAP


def _draw_arrow(parent: _Box, child: _Box) -> str:
    """A curve from the lower edge of the parent to the upper edge of the child."""
    begin, end = parent.y + BOX_HEIGHT, child.y - ARROW_HEAD
    half = (begin + end) / 2
    tip = f"{child.x:.1f},{child.y:.1f} {child.x - 4:.1f},{end:.1f} {child.x + 4:.1f},{end:.1f}"
    curve = f"M{parent.x:.1f} {begin:.1f}C{parent.x:.1f} {half:.1f} {child.x:.1f} {half:.1f} {child.x:.1f} {end:.1f}"
    return f'<path d="{curve}" fill="none" stroke="currentColor" opacity=".6"/><polygon points="{tip}" opacity=".6"/>'


def _draw_node(node: Node, box: _Box) -> str:
    fill = 'fill="#0072B2" fill-opacity=".25" stroke-width="2"' if node.marked else 'fill="none"'
    name_y = box.y + (BOX_HEIGHT / 2 - 3 if node.note else BOX_HEIGHT / 2 + 4)
    svg = (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{BOX_HEIGHT:.0f}" '
        f'rx="8" stroke="currentColor" {fill}/>'
        f'<text x="{box.x:.1f}" y="{name_y:.1f}" text-anchor="middle" font-weight="bold">{escape(node.name)}</text>'
    )
    if node.note:
        svg += (
            f'<text x="{box.x:.1f}" y="{box.y + BOX_HEIGHT / 2 + 14:.1f}" text-anchor="middle" font-size="11" '
            f'opacity=".75">{escape(node.note)}</text>'
        )
    return svg
