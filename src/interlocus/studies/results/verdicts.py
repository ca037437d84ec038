"""From a run folder to verdicts: what was measured is laid out for `interlocus.verdict`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.criteria import Effect, effect_of
from interlocus.controls.power import Power, hardest_of, planted_results_of
from interlocus.controls.record import ControlRecord
from interlocus.controls.restricted_search import OUTPUT
from interlocus.core.statistics import wilson
from interlocus.networks.site import INPUT_SITE
from interlocus.searches.results import Restarts
from interlocus.studies.records import Record
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import SCHEMA, Study
from interlocus.studies.store import Store
from interlocus.tasks.chance_levels import ChanceLevels, chance_levels
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.observation import SiteObservation, UsedSubspaceEvidence
from interlocus.verdicts.rules import PLANTED, answer, judge_network


def verdicts(study: Study, store: Store, records: Iterable[Record]) -> list[NetworkVerdict]:
    """The verdict on every network of a run, finished or not; networks without a record are left out."""
    return _Collection(study=study, store=store, records=tuple(records)).sentences


def wanting_power(study: Study, found: Sequence[NetworkVerdict]) -> list[tuple[str, str]]:
    """Families and sites where a verdict waits for planted variables: nothing was found, and the search may be why."""
    wanted = {
        (one.group, verdict.seen.site): None
        for one in found
        for row in one.sites
        for verdict in row
        if verdict.word == "undecided" and verdict.seen.power is None and PLANTED in verdict.wanted
    }
    return list(wanted)


@dataclass(frozen=True, kw_only=True)
class _Collection:
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
            self._sentence(group, network)
            for group in self.study.networks
            for network in group.networks
            if network in self.own
        ]

    def _sentence(self, group: NetworkGroup, network: str) -> NetworkVerdict:
        records = self.own[network]
        accuracy = next(iter(records.values()))[0].accuracy
        looks = sum(len(record.sizes) for site in records.values() for record in site)
        sites = [site for site in self.study.sites if site in records]
        controls = {site: self._control(network, site) for site in sites}
        seen = [self._seen(group, site, records[site], controls[site], looks) for site in sites]
        about = {"competence": self.study.competence, "thresholds": self.study.verdict}
        judged = judge_network(accuracy, seen, **about)
        rivals = [row for name in self.study.rivals for row in self._rivals(name, controls, looks)]
        judged_rivals = judge_network(accuracy, rivals, **about) if rivals else []
        return NetworkVerdict(
            network=network,
            group=group.name,
            accuracy=accuracy,
            answer=answer(judged, judged_rivals),
            sites=tuple(map(tuple, judged)),
            rivals=tuple(map(tuple, judged_rivals)),
        )

    def _seen(
        self, group: NetworkGroup, site: str, records: Sequence[Record], control: ControlRecord | None, looks: int
    ) -> list[SiteObservation]:
        """All that is known of each variable of the hypothesis at a site."""
        level, null = self._levels[self.study.asked], self._nulls.get(group.source.architecture)
        if control is not None and control.shuffled is not None:
            null = max(null or 0.0, control.shuffled)
        maps = {record.trial.featurizer: record.sizes for record in records}
        order = [name for name in self.study.featurizers_of(self.study.asked, site) if name in maps]
        return [
            SiteObservation(
                site=site,
                variable=variable,
                hidden=site != INPUT_SITE,
                entries=_entries({name: maps[name] for name in order}, variable, looks),
                no_effect=level.no_effect,
                one_directional=level.one_directional,
                null=null,
                random=control.random if control else 0.0,
                structural=control.structural if control else None,
                used=_used(control, self.study.asked, variable, looks),
                power=self._power(group, site),
                aside=control.aside if control else None,
                decoy=control.decoy if control else None,
            )
            for variable in self.asked.variables
        ]

    def _rivals(
        self, name: str, controls: Mapping[str, ControlRecord | None], looks: int
    ) -> list[list[SiteObservation]]:
        """The variables of another way to the output, at each site: what is found inside the used subspace is there."""
        level, rows = self._levels[name], []
        for site, control in controls.items():
            if control is None or name not in control.inside or site == INPUT_SITE:
                continue
            rows.append(
                [
                    SiteObservation(
                        site=site,
                        variable=variable,
                        hidden=True,
                        entries=_entries(control.inside[name], variable, looks),
                        no_effect=level.no_effect,
                        one_directional=level.one_directional,
                        null=level.no_effect,
                        used=_used(control, name, variable, looks),
                    )
                    for variable in self.task.hypothesis(name).variables
                ]
            )
        return rows

    @cached_property
    def _levels(self) -> dict[str, ChanceLevels]:
        names = (self.study.asked, *self.study.rivals)
        return {name: chance_levels(self.task, self.task.hypothesis(name)) for name in names}

    @cached_property
    def _nulls(self) -> dict[str, float]:
        """For each architecture the best score of all sites, sizes and maps in any network that was never trained."""
        best: dict[str, float] = {}
        for group in self.study.networks:
            for network in group.networks if not group.trained else ():
                for records in self.own.get(network, {}).values():
                    for entry in (entry for record in records for entry in record.sizes):
                        about = group.source.architecture
                        best[about] = max(best.get(about, 0.0), entry.best.score.iia)
        return best

    def _control(self, network: str, site: str) -> ControlRecord | None:
        data = self.store.control(network, site)
        return None if data is None else ControlRecord.from_json(data)

    def _power(self, group: NetworkGroup, site: str) -> Power | None:
        """Of the hardest kind of planting."""
        hardest = hardest_of(planted_results_of(self.store, group, site), self.study.verdict.power)
        return hardest.power if hardest else None


def _used(control: ControlRecord | None, hypothesis: str, variable: str, looks: int) -> UsedSubspaceEvidence | None:
    if control is None or control.rank is None or control.agreement is None:
        return None
    pure = control.pure.get(variable, {})
    entries = [
        replace(entry, pure=pure.get(entry.map, {}).get(entry.size))
        for entry in _entries(control.inside.get(hypothesis, {}), variable, looks)
    ]
    output = {
        restarts.size: wilson(restarts.best.score.hits, restarts.best.score.count, comparisons=looks)[0]
        for maps in control.inside.get(OUTPUT, {}).values()
        for restarts in maps
    }
    return UsedSubspaceEvidence(
        rank=control.rank,
        width=control.width,
        agreement=control.agreement,
        entries=tuple(entries),
        output=output,
    )


def _entries(maps: Mapping[str, Sequence[Restarts]], variable: str, looks: int) -> tuple[Effect, ...]:
    """One entry a class of maps and size."""
    return tuple(
        effect_of(entry.best.score, variable, map=name, size=entry.size, looks=looks)
        for name, entries in maps.items()
        for entry in entries
    )


def to_json(study: Study, found: Sequence[NetworkVerdict], answers: Mapping[str, str]) -> dict[str, Any]:
    """The content of `verdict.json`."""
    groups = []
    for group in study.networks:
        own = [one.answer for one in found if one.group == group.name]
        shares = {word: own.count(word) / len(own) for word in dict.fromkeys(own)}
        if own:
            groups.append({"group": group.name, "answer": shares, "count": len(own)})
    return {
        "schema": SCHEMA,
        "study": study.name,
        "answer": dict(answers),
        "groups": groups,
        "networks": [one.to_json() for one in found],
    }
