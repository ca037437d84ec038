"""A graph of named nodes as a drawing: layers from top to bottom, every arrow downwards.

Nothing is needed to see it but something that shows SVG; colours are those of the text around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape
from typing import NamedTuple

LETTER, HEIGHT, GAP, STEP = 8.0, 44.0, 18.0, 92.0
"""Widths of a letter and of the gap between nodes, height of a node, and from one layer to the next; in pixels."""
MARGIN, HEAD = 6.0, 7.0


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node.

    Args:
        name: how it is called.
        parents: where its arrows come from.
        note: a line below the name.
        marked: whether it stands out.
    """

    name: str
    parents: tuple[str, ...]
    note: str = ""
    marked: bool = False


class _Box(NamedTuple):
    x: float
    y: float
    width: float


def draw_graph(nodes: Sequence[Node], *, title: str) -> str:
    """The graph as an SVG element; names are escaped.

    Args:
        nodes: without a circle.
        title: what it shows, for who cannot see it.
    """
    boxes = _places(nodes)
    right = max(box.x + box.width / 2 for box in boxes.values()) + MARGIN
    bottom = max(box.y for box in boxes.values()) + HEIGHT + MARGIN
    arrows = [_arrow(boxes[parent], boxes[node.name]) for node in nodes for parent in node.parents]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" width="{right:.0f}" '
        f'height="{bottom:.0f}" viewBox="0 0 {right:.0f} {bottom:.0f}" font-family="sans-serif" font-size="13" '
        f'fill="currentColor" stroke="none">' + "".join([*arrows, *(_drawn(node, boxes) for node in nodes)]) + "</svg>"
    )


def _places(nodes: Sequence[Node]) -> dict[str, _Box]:
    """A layer for each depth; within one, nodes stand below the middle of their parents as far as there is room."""
    named = {node.name: node for node in nodes}
    depth: dict[str, int] = {}
    for name in TopologicalSorter({node.name: node.parents for node in nodes}).static_order():
        depth[name] = 1 + max((depth[parent] for parent in named[name].parents), default=-1)
    layers = [[node for node in nodes if depth[node.name] == level] for level in range(max(depth.values()) + 1)]
    widest = max(sum(_width(node) + GAP for node in layer) for layer in layers) - GAP
    boxes: dict[str, _Box] = {}
    for level, layer in enumerate(layers):
        middles = {n.name: sum(boxes[p].x for p in n.parents) / max(1, len(n.parents)) for n in layer}
        ordered = sorted(layer, key=lambda node: middles[node.name])
        x = MARGIN + (widest - sum(_width(node) + GAP for node in layer) + GAP) / 2
        for number, node in enumerate(ordered):
            width = _width(node)
            rest = sum(_width(other) + GAP for other in ordered[number:]) - GAP
            left = min(max(x, middles[node.name] - width / 2), MARGIN + widest - rest) if level else x
            boxes[node.name] = _Box(left + width / 2, MARGIN + level * STEP, width)
            x = left + width + GAP
    return boxes


def _width(node: Node) -> float:
    return 24 + LETTER * max(len(node.name), len(node.note))


def _arrow(one: _Box, other: _Box) -> str:
    """A curve from the lower edge of one node to the upper edge of the other."""
    begin, end = one.y + HEIGHT, other.y - HEAD
    half = (begin + end) / 2
    tip = f"{other.x:.1f},{other.y:.1f} {other.x - 4:.1f},{end:.1f} {other.x + 4:.1f},{end:.1f}"
    return (
        f'<path d="M{one.x:.1f} {begin:.1f}C{one.x:.1f} {half:.1f} {other.x:.1f} {half:.1f} {other.x:.1f} {end:.1f}" '
        f'fill="none" stroke="currentColor" opacity=".6"/><polygon points="{tip}" opacity=".6"/>'
    )


def _drawn(node: Node, boxes: dict[str, _Box]) -> str:
    box = boxes[node.name]
    look = 'fill="#0072B2" fill-opacity=".25" stroke-width="2"' if node.marked else 'fill="none"'
    name_y = box.y + (HEIGHT / 2 - 3 if node.note else HEIGHT / 2 + 4)
    drawn = (
        f'<rect x="{box.x - box.width / 2:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{HEIGHT:.0f}" rx="8" '
        f'stroke="currentColor" {look}/>'
        f'<text x="{box.x:.1f}" y="{name_y:.1f}" text-anchor="middle" font-weight="bold">{escape(node.name)}</text>'
    )
    if node.note:
        drawn += (
            f'<text x="{box.x:.1f}" y="{box.y + HEIGHT / 2 + 14:.1f}" text-anchor="middle" font-size="11" '
            f'opacity=".75">{escape(node.note)}</text>'
        )
    return drawn
