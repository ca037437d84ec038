"""A run in words: the table over networks, what belongs to some studies, and the answers."""

from __future__ import annotations

import io
import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interlocus.more import more
from interlocus.plain_table import plain_table, share_text
from interlocus.run import Run
from interlocus.summary import Line


def as_text(run: Run) -> str:
    """The same as text."""
    text = io.StringIO()
    print_run(run, Console(width=100, file=text, highlight=False))
    return text.getvalue()


def print_run(run: Run, out: Console) -> None:
    """All of it."""
    out.print(f"[bold]{escape(run.study.title or run.study.name)}[/bold]\n")
    for family in dict.fromkeys(line.family for line in run.lines):
        out.print(_table(family, [line for line in run.lines if line.family == family]))
    out.print(
        "IIA: share of exchanges after which the network answers as the causal model says; "
        "mean with 95 % interval over networks, at the best size.\n"
        "enough: the smallest size within .01 of it, with its 95 % interval. floor: nothing is exchanged. "
        "trick: a value can be left but not restored.\n"
        "cell: the smallest IIA of a change (old value → new value), mean over networks.\n"
    )
    for part in more(run):
        out.print(part)
    _print_answers(run, out)
    if run.missing:
        again = shlex.join(
            ["interlocus", "study", str(run.store.folder / "study.yaml"), "--out", str(run.store.folder)]
        )
        out.print(f"[yellow]{len(run.missing)} trials are missing[/yellow]; go on with: {escape(again)}")


def _print_answers(run: Run, out: Console) -> None:
    """The two answers in words, and the figures that they rest on."""
    for title, answer in (
        ("Does it go through the middle, or straight to the end?", run.answer.get("direct")),
        ("Was the right alignment easy to find?", run.answer.get("search")),
    ):
        if answer and run.study.controls:
            out.print(f"[bold]{title}[/bold]\n{escape(answer)}\n")
    given = "" if run.study.controls else "; no verdict is given, since the study measures no controls"
    out.print(f"[bold]What was measured[/bold]{given}")
    for family, sentence in run.answers.items():
        out.print(f"\n[bold]{escape(family)}[/bold]: {escape(sentence)}")


def _table(family: str, lines: Sequence[Line]) -> Table:
    """One family; it fits 80 columns."""
    title = f"{family}, {lines[0].networks} network{'s' if lines[0].networks > 1 else ''}"
    table = plain_table(title, ("site", "swap", "map"), ("IIA", "size", "enough", "floor", "trick", "cell"))
    last = ""
    for line in lines:
        best = line.best
        table.add_row(
            escape(line.site) if line.site != last else "",
            escape(line.hypothesis),
            escape(line.map),
            escape(f"{share_text(best.iia.value)} [{share_text(best.iia.low)}, {share_text(best.iia.high)}]"),
            str(best.size),
            escape(line.enough_text),
            share_text(line.floor),
            share_text(line.one_sided) if line.one_sided is not None else "–",
            share_text(best.min_cell),
        )
        last = line.site
    return table
