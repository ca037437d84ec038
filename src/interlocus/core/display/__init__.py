"""How objects show themselves: as text, as a rich table, as HTML in a notebook, and as a drawn graph.

What a run shows on a page or in a terminal belongs in `report`.
"""

from interlocus.core.display.displayable import MAX_ROWS, AbstractDisplayable, Display, format_fraction
from interlocus.core.display.graph import Node, draw_graph

__all__ = ["MAX_ROWS", "AbstractDisplayable", "Display", "Node", "draw_graph", "format_fraction"]
