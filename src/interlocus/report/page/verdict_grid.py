"""Verdicts as strips: a small mark a network, for each family, site and variable, with what lies behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from interlocus.studies.run import Run
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import Answer, Verdict, Word

MARKS: Mapping[Word, tuple[str, str]] = {
    "computed": ("C", "It is there, the network uses it, and only its value passes."),
    "entangled": ("R", "It is there and used, but what it is computed from still rides along."),
    "partial": ("P", "More than can be had without it, in both directions of change, but not all of it."),
    "unused": ("U", "It is there, in directions that the rest of the network does not need."),
    "consumed": ("X", "It is not here, and it was found at an earlier hidden site."),
    "bypassed": ("B", "It is neither here nor at an earlier hidden site, while the output already is."),
    "absent": ("A", "It is not here, to the maps and sizes searched, and the search would have found it."),
    "undecided": ("?", "The scores and controls do not decide; what would is named."),
    "not-learned": ("–", "The network does not solve the task, so nothing is claimed."),
}
"""For each verdict its mark, and what it says."""

ANSWERS: Mapping[Answer, tuple[str, str]] = {
    "hierarchical": ("H", "goes through the middle"),
    "partly-hierarchical": ("h", "goes through the middle in part"),
    "other-route": ("O", "goes another way"),
    "straight-to-the-end": ("S", "goes straight to the end"),
    "undecided": ("?", "undecided"),
    "not-learned": ("–", "does not solve the task"),
}
"""The same for networks as a whole."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One network in a strip.

    Args:
        letter: shown.
        word: what it stands for.
        text: in words, with the network.
        number: its place among the verdicts; `None` for a network as a whole.
    """

    letter: str
    word: str
    text: str
    number: int | None = None


Strip = tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class GroupStrips:
    """The strips of a family.

    Args:
        answers: of its networks.
        variables: the columns; those of rivals say so.
        rows: for each site a strip a column, empty where nothing was judged.
    """

    group: str
    answers: Strip
    variables: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Strip, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Strips:
    """All verdicts of a run.

    Args:
        networks: in the order of the study.
        verdicts: what is behind each mark, as plain values.
        words: the verdicts that occur, in the order of the legend.
    """

    groups: tuple[GroupStrips, ...]
    verdicts: list[dict[str, Any]]
    words: tuple[Word, ...]


def strips(run: Run) -> Strips:
    """Lay out the verdicts of a run; no family where nothing was judged."""
    judged: list[dict[str, Any]] = []
    groups = []
    for group in run.study.networks:
        own = [one for one in run.verdicts if one.group == group.name]
        if own:
            groups.append(_group(group.name, own, run.study.sites, judged))
    said = {verdict["word"] for verdict in judged}
    return Strips(
        groups=tuple(groups),
        verdicts=judged,
        words=tuple(word for word in get_args(Word) if word in said),
    )


def counts(strip: Strip) -> list[tuple[str, int]]:
    """How often each word stands in a strip, the most frequent first."""
    words = [mark.word for mark in strip]
    return sorted(((word, words.count(word)) for word in dict.fromkeys(words)), key=lambda pair: -pair[1])


def _group(name: str, own: Sequence[NetworkVerdict], sites: Sequence[str], judged: list[dict[str, Any]]) -> GroupStrips:
    columns: dict[str, None] = {}
    cells: dict[tuple[str, str], list[Mark]] = {}
    for one in own:
        for rival, rows in ((False, one.sites), (True, one.rivals)):
            for verdict in (verdict for row in rows for verdict in row):
                column = f"{verdict.seen.variable} (rival)" if rival else verdict.seen.variable
                columns[column] = None
                judged.append(_plain(one, verdict, column))
                cells.setdefault((verdict.seen.site, column), []).append(_mark(one, verdict, column, len(judged) - 1))
    ordered = sorted(columns, key=lambda column: column.endswith("(rival)"))
    here = [site for site in sites if any(site == at for at, _ in cells)]
    return GroupStrips(
        group=name,
        answers=tuple(_answer(one) for one in own),
        variables=tuple(ordered),
        rows=tuple((site, tuple(tuple(cells.get((site, column), ())) for column in ordered)) for site in here),
    )


def _answer(one: NetworkVerdict) -> Mark:
    letter, text = ANSWERS[one.answer]
    return Mark(letter=letter, word=one.answer, text=f"{one.network} {text}")


def _mark(one: NetworkVerdict, verdict: Verdict, column: str, number: int) -> Mark:
    letter, word = MARKS[verdict.word][0], verdict.word
    text = f"{letter}: {one.network}, {column} at {verdict.seen.site}: {word}, IIA {verdict.entry.iia:.3f}"
    return Mark(letter=letter, word=word, text=text, number=number)


def _plain(one: NetworkVerdict, verdict: Verdict, column: str) -> dict[str, Any]:
    entry = verdict.entry
    return {
        "network": one.network,
        "group": one.group,
        "site": verdict.seen.site,
        "variable": column,
        "word": verdict.word,
        "says": MARKS[verdict.word][1],
        "effect": [round(entry.iia, 4), round(entry.low, 4), round(entry.high, 4)],
        "map": f"{entry.map}, size {entry.size}",
        "evidence": [[row.control, row.text, row.passes] for row in verdict.evidence],
        "wanted": list(verdict.wanted),
    }
