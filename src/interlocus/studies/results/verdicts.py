"""From the records of a run to verdicts: the measurements at each site become observations, which the rules judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from interlocus.controls.nulls.linear_ceiling import LinearCeiling
from interlocus.controls.nulls.shuffled_labels import ShuffledLabels
from interlocus.controls.nulls.untrained import NullLevel
from interlocus.controls.power import PowerControl
from interlocus.controls.probes import ProbesControl
from interlocus.controls.record import ControlRecord
from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.core.json_record import JsonObject
from interlocus.networks.site import INPUT_SITE
from interlocus.studies.records import Measurements, Record
from interlocus.studies.results.answers import StudyAnswers
from interlocus.studies.results.effects import by_cell_means, cases_of, effects_of, searches_inside, used_evidence
from interlocus.studies.results.planted import power_at
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import SCHEMA, Study
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import ChanceLevels, chance_levels
from interlocus.verdicts.answer import answer
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.observation import SiteObservation
from interlocus.verdicts.rules import judge_network
from interlocus.verdicts.sensitivity import with_other_words


def collect_verdicts(study: Study, measurements: Measurements) -> list[NetworkVerdict]:
    """The verdict on every network of a run, finished or not. Networks without a record are left out.

    Args:
        study: The study of the run.
        measurements: Its records, controls and results in planted networks.
    """
    collection = _Collection(study=study, measurements=measurements)
    return [
        collection.verdict(group, network)
        for group in study.networks
        for network in group.networks
        if network in collection.by_network
    ]


@dataclass(frozen=True, kw_only=True)
class _Collection:
    """The measurements of a study, sorted for its verdicts."""

    study: Study
    measurements: Measurements

    @cached_property
    def task(self) -> AbstractTask:
        return self.study.task.build()

    @cached_property
    def by_network(self) -> dict[str, dict[str, list[Record]]]:
        """For each network and site the records of the hypothesis that verdicts are about."""
        records: dict[str, dict[str, list[Record]]] = {}
        for record in self.measurements.records:
            if (record.trial.hypothesis, record.trial.schedule) == (self.study.asked, self.study.schedule):
                records.setdefault(record.trial.network, {}).setdefault(record.trial.site, []).append(record)
        return records

    @cached_property
    def _levels(self) -> dict[str, ChanceLevels]:
        names = (self.study.asked, *self.study.rivals)
        return {name: chance_levels(self.task, self.task.hypothesis(name)) for name in names}

    @cached_property
    def _nulls(self) -> dict[str, list[float]]:
        """For each architecture the best IIA of any search in each of its untrained networks."""
        best: dict[str, list[float]] = {}
        for group in self.study.networks:
            for network in group.networks if not group.trained else ():
                records = [record for of_site in self.by_network.get(network, {}).values() for record in of_site]
                iias = [entry.best.score.iia for record in records for entry in record.sizes]
                if iias:
                    best.setdefault(group.source.architecture, []).append(max(iias))
        return best

    @cached_property
    def _untrained(self) -> dict[str, str]:
        """For each architecture how the parameters of its untrained networks were made, if the study says so."""
        groups = [group for group in self.study.networks if not group.trained and group.untrained_parameters]
        return {group.source.architecture: group.untrained_parameters for group in groups}

    def verdict(self, group: NetworkGroup, network: str) -> NetworkVerdict:
        """The verdict on one network.

        Args:
            group: The group of the network.
            network: Name of the network, a key of `by_network`.
        """
        study, records = self.study, self.by_network[network]
        accuracy = next(iter(records.values()))[0].accuracy
        controls = {site: self.measurements.controls.get((network, site)) for site in study.sites if site in records}
        comparisons = sum(len(record.sizes) for site in records.values() for record in site)
        comparisons += sum(map(searches_inside, controls.values()))
        observed = [
            self._observed(group, site, records[site], control, comparisons) for site, control in controls.items()
        ]
        judged = judge_network(accuracy, observed, competence=study.competence, thresholds=study.verdict)
        rivals = [row for name in study.rivals for row in self._rivals(name, controls, comparisons)]
        judged_rivals = judge_network(accuracy, rivals, competence=study.competence, thresholds=study.verdict)
        verdict = NetworkVerdict(
            network=network,
            group=group.name,
            accuracy=accuracy,
            answer=answer(judged, judged_rivals),
            sites=tuple(map(tuple, judged)),
            rivals=tuple(map(tuple, judged_rivals)),
        )
        return with_other_words(verdict, competence=study.competence, thresholds=study.verdict)

    def _observed(
        self, group: NetworkGroup, site: str, records: Sequence[Record], control: ControlRecord | None, comparisons: int
    ) -> list[SiteObservation]:
        """One observation for each variable of the study's hypothesis at a site."""
        study, level, untrained = (
            self.study,
            self._levels[self.study.asked],
            self._nulls.get(group.source.architecture, []),
        )
        null = NullLevel.of(untrained)
        shuffled = control.result(ShuffledLabels) if control else None
        levels = [null.highest] if null else []
        levels += [] if shuffled is None else [shuffled]
        power = power_at(self.measurements.planted, group, site, study.verdict.power)
        results = dict(control.results) if control else {}
        if power is not None:
            results[PowerControl.name] = power
        maps = {record.trial.featurizer: record.sizes for record in records}
        probes = control.result(ProbesControl) if control else None
        width = group.sites(self.task)[site]
        order = [name for name in study.featurizers_of(study.asked, site) if name in maps]
        return [
            SiteObservation(
                site=site,
                variable=variable,
                hidden=site != INPUT_SITE,
                effects=effects_of({name: maps[name] for name in order}, variable, comparisons, control, width),
                no_effect=level.no_effect,
                one_directional=level.one_directional,
                null=max(levels, default=None),
                null_limit=null.limit if null else None,
                untrained_count=len(untrained),
                untrained=self._untrained.get(group.source.architecture, ""),
                linear_ceiling=control.result(LinearCeiling) if control else None,
                used=used_evidence(control, study.asked, variable, comparisons),
                power=power,
                decodable=probes[variable].linear if probes and variable in probes else None,
                **by_cell_means(control, study.verdict),
                cases=cases_of(control, variable),
                results=results,
                failed=control.failed if control else {},
            )
            for variable in self.task.hypothesis(study.asked).variables
        ]

    def _rivals(
        self, name: str, controls: Mapping[str, ControlRecord | None], comparisons: int
    ) -> list[list[SiteObservation]]:
        """The observations of a rival's variables, which are searched inside used subspaces only."""
        level, rows = self._levels[name], []
        for site, control in controls.items():
            used = control.result(UsedSubspaceControl) if control else None
            if control is None or used is None or name not in used.found or site == INPUT_SITE:
                continue
            rows.append(
                [
                    SiteObservation(
                        site=site,
                        variable=variable,
                        hidden=True,
                        effects=effects_of(used.restarts_of(name), variable, comparisons, None, used.width),
                        no_effect=level.no_effect,
                        one_directional=level.one_directional,
                        null=level.no_effect,
                        used=used_evidence(control, name, variable, comparisons),
                        results={UsedSubspaceControl.name: used},
                    )
                    for variable in self.task.hypothesis(name).variables
                ]
            )
        return rows


def verdicts_to_json(study: Study, verdicts: Sequence[NetworkVerdict], answers: StudyAnswers | None) -> JsonObject:
    """The content of `verdict.json`, without the indices.

    Args:
        study: The study of the run.
        verdicts: The verdicts on its networks.
        answers: Both answers in words; `None` while there is no verdict.
    """
    groups = []
    for group in study.networks:
        words = [verdict.answer for verdict in verdicts if verdict.group == group.name]
        shares = {word: words.count(word) / len(words) for word in dict.fromkeys(words)}
        if words:
            groups.append({"group": group.name, "answer": shares, "count": len(words)})
    return {
        "schema": SCHEMA,
        "study": study.name,
        "answer": answers.to_json() if answers else {},
        "groups": groups,
        "networks": [verdict.to_json() for verdict in verdicts],
    }
