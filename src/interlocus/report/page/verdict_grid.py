"""Verdicts as rows of marks, one mark a network, with the evidence behind each mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from interlocus.controls._base import Evidence
from interlocus.studies.run import Run
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import ANSWER_WORDS, VERDICT_WORDS, AnswerWord, VerdictWord, Word

EFFECT_DIGITS = 4
PLAIN_CONTROL = "cell means"
"""The evidence that a page shows first, since it needs no knowledge of searches."""


class VerdictDetails(TypedDict):
    """What the script of the page shows of one verdict; `evidence` holds rows of control, text and pass."""

    network: str
    group: str
    site: str
    variable: str
    word: Word
    says: str
    effect: list[float]
    featurizer: str
    evidence: list[tuple[str, str, bool | None]]
    notes: list[str]
    missing_evidence: list[str]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The mark of one network.

    Args:
        symbol: The character that the mark shows.
        word: The verdict word or answer, also the CSS class.
        text: Network and word in full, read aloud in place of the symbol.
        number: Index into `VerdictGrid.verdicts`; `None` for the answer of a network, which cannot be opened.
        by_threshold: Whether the word would be another at other thresholds.
    """

    symbol: str
    word: str
    text: str
    number: int | None = None
    by_threshold: bool = False


Marks = tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class GroupMarks:
    """The marks of one group of networks.

    Args:
        group: Name of the group.
        answers: One mark a network.
        variables: Names of the columns; a variable of a rival hypothesis is followed by "(rival)".
        rows: Each site with the marks of each column, none where nothing was judged.
    """

    group: str
    answers: Marks
    variables: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Marks, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class VerdictGrid:
    """All verdicts of a run.

    Args:
        groups: Groups with a verdict, in the order of the study.
        verdicts: Details of every mark on a variable.
        words: Entries of the verdict words that occur, for the legend.
        answers: Entries of the answers that occur, for the legend.
        by_bar: For each pair of thresholds, such as `.90/.80`, how often each answer would be given in each group.
    """

    groups: tuple[GroupMarks, ...]
    verdicts: list[VerdictDetails]
    words: tuple[VerdictWord, ...]
    answers: tuple[AnswerWord, ...]
    by_bar: tuple[tuple[str, tuple[str, ...]], ...]


def verdict_grid(run: Run) -> VerdictGrid:
    """Lay out the verdicts of a run; without groups where nothing is judged yet."""
    details: list[VerdictDetails] = []
    groups = []
    for group in run.study.networks:
        networks = [verdict for verdict in run.verdicts if verdict.group == group.name]
        if networks:
            groups.append(_group_marks(group.name, networks, run.study.sites, details))
    words = {verdict["word"] for verdict in details}
    answers = {verdict.answer for verdict in run.verdicts}
    return VerdictGrid(
        groups=tuple(groups),
        verdicts=details,
        words=tuple(entry for word, entry in VERDICT_WORDS.items() if word in words),
        answers=tuple(entry for word, entry in ANSWER_WORDS.items() if word in answers),
        by_bar=_answers_by_bar(run, [marks.group for marks in groups]),
    )


def _answers_by_bar(run: Run, groups: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each pair of thresholds and each group the answers with their numbers, such as `hierarchical 8`."""
    bars = dict.fromkeys(bar for network in run.verdicts for bar in network.other_answers)
    rows = []
    for bar in bars:
        cells = []
        for group in groups:
            words = [network.other_answers[bar] for network in run.verdicts if network.group == group]
            counts = sorted(((words.count(word), word) for word in dict.fromkeys(words)), reverse=True)
            cells.append(", ".join(f"{word} {count}" for count, word in counts))
        rows.append((bar, tuple(cells)))
    return tuple(rows)


def word_counts(marks: Marks) -> list[tuple[str, int]]:
    """How often each word occurs among some marks, the most frequent first."""
    words = [mark.word for mark in marks]
    return sorted(((word, words.count(word)) for word in dict.fromkeys(words)), key=lambda pair: -pair[1])


def _group_marks(
    name: str, networks: Sequence[NetworkVerdict], sites: Sequence[str], details: list[VerdictDetails]
) -> GroupMarks:
    """The marks of a group; adds the details of each to `details`."""
    columns: dict[str, None] = {}
    cells: dict[tuple[str, str], list[Mark]] = {}
    for network in networks:
        for rival, rows in ((False, network.sites), (True, network.rivals)):
            for verdict in (verdict for row in rows for verdict in row):
                column = f"{verdict.observation.variable} (rival)" if rival else verdict.observation.variable
                columns[column] = None
                details.append(_details(network, verdict, column))
                mark = _verdict_mark(network, verdict, column, len(details) - 1)
                cells.setdefault((verdict.observation.site, column), []).append(mark)
    ordered = sorted(columns, key=lambda column: column.endswith("(rival)"))
    judged = [site for site in sites if any(site == place for place, _ in cells)]
    return GroupMarks(
        group=name,
        answers=tuple(_answer_mark(network) for network in networks),
        variables=tuple(ordered),
        rows=tuple((site, tuple(tuple(cells.get((site, column), ())) for column in ordered)) for site in judged),
    )


def _answer_mark(network: NetworkVerdict) -> Mark:
    entry = ANSWER_WORDS[network.answer]
    text = f"{network.network}: {entry.word}. {entry.explanation}"
    by_threshold = any(word != network.answer for word in network.other_answers.values())
    return Mark(symbol=entry.symbol, word=entry.word, text=text, by_threshold=by_threshold)


def _verdict_mark(network: NetworkVerdict, verdict: Verdict, column: str, number: int) -> Mark:
    entry, site = VERDICT_WORDS[verdict.word], verdict.observation.site
    text = f"{entry.symbol}: {network.network}, {column} at {site}: {entry.word}, IIA {verdict.effect.iia:.3f}"
    by_threshold = bool(verdict.threshold_note)
    if by_threshold:
        text += ", decided by a threshold"
    return Mark(symbol=entry.symbol, word=entry.word, text=text, number=number, by_threshold=by_threshold)


def _is_technical(row: Evidence) -> bool:
    """Whether a row comes after those that need no explanation."""
    return row.control != PLAIN_CONTROL


def _details(network: NetworkVerdict, verdict: Verdict, column: str) -> VerdictDetails:
    effect = verdict.effect
    return {
        "network": network.network,
        "group": network.group,
        "site": verdict.observation.site,
        "variable": column,
        "word": verdict.word,
        "says": VERDICT_WORDS[verdict.word].explanation,
        "effect": [round(value, EFFECT_DIGITS) for value in (effect.iia, effect.low, effect.high)],
        "featurizer": f"{effect.featurizer}, size {effect.size}",
        "evidence": [(row.control, row.text, row.passes) for row in sorted(verdict.evidence, key=_is_technical)],
        "notes": [note for note in (verdict.note, verdict.threshold_note) if note],
        "missing_evidence": list(verdict.missing_evidence),
    }
