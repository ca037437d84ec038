"""The two answers in words: through the middle or straight to the end, and was the right alignment easy to find?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlocus.alignment.dimensions import mean_size
from interlocus.core.statistics import wilson
from interlocus.networks.site import INPUT_SITE
from interlocus.searches.results import Restarts
from interlocus.studies.records import Record
from interlocus.studies.spec.study import Study
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import Answer, Word

SOLVED_WITHIN = 0.02
"""A restart that comes so near to the best has found it."""

_WEAKER: tuple[Word, ...] = (
    "computed",
    "entangled",
    "partial",
    "unused",
    "bypassed",
    "consumed",
    "absent",
    "undecided",
    "not-learned",
)
"""From what is known best to what is known least."""

_WORDS: Mapping[Answer, str] = {
    "hierarchical": "go through the middle",
    "partly-hierarchical": "go through the middle in part",
    "other-route": "go another way",
    "straight-to-the-end": "go straight to the end",
    "undecided": "are undecided",
    "not-learned": "do not solve the task",
}


def study_answers(study: Study, found: Sequence[NetworkVerdict], records: Iterable[Record]) -> dict[str, str]:
    """Both answers, as `verdict.json` keeps them; empty where nothing is judged yet."""
    if not found:
        return {}
    return {"direct": direct(study, found), "search": how_hard(study, list(records))}


def direct(study: Study, found: Sequence[NetworkVerdict]) -> str:
    """Does it go through the middle, or straight to the end? For each family of trained networks."""
    parts = []
    for group in study.networks:
        own = [one for one in found if one.group == group.name]
        if own and group.trained:
            parts.append(f"{group.name}: {_group(own)}")
    return " ".join(parts) or "No trained network was judged."


def _group(own: Sequence[NetworkVerdict]) -> str:
    counts: dict[Answer, int] = {word: sum(one.answer == word for one in own) for word in _WORDS}
    said = [f"{count} of {len(own)} {_WORDS[word]}{_share(count, len(own))}" for word, count in counts.items() if count]
    return f"{', '.join(said)}; {_by_site(own)}."


def _share(count: int, total: int) -> str:
    low, high = wilson(count, total)
    return f" [{low:.2f}, {high:.2f}]"


def _by_site(own: Sequence[NetworkVerdict]) -> str:
    """How often each word was said at each hidden site; of several variables the one of which least is known counts."""
    sites = dict.fromkeys(row[0].seen.site for one in own for row in one.sites if row[0].seen.hidden)
    parts = []
    for site in sites:
        rows = [row for one in own for row in one.sites if row[0].seen.site == site]
        words = [max((verdict.word for verdict in row), key=_WEAKER.index) for row in rows]
        counts = sorted(((words.count(word), word) for word in dict.fromkeys(words)), reverse=True)
        parts.append(f"at {site} {', '.join(f'{word} in {count}' for count, word in counts)}")
    return "; ".join(parts)


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
        f"Share of restarts within {SOLVED_WITHIN:g} of the best IIA known for their network and class of maps, at its best "
        f"size: {'; '.join(parts)}. {_agreeing(study, own)}{_maps(study, own)}"
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
