"""How objects show themselves: one line as `repr`, a table as text, in colour by rich, and as HTML in a notebook.

Nothing here prints. Names of a user's own are escaped wherever they could be taken for something else.
"""

from __future__ import annotations

import abc
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group

WIDTH = 100
LONG = 40
"""Rows beyond which a table is cut off."""


@dataclass(frozen=True, kw_only=True)
class Display:
    """What is shown of an object.

    Args:
        title: the object in one line.
        columns: heads of the table.
        rows: its cells.
        notes: sentences below it.
        drawing: an SVG element in place of the table, where SVG can be seen; it is not escaped.
    """

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    drawing: str = ""

    def html(self) -> str:
        """For a notebook."""
        parts = [f"<p><strong>{escape(self.title)}</strong></p>", self.drawing or self._html_table()]
        return "<div>" + "".join([*parts, *(f"<p>{escape(note)}</p>" for note in self._notes())]) + "</div>"

    def rich(self) -> Group:
        """For rich."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in self.columns:
            table.add_column(Text(name))
        for row in self.rows[:LONG]:
            table.add_row(*map(Text, row))
        return Group(Text(self.title, style="bold"), *([table] if self.rows else []), *map(Text, self._notes()))

    def text(self) -> str:
        """As plain text."""
        from rich.console import Console

        text = io.StringIO()
        Console(width=WIDTH, file=text, highlight=False, color_system=None).print(self.rich())
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def _html_table(self) -> str:
        if not self.rows:
            return ""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self.rows[:LONG])
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _notes(self) -> list[str]:
        more = len(self.rows) - LONG
        return [*([f"{more} more rows are not shown."] if more > 0 else []), *self.notes]


class AbstractDisplayable(abc.ABC):
    """Something that shows itself."""

    @abc.abstractmethod
    def display(self) -> Display:
        """What is shown of it."""

    def __repr__(self) -> str:
        return self.display().title

    def __str__(self) -> str:
        return self.display().text()

    def __rich__(self) -> Group:
        return self.display().rich()

    def _repr_html_(self) -> str:
        return self.display().html()


def format_fraction(value: float) -> str:
    """Three decimals, without a leading zero."""
    return f"{value:.3f}".removeprefix("0")
