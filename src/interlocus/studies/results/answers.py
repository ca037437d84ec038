"""The two answers of a study: are the variables computed before the output, and was the best alignment easy to find?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from interlocus.alignment.dimensions import mean_size
from interlocus.core.statistics import clopper_pearson
from interlocus.networks.site import INPUT_SITE
from interlocus.searches.results import Restarts
from interlocus.studies.records import Record
from interlocus.studies.spec.study import Study
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.words import ANSWER_WORDS

SOLVED_WITHIN = 0.02
"""A restart has succeeded if its IIA is at most this much below the best one of its trial."""

EASY_SHARE = 0.9
"""A start is easy if at least this share of its restarts succeeds."""

HARD_SHARE = 0.5
"""A start is hard if less than this share of its restarts succeeds."""


class GroupAnswer(NamedTuple):
    """The first answer for one network group.

    Args:
        group: Name of the group.
        text: One sentence: how many of its networks compute the variables first, and how many do not.
    """

    group: str
    text: str


@dataclass(frozen=True, kw_only=True)
class StudyAnswers:
    """Both answers in words.

    Args:
        groups: Are the variables computed before the output? One sentence for each trained group with a verdict.
        search: Was the best alignment easy to find? A paragraph on all trained networks together.
    """

    groups: tuple[GroupAnswer, ...]
    search: str

    @property
    def direct(self) -> str:
        """The first answer as one paragraph, with the name of each group before its sentence."""
        return " ".join(f"{group}: {text}" for group, text in self.groups) or "No trained network has a verdict."

    def to_json(self) -> dict[str, str]:
        """The two paragraphs, as `verdict.json` stores them under `answer`."""
        return {"direct": self.direct, "search": self.search}


def study_answers(study: Study, verdicts: Sequence[NetworkVerdict], records: Iterable[Record]) -> StudyAnswers | None:
    """Both answers of a study; `None` while there is no verdict.

    Args:
        study: The study with its network groups and sites.
        verdicts: The verdicts on its networks so far.
        records: The records of its finished trials.
    """
    if not verdicts:
        return None
    return StudyAnswers(groups=_group_answers(study, verdicts), search=search_answer(study, list(records)))


def _group_answers(study: Study, verdicts: Sequence[NetworkVerdict]) -> tuple[GroupAnswer, ...]:
    """One sentence for each trained group that has a verdict."""
    by_group = {
        group.name: [verdict for verdict in verdicts if verdict.group == group.name]
        for group in study.networks
        if group.trained
    }
    return tuple(GroupAnswer(name, _group_sentence(members)) for name, members in by_group.items() if members)


def _group_sentence(verdicts: Sequence[NetworkVerdict]) -> str:
    answers, total = [verdict.answer for verdict in verdicts], len(verdicts)
    counts = [(entry, answers.count(entry.word)) for entry in ANSWER_WORDS.values() if entry.word in answers]
    parts = [f"{count} of {total} {entry.predicate} ({_interval(count, total)})" for entry, count in counts]
    return f"{', '.join(parts)}.".replace(f"of {total} ", f"of {total} networks ", 1)


def _interval(count: int, total: int) -> str:
    low, high = clopper_pearson(count, total)
    return f"95 % interval {100 * low:.0f}–{100 * high:.0f} %"


@dataclass(frozen=True, kw_only=True)
class StartSuccess:
    """How many restarts of one start succeed at a site.

    Args:
        start: Name of the start.
        near: Number of restarts whose IIA is at most `SOLVED_WITHIN` below the best one of their trial.
        count: Number of all restarts, at the best size of each trial.
    """

    start: str
    near: int
    count: int

    @property
    def share(self) -> float:
        """`near` divided by `count`."""
        return self.near / self.count


def search_answer(study: Study, records: Sequence[Record]) -> str:
    """How easily searches in trained networks found the best alignment, site by site.

    Args:
        study: The study with its hypothesis, sites and network groups.
        records: The records of its finished trials.
    """
    sites = restarts(study, records)
    if not sites:
        return "There was no search in a trained network."
    judged = _judged_records(study, records)
    sentences = [
        f"Finding the best alignment was {_listed([_difficulty(site, starts) for site, starts in sites.items()])}.",
        f"These are the shares of searches whose IIA comes within {SOLVED_WITHIN:g} of the best one for the same "
        "network and featurizer.",
        _agreement(study, judged),
        _mean_by_featurizer(study, judged),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def restarts(study: Study, records: Sequence[Record]) -> dict[str, list[StartSuccess]]:
    """For each site how many restarts in trained networks succeed, by start; sites without a search are left out.

    Args:
        study: The study with its hypothesis, sites and network groups.
        records: The records of its finished trials.
    """
    judged = _judged_records(study, records)
    sites = {site: _successes([record for record in judged if record.trial.site == site]) for site in study.sites}
    return {site: starts for site, starts in sites.items() if starts}


def _judged_records(study: Study, records: Sequence[Record]) -> list[Record]:
    """The records of trained networks on which verdicts rest."""
    judged = (study.asked, study.schedule)
    trained = {group.name for group in study.networks if group.trained}
    return [
        record
        for record in records
        if (record.trial.hypothesis, record.trial.schedule) == judged and record.trial.group in trained
    ]


def _difficulty(site: str, starts: Sequence[StartSuccess]) -> str:
    """How hard the search at a site is, with the share of each start."""
    shares = [start.share for start in starts]
    if min(shares) >= EASY_SHARE:
        word = "easy"
    elif max(shares) >= EASY_SHARE and min(shares) < HARD_SHARE:
        word = "dependent on the start"
    else:
        word = "harder" if max(shares) >= HARD_SHARE else "hard"
    shown = ", ".join(f"{start.share:.0%} of {start.count} {start.start}".replace("%", " %") for start in starts)
    return f"{word} {_at(site)} ({shown} starts)"


def _agreement(study: Study, records: Sequence[Record]) -> str:
    """On what share of their directions successful searches agree, site by site."""
    parts, task = [], study.task.build()
    widths = {group.name: group.source.sites(task) for group in study.networks}
    for site in study.sites:
        shares, chances = [], []
        for record in (record for record in records if record.trial.site == site):
            best = _best(record)
            agreeing = best.agreeing(SOLVED_WITHIN)
            shares += agreeing
            chances += [mean_size(best.size) / widths[record.trial.group][site]] * len(agreeing)
        if shares:
            share, chance = sum(shares) / len(shares), sum(chances) / len(chances)
            parts.append(f"{100 * share:.0f} % of their directions {_at(site)} ({100 * chance:.0f} % by chance)")
    shown = [parts[0], *(part.replace("of their directions ", "") for part in parts[1:])] if parts else []
    return f"Searches that succeeded agree on {_listed(shown)}." if shown else ""


def _mean_by_featurizer(study: Study, records: Sequence[Record]) -> str:
    """The mean of the best IIA for each featurizer, at each hidden site; empty for a single featurizer."""
    names = dict.fromkeys(record.trial.featurizer for record in records)
    if len(names) < 2:
        return ""
    parts = []
    for site in (site for site in study.sites if site != INPUT_SITE):
        means = []
        for name in names:
            trials = [record for record in records if (record.trial.site, record.trial.featurizer) == (site, name)]
            best = [_best(record).best.score.iia for record in trials]
            if best:
                means.append(f"{name} {sum(best) / len(best):.3f}")
        if means:
            parts.append(f"{_at(site)} {', '.join(means)}")
    return f"Mean of the best IIA by featurizer: {'; '.join(parts)}." if parts else ""


def _best(record: Record) -> Restarts:
    """The restarts at the size with the highest IIA."""
    return max(record.sizes, key=lambda entry: entry.best.score.iia)


def _successes(records: Sequence[Record]) -> list[StartSuccess]:
    near: dict[str, int] = {}
    count: dict[str, int] = {}
    for record in records:
        best = _best(record)
        for restart in best.restarts:
            count[restart.start] = count.get(restart.start, 0) + 1
            near[restart.start] = near.get(restart.start, 0) + (
                restart.score.iia >= best.best.score.iia - SOLVED_WITHIN
            )
    return [StartSuccess(start=name, near=near[name], count=count[name]) for name in count]


def _at(site: str) -> str:
    return "at the input" if site == INPUT_SITE else f"at {site}"


def _listed(parts: Sequence[str]) -> str:
    """Parts joined by commas, with "and" before the last.

    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
