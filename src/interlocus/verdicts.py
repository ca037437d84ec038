"""From a run folder to verdicts: what was measured is laid out for `interlocus.verdict`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from interlocus.causal import Hypothesis
from interlocus.controls import Control
from interlocus.display import AbstractShown, Shown
from interlocus.entries import entry_of
from interlocus.family import Family
from interlocus.inside import OUTPUT
from interlocus.levels import Floors, floors
from interlocus.metrics import wilson
from interlocus.power import hardest_of, twins_of
from interlocus.results import Attempts
from interlocus.seen import Entry, Power, Seen, Used
from interlocus.store import Record, Store
from interlocus.study import SCHEMA, Study
from interlocus.verdict import PLANTED, Answer, Verdict, answer, judge_network

INPUT = "input"


@dataclass(frozen=True, kw_only=True, repr=False)
class NetworkVerdict(AbstractShown):
    """What is said of one network.

    Args:
        network: its name.
        family: of which it is one.
        accuracy: on fresh items.
        answer: the word for the whole network.
        sites: for each site, in order, a verdict a variable.
        rivals: the same for other ways to the output, inside the used subspace.
    """

    network: str
    family: str
    accuracy: float
    answer: Answer
    sites: tuple[tuple[Verdict, ...], ...]
    rivals: tuple[tuple[Verdict, ...], ...]

    def shown(self) -> Shown:
        """The word for the network, and a row a variable and site."""
        return Shown(
            title=f"{self.network} ({self.family}): {self.answer}, accuracy {self.accuracy:.3f}",
            columns=("site", "variable", "IIA", "size", "map", "verdict"),
            rows=[
                (
                    one.seen.site,
                    one.seen.variable,
                    f"{one.entry.iia:.3f} [{one.entry.low:.3f}, {one.entry.high:.3f}]",
                    str(one.entry.size),
                    one.entry.map,
                    one.word,
                )
                for row in self.sites
                for one in row
            ],
            notes=("The verdict on one variable shows what it rests on: `sites[0][0]`, say.",),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        rows = [_plain(verdict) for row in self.sites for verdict in row]
        return {
            "network": self.network,
            "family": self.family,
            "accuracy": self.accuracy,
            "answer": self.answer,
            "sites": rows,
            "rivals": [_plain(verdict) for row in self.rivals for verdict in row],
        }


def verdicts(study: Study, store: Store, records: Iterable[Record]) -> list[NetworkVerdict]:
    """The verdict on every network of a run, finished or not; networks without a record are left out."""
    return _Court(study=study, store=store, records=tuple(records)).sentences


def wanting_power(study: Study, found: Sequence[NetworkVerdict]) -> list[tuple[str, str]]:
    """Families and sites where a verdict waits for planted variables: nothing was found, and the search may be why."""
    wanted = {
        (one.family, verdict.seen.site): None
        for one in found
        for row in one.sites
        for verdict in row
        if verdict.word == "undecided" and verdict.seen.power is None and PLANTED in verdict.wanted
    }
    return list(wanted)


@dataclass(frozen=True, kw_only=True)
class _Court:
    study: Study
    store: Store
    records: tuple[Record, ...]

    @cached_property
    def task(self) -> Any:
        return self.study.task.build()

    @cached_property
    def asked(self) -> Hypothesis:
        return self.task.hypothesis(self.study.asked)

    @cached_property
    def own(self) -> dict[str, dict[str, list[Record]]]:
        """For each network and site the records of the hypothesis that is asked for."""
        found: dict[str, dict[str, list[Record]]] = {}
        for record in self.records:
            if (record.trial.hypothesis, record.trial.schedule) == (self.study.asked, self.study.schedule):
                found.setdefault(record.trial.network, {}).setdefault(record.trial.site, []).append(record)
        return found

    @property
    def sentences(self) -> list[NetworkVerdict]:
        return [
            self._sentence(family, network)
            for family in self.study.families
            for network in family.networks
            if network in self.own
        ]

    def _sentence(self, family: Family, network: str) -> NetworkVerdict:
        records = self.own[network]
        accuracy = next(iter(records.values()))[0].accuracy
        looks = sum(len(record.sizes) for site in records.values() for record in site)
        sites = [site for site in self.study.sites if site in records]
        controls = {site: self._control(network, site) for site in sites}
        seen = [self._seen(family, site, records[site], controls[site], looks) for site in sites]
        about = {"competence": self.study.competence, "thresholds": self.study.verdict}
        judged = judge_network(accuracy, seen, **about)
        rivals = [row for name in self.study.rivals for row in self._rivals(name, controls, looks)]
        judged_rivals = judge_network(accuracy, rivals, **about) if rivals else []
        return NetworkVerdict(
            network=network,
            family=family.name,
            accuracy=accuracy,
            answer=answer(judged, judged_rivals),
            sites=tuple(map(tuple, judged)),
            rivals=tuple(map(tuple, judged_rivals)),
        )

    def _seen(
        self, family: Family, site: str, records: Sequence[Record], control: Control | None, looks: int
    ) -> list[Seen]:
        """All that is known of each variable of the hypothesis at a site."""
        level, null = self._levels[self.study.asked], self._nulls.get(family.kind.architecture)
        if control is not None and control.shuffled is not None:
            null = max(null or 0.0, control.shuffled)
        maps = {record.trial.featurizer: record.sizes for record in records}
        order = [name for name in self.study.featurizers_of(self.study.asked, site) if name in maps]
        return [
            Seen(
                site=site,
                variable=variable,
                hidden=site != INPUT,
                entries=_entries({name: maps[name] for name in order}, variable, looks),
                floor=level.floor,
                one_sided=level.one_sided,
                null=null,
                random=control.random if control else 0.0,
                structural=control.structural if control else None,
                used=_used(control, self.study.asked, variable, looks),
                power=self._power(family, site),
                aside=control.aside if control else None,
                decoy=control.decoy if control else None,
            )
            for variable in self.asked.variables
        ]

    def _rivals(self, name: str, controls: Mapping[str, Control | None], looks: int) -> list[list[Seen]]:
        """The variables of another way to the output, at each site: what is found inside the used subspace is there."""
        level, rows = self._levels[name], []
        for site, control in controls.items():
            if control is None or name not in control.inside or site == INPUT:
                continue
            rows.append(
                [
                    Seen(
                        site=site,
                        variable=variable,
                        hidden=True,
                        entries=_entries(control.inside[name], variable, looks),
                        floor=level.floor,
                        one_sided=level.one_sided,
                        null=level.floor,
                        used=_used(control, name, variable, looks),
                    )
                    for variable in self.task.hypothesis(name).variables
                ]
            )
        return rows

    @cached_property
    def _levels(self) -> dict[str, Floors]:
        names = (self.study.asked, *self.study.rivals)
        return {name: floors(self.task, self.task.hypothesis(name)) for name in names}

    @cached_property
    def _nulls(self) -> dict[str, float]:
        """For each architecture the best score of all sites, sizes and maps in any network that was never trained."""
        best: dict[str, float] = {}
        for family in self.study.families:
            for network in family.networks if not family.trained else ():
                for records in self.own.get(network, {}).values():
                    for entry in (entry for record in records for entry in record.sizes):
                        about = family.kind.architecture
                        best[about] = max(best.get(about, 0.0), entry.best.score.iia)
        return best

    def _control(self, network: str, site: str) -> Control | None:
        data = self.store.control(network, site)
        return None if data is None else Control.from_json(data)

    def _power(self, family: Family, site: str) -> Power | None:
        """Of the hardest kind of planting."""
        hardest = hardest_of(twins_of(self.store, family, site), self.study.verdict.power)
        return hardest.power if hardest else None


def _used(control: Control | None, hypothesis: str, variable: str, looks: int) -> Used | None:
    if control is None or control.rank is None or control.agreement is None:
        return None
    pure = control.pure.get(variable, {})
    entries = [
        replace(entry, pure=pure.get(entry.map, {}).get(entry.size))
        for entry in _entries(control.inside.get(hypothesis, {}), variable, looks)
    ]
    output = {
        attempts.size: wilson(attempts.best.score.hits, attempts.best.score.count, looks=looks)[0]
        for maps in control.inside.get(OUTPUT, {}).values()
        for attempts in maps
    }
    return Used(
        rank=control.rank,
        width=control.width,
        agreement=control.agreement,
        entries=tuple(entries),
        output=output,
    )


def _entries(maps: Mapping[str, Sequence[Attempts]], variable: str, looks: int) -> tuple[Entry, ...]:
    """One entry a class of maps and size."""
    return tuple(
        entry_of(entry.best.score, variable, map=name, size=entry.size, looks=looks)
        for name, entries in maps.items()
        for entry in entries
    )


def _plain(verdict: Verdict) -> dict[str, Any]:
    """One row of `verdict.json`."""
    seen, entry = verdict.seen, verdict.entry
    inside = [e.pure for e in (seen.used.entries if seen.used else ()) if e.pure is not None]
    return {
        "site": seen.site,
        "variable": seen.variable,
        "verdict": verdict.word,
        "size": entry.size,
        "iia": entry.iia,
        "low": entry.low,
        "high": entry.high,
        "used_iia": verdict.used_iia,
        "used_rank": seen.used.rank if seen.used else None,
        "floor": seen.floor,
        "one_sided": seen.one_sided,
        "null": seen.null,
        "structural": seen.structural,
        "min_cell": entry.cell,
        "value_pure": min(inside, default=None),
        "power": seen.power.low if seen.power else None,
        "map": entry.map,
        "wanted": list(verdict.wanted),
        "evidence": [asdict(row) for row in verdict.evidence],
    }


def to_json(study: Study, found: Sequence[NetworkVerdict], answers: Mapping[str, str]) -> dict[str, Any]:
    """The content of `verdict.json`."""
    families = []
    for family in study.families:
        own = [one.answer for one in found if one.family == family.name]
        shares = {word: own.count(word) / len(own) for word in dict.fromkeys(own)}
        if own:
            families.append({"family": family.name, "answer": shares, "networks": len(own)})
    return {
        "schema": SCHEMA,
        "study": study.name,
        "answer": dict(answers),
        "families": families,
        "networks": [one.to_json() for one in found],
    }
