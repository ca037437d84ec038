"""What some studies show besides the table: shares of restarts, basins, methods, re-use, published scores."""

from __future__ import annotations

import io
import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interlocus.report.terminal.tables import plain_table, share_text
from interlocus.studies.results.basins import basins
from interlocus.studies.results.method_comparison import MethodScore
from interlocus.studies.results.published import beside_published, sentences
from interlocus.studies.results.reuse_curves import ReuseCurve
from interlocus.studies.results.summary import Line
from interlocus.studies.run import Run

MIN_RESTARTS_SHOWN = 8
"""Of fewer restarts a share says little, so it is shown only where the study compares schedules."""

_ABOUT_SHARES = (
    "Restarts that reach an IIA of .99 on test, with Wilson's 95 % interval over restarts. "
    "All of them see the same examples, so another seed may fall outside of it.\n"
)

MIN_SCHEDULES_SHOWN = 3
"""Classes of maps that are worth a table of their own."""


def more(run: Run) -> list[Table | str]:
    """Tables and paragraphs, for those studies that they belong to; empty for most."""
    parts: list[Table | str] = []
    if len(run.study.schedules) > 1 or max(run.study.starts.values()) >= MIN_RESTARTS_SHOWN:
        parts += [_shares(run), _ABOUT_SHARES]
    for one in basins(run.lines):
        parts.append(
            f"{escape(one.group)}, {one.site}: half of the searches return from noise {one.text} on every entry of "
            f"the {one.start} start.\n"
        )
    own = run.methods
    if len({one.map for one in own}) >= MIN_SCHEDULES_SHOWN:
        parts += [_methods(own), "Mean over all trained networks with 95 % interval; time of all searches there.\n"]
    if run.reuse:
        parts += [
            _reuse(run.reuse),
            "Accuracy on fresh examples from so many labels, mean over networks; the commonest label alone is right in "
            f"{run.reuse[0].commonest:.3f}.\n",
        ]
    said = sentences(beside_published(run.study, run.lines))
    if said:
        parts.append("[bold]Beside what is published[/bold]\n" + escape("\n".join(said)) + "\n")
    return parts


def _shares(run: Run) -> Table:
    table = plain_table("restarts that find it", ("group", "site", "swap", "map", "start"), ("found", "share"))
    for line in run.lines:
        for start, solved in line.best.solved.items():
            table.add_row(
                *map(escape, (line.group, line.site, line.hypothesis, line.map, start)),
                f"{solved.hits} of {solved.count}",
                escape(f"{solved.share.value:.2f} [{solved.share.low:.2f}, {solved.share.high:.2f}]"),
            )
    return table


def _methods(own: Sequence[MethodScore]) -> Table:
    table = plain_table("methods side by side", ("map", "site"), ("size", "IIA", "untrained", "seconds"))
    for one in own:
        blank = "–" if one.untrained is None else f"{one.untrained.value:.3f}"
        about = escape(one.map), escape(one.site), str(one.size)
        table.add_row(*about, escape(str(one.iia)), blank, f"{one.seconds:.1f}")
    return table


def _reuse(curves: Sequence[ReuseCurve]) -> Table:
    table = plain_table(f"a new question: {curves[0].question}", ("group", "from"), tuple(map(str, curves[0].labels)))
    for curve in curves:
        accuracy = (f"{interval.value:.3f}" for interval in curve.accuracy)
        table.add_row(escape(curve.group), curve.way, *accuracy)
    return table


def as_text(run: Run) -> str:
    """The same as text."""
    text = io.StringIO()
    print_run(run, Console(width=100, file=text, highlight=False))
    return text.getvalue()


def print_run(run: Run, out: Console) -> None:
    """All of it."""
    out.print(f"[bold]{escape(run.study.title or run.study.name)}[/bold]\n")
    for group in dict.fromkeys(line.group for line in run.lines):
        out.print(_table(group, [line for line in run.lines if line.group == group]))
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
    for group, sentence in run.answers.items():
        out.print(f"\n[bold]{escape(group)}[/bold]: {escape(sentence)}")


def _table(group: str, lines: Sequence[Line]) -> Table:
    """One family; it fits 80 columns."""
    title = f"{group}, {lines[0].networks} network{'s' if lines[0].networks > 1 else ''}"
    table = plain_table(title, ("site", "swap", "map"), ("IIA", "size", "enough", "no_effect", "trick", "cell"))
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
            share_text(line.no_effect),
            share_text(line.one_directional) if line.one_directional is not None else "–",
            share_text(best.worst_transition),
        )
        last = line.site
    return table
