"""The two answers in words: are the variables computed before the output, and was the right alignment easy to find?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlocus.alignment.dimensions import mean_size
from interlocus.core.statistics import wilson
from interlocus.networks.site import INPUT_SITE
from interlocus.searches.results import Restarts
from interlocus.studies.records import Record
from interlocus.studies.spec.study import Study
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.words import ANSWER_WORDS

SOLVED_WITHIN = 0.02
"""A restart that comes so near to the best has found it."""


def study_answers(study: Study, found: Sequence[NetworkVerdict], records: Iterable[Record]) -> dict[str, str]:
    """Both answers, as `verdict.json` keeps them; empty where nothing is judged yet."""
    if not found:
        return {}
    return {"direct": direct(study, found), "search": how_hard(study, list(records))}


def direct(study: Study, found: Sequence[NetworkVerdict]) -> str:
    """How many networks of each trained group compute the variables before the output, and how many do not."""
    parts = []
    for group in study.networks:
        own = [one for one in found if one.group == group.name]
        if own and group.trained:
            parts.append(f"{group.name}: {_group(own)}")
    return " ".join(parts) or "No trained network was judged."


def _group(own: Sequence[NetworkVerdict]) -> str:
    answers, total = [one.answer for one in own], len(own)
    given = [(entry, answers.count(entry.word)) for entry in ANSWER_WORDS.values() if entry.word in answers]
    parts = [f"{count} of {total} {entry.predicate} ({_interval(count, total)})" for entry, count in given]
    return f"{', '.join(parts)}.".replace(f"of {total} ", f"of {total} networks ", 1)


def _interval(count: int, total: int) -> str:
    low, high = wilson(count, total)
    return f"95 % interval {100 * low:.0f}–{100 * high:.0f} %"


@dataclass(frozen=True, kw_only=True)
class Reached:
    """How often restarts come near to the best that is known of a network at a site."""

    start: str
    near: int
    count: int

    @property
    def share(self) -> float:
        return self.near / self.count


def how_hard(study: Study, records: Sequence[Record]) -> str:
    """Was the right alignment easy to find? Restarts against the best that is known, by site and start."""
    own = _asked(study, records)
    parts = []
    for site, reached in restarts(study, records).items():
        shares = ", ".join(f"{one.start} {one.share:.0%} of {one.count}" for one in reached)
        parts.append(f"{'at the input' if site == INPUT_SITE else f'at {site}'} {shares}")
    if not parts:
        return "No search was made in a trained network."
    return (
        f"Share of restarts within {SOLVED_WITHIN:g} of the best IIA known for their network and class of maps, at its "
        f"best size: {'; '.join(parts)}. {_agreeing(study, own)}{_maps(study, own)}"
    )


def restarts(study: Study, records: Sequence[Record]) -> dict[str, list[Reached]]:
    """For each site how many restarts come near to the best that is known of their trained network, by start."""
    own = _asked(study, records)
    sites = {site: _reached([one for one in own if one.trial.site == site]) for site in study.sites}
    return {site: reached for site, reached in sites.items() if reached}


def _asked(study: Study, records: Sequence[Record]) -> list[Record]:
    """What verdicts rest on, in trained networks."""
    asked, trained = (study.asked, study.schedule), {group.name for group in study.networks if group.trained}
    return [
        one for one in records if (one.trial.hypothesis, one.trial.schedule) == asked and one.trial.group in trained
    ]


def _agreeing(study: Study, records: Sequence[Record]) -> str:
    """Whether restarts that came so near found the same subspaces, site by site."""
    parts, task = [], study.task.build()
    widths = {group.name: group.source.sites(task) for group in study.networks}
    for site in study.sites:
        shares, chances = [], []
        for record in (one for one in records if one.trial.site == site):
            best = _best(record)
            own = best.agreeing(SOLVED_WITHIN)
            shares += own
            chances += [mean_size(best.size) / widths[record.trial.group][site]] * len(own)
        if shares:
            parts.append(f"{site} {sum(shares) / len(shares):.2f} (chance {sum(chances) / len(chances):.2f})")
    return f"Those that came near share this much of their directions: {'; '.join(parts)}. " if parts else ""


def _best(record: Record) -> Restarts:
    return max(record.sizes, key=lambda entry: entry.best.score.iia)


def _reached(records: Sequence[Record]) -> list[Reached]:
    near: dict[str, int] = {}
    count: dict[str, int] = {}
    for record in records:
        best = _best(record)
        for restart in best.restarts:
            count[restart.start] = count.get(restart.start, 0) + 1
            near[restart.start] = near.get(restart.start, 0) + (
                restart.score.iia >= best.best.score.iia - SOLVED_WITHIN
            )
    return [Reached(start=name, near=near[name], count=count[name]) for name in count]


def _maps(study: Study, own: Sequence[Record]) -> str:
    """Whether the class of maps decides, at the first hidden site."""
    hidden = [site for site in study.sites if site != INPUT_SITE]
    maps = dict.fromkeys(record.trial.featurizer for record in own)
    if not hidden or len(maps) < 2:
        return ""
    parts = []
    for site in hidden:
        means = []
        for name in maps:
            here = [
                _best(record).best.score.iia
                for record in own
                if (record.trial.site, record.trial.featurizer) == (site, name)
            ]
            if here:
                means.append(f"{name} {sum(here) / len(here):.3f}")
        if means:
            parts.append(f"{site} {', '.join(means)}")
    return f"Mean of the best IIA by class of maps: {'; '.join(parts)}."
