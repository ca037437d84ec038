"""The two consoles of the command line, and the one form of its tables and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from interlocus.core.statistics import Interval
from interlocus.verdicts.words import AnswerWord, VerdictWord

out = Console(highlight=False)
"""Standard output, for results."""

err = Console(stderr=True, highlight=False)
"""Standard error, for progress and messages."""

WRAPPED_COLUMNS = (
    "hypo-\nthesis",
    "hypothesis",
    "featur-\nizer",
    "featurizer",
    "start",
    "evidence",
    "construction",
    "truth",
    "networks",
    "words",
)
"""Headings of columns whose text is wrapped in a narrow terminal; text in other columns would be cut off."""

SHORTEST_WRAP = 8
"""Wrapped columns are at least this wide, so that `rotation` and `identity` stay whole."""

NAME_WIDTH = 22
"""Characters before the summary of a name in a list."""


def plain_table(title: str, text_columns: Sequence[str], number_columns: Sequence[str] = ()) -> Table:
    """An empty table without lines.

    Args:
        title: Title of the table, as plain text without markup.
        text_columns: Headings of the columns of words, aligned to the left.
        number_columns: Headings of the columns of numbers, which follow and are aligned to the right.
    """
    table = Table(title=escape(title), title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in text_columns:
        wrapped = name in WRAPPED_COLUMNS
        overflow = "fold" if wrapped else "ellipsis"
        least = SHORTEST_WRAP if wrapped else None
        table.add_column(name, vertical="top", no_wrap=not wrapped, overflow=overflow, min_width=least)
    for name in number_columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def score_text(value: float | None) -> str:
    """A score with three decimals; a dash where there is none.

    >>> score_text(0.98765), score_text(None)
    ('0.988', '–')
    """
    return "–" if value is None else f"{value:.3f}"


def interval_text(value: Interval) -> str:
    """A score with its 95 % interval, escaped for rich, which reads brackets as markup."""
    return escape(str(value))


def print_words(entries: Iterable[VerdictWord | AnswerWord], console: Console) -> None:
    """Print words with their explanations, one word a line."""
    console.print(_definitions({entry.word: entry.explanation for entry in entries}))
    console.print()


def show_catalogue(lists: Mapping[str, Mapping[str, str]], *, as_json: bool) -> None:
    """Print what can be named in a study.

    Args:
        lists: For each kind, such as "featurizers", its names with one line about each.
        as_json: Print the mapping as JSON in place of text.
    """
    if as_json:
        out.print_json(json.dumps(lists))
        return
    for kind, names in lists.items():
        out.print(f"[bold]{kind}[/bold]")
        out.print(_definitions(names, width=NAME_WIDTH))


def _definitions(texts: Mapping[str, str], *, width: int | None = None) -> Padding:
    """Names with a text each, which is indented where it is wrapped."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, min_width=width)
    table.add_column()
    for name, text in texts.items():
        table.add_row(escape(name), escape(text))
    return Padding(table, (0, 0, 0, 2))
