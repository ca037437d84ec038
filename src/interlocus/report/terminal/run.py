"""A run in words: the table of scores, the answers, and what only some studies measure."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interlocus.core.display.displayable import TEXT_WIDTH
from interlocus.report.questions import EASY_TO_FIND, VARIABLES_FIRST
from interlocus.report.terminal.tables import interval_text, plain_table, print_words, score_text
from interlocus.studies.results.basins import basins
from interlocus.studies.results.method_comparison import MethodScore
from interlocus.studies.results.published import compare_with_published, published_sentences
from interlocus.studies.results.reuse_curves import ReuseCurve
from interlocus.studies.results.summary import Line
from interlocus.studies.run import Run
from interlocus.verdicts.words import ANSWER_WORDS, VERDICT_WORDS, Word, least_known

MIN_RESTARTS_SHOWN = 8
"""Restarts a start from which their shares are shown; fewer say little, unless the study compares schedules."""

MIN_FEATURIZERS_SHOWN = 3
"""Featurizers from which they get a table of their own."""

SCORE_COLUMNS = (
    "IIA",
    "size",
    "suffi-\ncient\nsize",
    "no-\neffect",
    "one-\ndirec-\ntional",
    "worst\ntran-\nsition",
)

_SCORE_NOTES = """\
IIA: share of interchange interventions after which the network gives the answer of the causal model; mean over \
networks with 95 % interval, at the best size.
sufficient size: smallest number of directions that scores within 0.01 of the best, with 95 % interval.
no-effect: score of an interchange that changes nothing.
one-directional: best score of a method that can only destroy the variable, never set it.
worst transition: IIA for the hardest change of value (e.g. 0 → 1), mean over networks.
"""

_RESTART_NOTES = """\
Restarts that reach a test IIA of 0.99, with their exact 95 % interval. All restarts see the same examples, \
so another seed may give a share outside of the interval.
"""


def show(run: Run) -> str:
    """The scores and the answers of a run as plain text, as `interlocus show` prints them.

    Args:
        run: A run, finished or not.
    """
    text = io.StringIO()
    print_run(run, Console(width=TEXT_WIDTH, file=text, highlight=False))
    return text.getvalue()


def print_run(run: Run, console: Console) -> None:
    """Print the scores and the answers of a run."""
    console.print(f"[bold]{escape(run.study.title or run.study.name)}[/bold]\n")
    for group in dict.fromkeys(line.group for line in run.lines):
        console.print(_scores(group, [line for line in run.lines if line.group == group]))
    console.print(_SCORE_NOTES)
    for part in _further_results(run):
        console.print(part)
    _print_answers(run, console)
    if run.missing:
        folder = run.store.folder
        again = shlex.join(["interlocus", "study", str(folder / "study.yaml"), "--out", str(folder)])
        count = len(run.missing)
        missing = "1 trial is missing" if count == 1 else f"{count} trials are missing"
        console.print(f"[yellow]{missing}[/yellow]; continue with: {escape(again)}")


def _scores(group: str, lines: Sequence[Line]) -> Table:
    """The table of one group, which fits into 80 columns."""
    count = lines[0].networks
    title = f"{group}, {count} network{'s' if count > 1 else ''}"
    table = plain_table(title, ("site", "hypo-\nthesis", "featur-\nizer"), SCORE_COLUMNS)
    site = ""
    for line in lines:
        best = line.best
        table.add_row(
            escape(line.site) if line.site != site else "",
            escape(line.hypothesis),
            escape(line.map),
            interval_text(best.iia),
            str(best.size),
            escape(line.enough_text),
            score_text(line.no_effect),
            score_text(line.one_directional),
            score_text(best.worst_transition),
        )
        site = line.site
    return table


def _print_answers(run: Run, console: Console) -> None:
    """The two answers with the verdicts behind them, and what was measured."""
    if run.study.controls and run.answer:
        console.print(f"[bold]{VARIABLES_FIRST}[/bold]\n{escape(run.answer.direct)}\n")
        _print_verdicts(run, console)
        console.print(f"[bold]{EASY_TO_FIND}[/bold]\n{escape(run.answer.search)}\n")
    note = "" if run.study.controls else "; no verdict is given, since the study measures no controls"
    console.print(f"[bold]What was measured[/bold]{note}")
    for group, sentence in run.group_sentences.items():
        console.print(f"\n[bold]{escape(group)}[/bold]: {escape(sentence)}")


def _print_verdicts(run: Run, console: Console) -> None:
    """How many networks of each trained group got each word, site by site, and what the words mean."""
    rows: dict[tuple[str, str], list[Word]] = {}
    trained = {group.name for group in run.study.networks if group.trained}
    for network in run.verdicts:
        for variables in network.sites if network.group in trained else ():
            if variables[0].observation.hidden:
                word = least_known(variable.word for variable in variables)
                rows.setdefault((network.group, variables[0].observation.site), []).append(word)
    words: list[Word] = [word for word in VERDICT_WORDS if any(word in given for given in rows.values())]
    if not words:
        return
    console.print("Networks by verdict; where variables differ, the verdict that says least counts.")
    table = plain_table("", ("group", "site"), words)
    for (group, site), given in rows.items():
        table.add_row(escape(group), escape(site), *(str(given.count(word) or "·") for word in words))
    console.print(table)
    answers = {network.answer for network in run.verdicts if network.group in trained}
    console.print()
    print_words([VERDICT_WORDS[word] for word in words], console)
    if answers - {*words}:
        print_words([entry for word, entry in ANSWER_WORDS.items() if word in answers - {*words}], console)


def _further_results(run: Run) -> Iterator[Table | str]:
    """Tables and paragraphs that only some studies have."""
    if len(run.study.schedules) > 1 or max(run.study.starts.values()) >= MIN_RESTARTS_SHOWN:
        yield from (_restart_shares(run), _RESTART_NOTES)
    for basin in basins(run.lines):
        yield (
            f"{escape(basin.group)}, {escape(basin.site)}: half of the searches recover from noise of "
            f"{escape(basin.text)} on every entry of the {escape(basin.start)} start.\n"
        )
    if len({method.map for method in run.methods}) >= MIN_FEATURIZERS_SHOWN:
        yield from (
            _featurizers(run.methods),
            "Mean over all trained networks with 95 % interval; seconds are the time of all searches there.\n",
        )
    if run.reuse:
        yield from (
            _reuse(run.reuse),
            "Accuracy on fresh examples by number of labels, mean over networks. Always guessing the most frequent "
            f"label gives {run.reuse[0].commonest:.3f}.\n",
        )
    published = published_sentences(compare_with_published(run.study, run.lines))
    if published:
        yield "[bold]Comparison with published scores[/bold]\n" + escape("\n".join(published)) + "\n"


def _restart_shares(run: Run) -> Table:
    columns = ("group", "site", "hypothesis", "featurizer", "start")
    table = plain_table("restarts that solve it", columns, ("solved", "share"))
    for line in run.lines:
        for start, solved in line.best.solved.items():
            table.add_row(
                *map(escape, (line.group, line.site, line.hypothesis, line.map, start)),
                f"{solved.hits} of {solved.count}",
                interval_text(solved.share),
            )
    return table


def _featurizers(methods: Sequence[MethodScore]) -> Table:
    columns = ("size", "IIA", "untrained", "seconds")
    table = plain_table("featurizers side by side", ("featurizer", "site"), columns)
    for method in methods:
        untrained = score_text(None if method.untrained is None else method.untrained.value)
        key = escape(method.map), escape(method.site), str(method.size)
        table.add_row(*key, interval_text(method.iia), untrained, f"{method.seconds:.1f}")
    return table


def _reuse(curves: Sequence[ReuseCurve]) -> Table:
    title = f"a new question: {curves[0].question}"
    table = plain_table(title, ("group", "answered from"), tuple(map(str, curves[0].labels)))
    for curve in curves:
        accuracy = (score_text(interval.value) for interval in curve.accuracy)
        table.add_row(escape(curve.group), curve.way, *accuracy)
    return table
