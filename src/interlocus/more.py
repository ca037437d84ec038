"""What some studies show besides the table: shares of restarts, basins, methods, re-use, published scores."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from interlocus.basin import basins
from interlocus.methods import Method
from interlocus.plain_table import plain_table
from interlocus.published import beside_published, sentences
from interlocus.reuse_records import ReuseCurve
from interlocus.run import Run

MANY = 8
"""Of fewer restarts a share says little, so it is shown only where the study compares schedules."""
_ABOUT_SHARES = (
    "Restarts that reach an IIA of .99 on test, with Wilson's 95 % interval over restarts. "
    "All of them see the same examples, so another seed may fall outside of it.\n"
)
SEVERAL = 3
"""Classes of maps that are worth a table of their own."""


def more(run: Run) -> list[Table | str]:
    """Tables and paragraphs, for those studies that they belong to; empty for most."""
    parts: list[Table | str] = []
    if len(run.study.schedules) > 1 or max(run.study.starts.values()) >= MANY:
        parts += [_shares(run), _ABOUT_SHARES]
    for one in basins(run.lines):
        parts.append(
            f"{escape(one.family)}, {one.site}: half of the searches return from noise {one.text} on every entry of "
            f"the {one.start} start.\n"
        )
    own = run.methods
    if len({one.map for one in own}) >= SEVERAL:
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
    table = plain_table("restarts that find it", ("family", "site", "swap", "map", "start"), ("found", "share"))
    for line in run.lines:
        for start, solved in line.best.solved.items():
            table.add_row(
                *map(escape, (line.family, line.site, line.hypothesis, line.map, start)),
                f"{solved.hits} of {solved.count}",
                escape(f"{solved.share.value:.2f} [{solved.share.low:.2f}, {solved.share.high:.2f}]"),
            )
    return table


def _methods(own: Sequence[Method]) -> Table:
    table = plain_table("methods side by side", ("map", "site"), ("size", "IIA", "untrained", "seconds"))
    for one in own:
        blank = "–" if one.untrained is None else f"{one.untrained.value:.3f}"
        about = escape(one.map), escape(one.site), str(one.size)
        table.add_row(*about, escape(str(one.iia)), blank, f"{one.seconds:.1f}")
    return table


def _reuse(curves: Sequence[ReuseCurve]) -> Table:
    table = plain_table(f"a new question: {curves[0].question}", ("family", "from"), tuple(map(str, curves[0].labels)))
    for curve in curves:
        accuracy = (f"{interval.value:.3f}" for interval in curve.accuracy)
        table.add_row(escape(curve.family), curve.way, *accuracy)
    return table
