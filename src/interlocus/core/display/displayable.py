"""How objects present themselves: one line as `repr`, a table as text, in colour with rich, and as HTML in a notebook.

An object says what to display; this module turns that into each format. Nothing here prints. Text is escaped in every
format, so a name that a user chose cannot be read as markup.
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

TEXT_WIDTH = 100
"""Columns of the plain text."""
MAX_ROWS = 40
"""A longer table is cut off after this many rows, and a note says how many are missing."""


@dataclass(frozen=True, kw_only=True)
class Display:
    """What to display of an object, independent of the format.

    Args:
        title: The object in one line.
        columns: Headings of the table, one for each cell of a row.
        rows: Cells of the table, row by row; without rows there is no table.
        notes: Sentences below the table, each in a paragraph by itself.
        drawing: An SVG element that replaces the table in HTML. It is inserted as it is, so it must be escaped already.
    """

    title: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    drawing: str = ""

    def html(self) -> str:
        """One `div` element for a notebook."""
        parts = [f"<p><strong>{escape(self.title)}</strong></p>", self.drawing or self._html_table()]
        return "<div>" + "".join([*parts, *(f"<p>{escape(note)}</p>" for note in self._all_notes())]) + "</div>"

    def rich(self) -> Group:
        """Title, table and notes for a console of rich."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in self.columns:
            table.add_column(Text(name))
        for row in self.rows[:MAX_ROWS]:
            table.add_row(*map(Text, row))
        return Group(Text(self.title, style="bold"), *([table] if self.rows else []), *map(Text, self._all_notes()))

    def text(self) -> str:
        """Plain text without colour, at most `TEXT_WIDTH` columns wide."""
        from rich.console import Console

        text = io.StringIO()
        Console(width=TEXT_WIDTH, file=text, highlight=False, color_system=None).print(self.rich())
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def _html_table(self) -> str:
        if not self.rows:
            return ""
        headings = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self.rows[:MAX_ROWS])
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{headings}</tr></thead><tbody>{body}</tbody></table>"

    def _all_notes(self) -> list[str]:
        hidden_rows = len(self.rows) - MAX_ROWS
        return [*([f"{hidden_rows} more rows are not shown."] if hidden_rows > 0 else []), *self.notes]


class AbstractDisplayable(abc.ABC):
    """An object that Python, rich and notebooks can display."""

    @abc.abstractmethod
    def display(self) -> Display:
        """Title, table and notes of this object."""

    def __repr__(self) -> str:
        return self.display().title

    def __str__(self) -> str:
        return self.display().text()

    def __rich__(self) -> Group:
        return self.display().rich()

    def _repr_html_(self) -> str:
        return self.display().html()


def format_fraction(value: float) -> str:
    """A fraction with three decimals and without the leading zero.

    >>> format_fraction(0.5), format_fraction(1.0)
    ('.500', '1.000')
    """
    return f"{value:.3f}".removeprefix("0")
