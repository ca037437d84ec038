"""The one form of table that the command line prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

WRAPPED_COLUMNS = ("map", "start", "what it says")
"""Columns whose text goes on in another line where the terminal is narrow; the others would lose their ends."""


def plain_table(title: str, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table without lines.

    Args:
        title: of all, as plain text.
        left: headings of columns of words.
        right: headings of columns of figures, behind them.
    """
    table = Table(title=escape(title), title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in left:
        table.add_column(name, no_wrap=name not in WRAPPED_COLUMNS)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def share_text(value: float) -> str:
    """Three decimals, without a leading zero."""
    return f"{value:.3f}".removeprefix("0")


out = Console(highlight=False)

err = Console(stderr=True, highlight=False)


def show_catalogue(lists: Mapping[str, Mapping[str, str]], *, as_json: bool) -> None:
    """Names with a line each."""
    if as_json:
        out.print_json(json.dumps(lists))
        return
    for kind, names in lists.items():
        out.print(f"[bold]{kind}[/bold]")
        for name, summary in names.items():
            out.print(f"  {name:<22} {summary}")
